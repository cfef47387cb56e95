//! Does a certificate name the host that was asked for? (RFC 9525)
//!
//! A dNSName counts for names, an iPAddress for addresses, the common name for nothing: clients of before 2017 still fall back to it where
//! there is neither, so that case has an answer of its own. A wildcard is a whole left-most label and covers exactly one. Names are compared
//! as DNS carries them: letters outside of ASCII are not converted to their `xn--` form, but told.

use std::net::IpAddr;

use super::Certificate;

/// Whether a certificate covers a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameMatch {
    /// It does.
    Yes,
    /// It does not.
    No {
        /// The name in it that comes closest, if one comes close.
        closest: Option<String>,
    },
    /// Only its common name does: enough for some old clients, for no current browser, Go or Rust.
    ByCommonNameOnly,
}

/// Whether `certificate` covers `reference`, a host name or a textual address.
pub(crate) fn covers(certificate: &Certificate, reference: &str) -> NameMatch {
    let said = &certificate.extensions;
    let common_name = fallback(certificate);
    if let Some(address) = as_address(reference) {
        return if said.ip_addresses.contains(&address) {
            NameMatch::Yes
        } else if common_name.and_then(as_address) == Some(address) {
            NameMatch::ByCommonNameOnly
        } else {
            let written_as_name = said.dns_names.iter().find(|name| as_address(name) == Some(address));
            NameMatch::No {
                closest: written_as_name.cloned(),
            }
        };
    }
    if said.dns_names.iter().any(|name| matches(name, reference)) {
        NameMatch::Yes
    } else if common_name.is_some_and(|name| matches(name, reference)) {
        NameMatch::ByCommonNameOnly
    } else {
        let written: Vec<&str> = said.dns_names.iter().map(String::as_str).chain(common_name).collect();
        NameMatch::No {
            closest: closest(&written, reference),
        }
    }
}

/// The names and addresses that `certificate` covers, for connections whose client named none: those of subjectAltName that some name can
/// match, else the common name, which then counts for old clients only.
pub(crate) fn served_names(certificate: &Certificate) -> Vec<String> {
    let said = &certificate.extensions;
    let names = said.dns_names.iter().map(String::as_str);
    let addresses = said.ip_addresses.iter().map(ToString::to_string);
    let common_name =
        fallback(certificate).filter(|name| as_address(name).is_some() || Pattern::read(&normal(name)).is_ok());
    names
        .filter(|name| Pattern::read(&normal(name)).is_ok())
        .chain(common_name)
        .map(str::to_owned)
        .chain(addresses)
        .collect()
}

/// Why a name that comes close does not cover `reference`, in words; `None` where nothing in particular can be said.
pub(crate) fn why_not_covered(name: &str, reference: &str) -> Option<&'static str> {
    let (name, reference) = (normal(name), normal(reference));
    if !reference.is_ascii() {
        return Some("the client asked in letters outside of ASCII, where names have their xn-- form");
    }
    if reference.split('.').any(str::is_empty) {
        return Some("the name asked for has an empty label");
    }
    match Pattern::read(&name) {
        Err(reason) => Some(reason),
        Ok(Pattern::Below(base)) if reference == base => Some("a wildcard does not cover the bare domain"),
        Ok(Pattern::Below(base)) => {
            let is_below = reference.strip_suffix(base).is_some_and(|above| above.ends_with('.'));
            is_below.then_some("a wildcard covers one label only")
        }
        Ok(Pattern::Exactly(name)) if reference.strip_prefix("www.") == Some(name) => {
            Some("the name with www is missing")
        }
        Ok(Pattern::Exactly(name)) if name.strip_prefix("www.") == Some(&reference) => {
            Some("the name without www is missing")
        }
        Ok(Pattern::Exactly(_)) => None,
    }
}

/// The common name, where clients that still know it look at it.
fn fallback(certificate: &Certificate) -> Option<&str> {
    let said = &certificate.extensions;
    let is_alone = said.dns_names.is_empty() && said.ip_addresses.is_empty();
    certificate.subject.common_name.as_deref().filter(|_| is_alone)
}

/// What a name in a certificate covers (RFC 9525 §6.3), in lower case.
enum Pattern<'a> {
    /// This name.
    Exactly(&'a str),
    /// Names with one label more.
    Below(&'a str),
}

impl<'a> Pattern<'a> {
    /// Reads a name in its normal form.
    ///
    /// # Errors
    /// Why it covers nothing, in words.
    fn read(name: &'a str) -> Result<Self, &'static str> {
        if name.chars().any(|letter| letter.is_control() || letter == ' ') {
            return Err("a name with blanks or control characters covers nothing");
        }
        if !name.is_ascii() {
            return Err("letters outside of ASCII have to stand in their xn-- form");
        }
        if as_address(name).is_some() {
            return Err("an address has to stand in an iPAddress entry, not in a dNSName");
        }
        if name.split('.').any(str::is_empty) {
            return Err("a name with an empty label covers nothing");
        }
        let (label, base) = name.split_once('.').unwrap_or((name, ""));
        match (label, base) {
            (_, base) if base.contains('*') => Err("a wildcard has to be the left-most label"),
            // Such a name would cover every shop: browsers, Go and webpki ask for two labels to the right.
            ("*", base) if !base.contains('.') => Err("most clients refuse a wildcard for a whole top-level domain"),
            ("*", base) => Ok(Self::Below(base)),
            (label, _) if label.contains('*') => Err("most clients refuse a wildcard that is not a whole label"),
            _ => Ok(Self::Exactly(name)),
        }
    }
}

/// The part of a host name by which one can see that two belong together: its last two labels, three under a country's `co` or `com`; lower
/// case. `None` for addresses and for names of one label.
pub(crate) fn site(name: &str) -> Option<String> {
    let name = normal(name);
    if as_address(&name).is_some() {
        return None;
    }
    let labels: Vec<&str> = name.split('.').filter(|label| *label != "*").collect();
    let [.., second, top] = labels.as_slice() else {
        return None;
    };
    let count = if top.len() == 2 && second.len() <= 3 { 3 } else { 2 };
    Some(labels.get(labels.len().saturating_sub(count)..)?.join("."))
}

/// An address as URLs and people write it.
fn as_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text)
        .parse()
        .ok()
}

/// Lower case, without the dot that ends an absolute name.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether a name in a certificate covers `reference`.
fn matches(name: &str, reference: &str) -> bool {
    let (name, reference) = (normal(name), normal(reference));
    match Pattern::read(&name) {
        Ok(Pattern::Exactly(name)) => name == reference,
        Ok(Pattern::Below(base)) => reference
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == base),
        Err(_) => false,
    }
}

/// The name that shares the most trailing labels with `reference`, at least two; of those the one that is nearest in length.
fn closest(names: &[&str], reference: &str) -> Option<String> {
    let reference = normal(reference);
    let labels: Vec<&str> = reference.rsplit('.').collect();
    let shared = |name: &str| {
        name.rsplit('.')
            .zip(&labels)
            .take_while(|(one, other)| one == *other || one.starts_with("xn--") && !other.is_ascii())
            .count()
    };
    let best = names
        .iter()
        .map(|name| {
            (
                shared(&normal(name)),
                name.split('.').count().abs_diff(labels.len()),
                *name,
            )
        })
        .filter(|(shared, ..)| *shared >= 2)
        .min_by_key(|(shared, difference, _)| (usize::MAX - shared, *difference));
    best.map(|(.., name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use rcgen::SanType;

    use super::super::testing::{Authority, Leaf, odd};
    use super::*;

    fn with_names(names: &[&str]) -> Certificate {
        Certificate::parse(&Leaf::of(names).signed_by(&Authority::root("Root"))).unwrap()
    }

    #[test]
    fn case_and_a_final_dot_do_not_matter() {
        assert_eq!(covers(&with_names(&["Shop.Example"]), "SHOP.example."), NameMatch::Yes);
    }

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        let certificate = with_names(&["*.shop.example"]);
        assert_eq!(covers(&certificate, "www.shop.example"), NameMatch::Yes);
        for other in ["shop.example", "a.b.shop.example", ".shop.example"] {
            assert_eq!(
                covers(&certificate, other),
                NameMatch::No {
                    closest: Some("*.shop.example".into())
                },
                "{other}"
            );
        }
        assert!(!matches("*.example", "shop.example"));
        assert!(!matches("w*.shop.example", "www.shop.example"));
        assert!(!matches("*.*.example", "a.b.example"));
    }

    #[test]
    fn the_closest_name_shares_most_of_the_domain() {
        let certificate = with_names(&["other.test", "api.shop.example", "shop.example"]);
        let NameMatch::No { closest } = covers(&certificate, "www.shop.example") else {
            panic!()
        };
        assert_eq!(closest.as_deref(), Some("api.shop.example"));
        assert_eq!(covers(&certificate, "unrelated.net"), NameMatch::No { closest: None });
    }

    #[test]
    fn addresses_need_an_address_entry() {
        let certificate = odd("every-extension");
        assert_eq!(covers(&certificate, "192.0.2.7"), NameMatch::Yes);
        assert_eq!(covers(&certificate, "[2001:db8:0::7]"), NameMatch::Yes);
        assert_eq!(covers(&certificate, "192.0.2.8"), NameMatch::No { closest: None });
    }

    #[test]
    fn the_common_name_counts_only_where_there_is_no_alternative() {
        let root = Authority::root("Root");
        let old = Certificate::parse(&Leaf::of(&[]).common_name("old.example").signed_by(&root)).unwrap();
        assert_eq!(covers(&old, "old.example"), NameMatch::ByCommonNameOnly);
        assert_eq!(
            covers(&old, "www.old.example"),
            NameMatch::No {
                closest: Some("old.example".into())
            }
        );
        let new = Certificate::parse(&Leaf::of(&["new.example"]).common_name("old.example").signed_by(&root)).unwrap();
        assert_eq!(covers(&new, "old.example"), NameMatch::No { closest: None });
    }

    #[test]
    fn names_of_one_site_are_told_from_others() {
        assert_eq!(site("*.Shop.example.").as_deref(), Some("shop.example"));
        assert_eq!(site("a.b.shop.co.uk").as_deref(), Some("shop.co.uk"));
        assert_eq!(site("a.b.shop.de").as_deref(), Some("shop.de"));
        assert_eq!((site("localhost"), site("192.0.2.1")), (None, None));
    }

    #[test]
    fn a_near_miss_has_its_reason() {
        assert_eq!(
            why_not_covered("*.a.example", "x.y.a.example"),
            Some("a wildcard covers one label only")
        );
        assert_eq!(
            why_not_covered("*.a.example", "a.example"),
            Some("a wildcard does not cover the bare domain")
        );
        assert_eq!(
            why_not_covered("a.example", "www.a.example"),
            Some("the name with www is missing")
        );
        assert_eq!(
            why_not_covered("www.a.example", "a.example."),
            Some("the name without www is missing")
        );
        assert_eq!(why_not_covered("a.example", "b.example"), None);
        for (name, reference, part) in [
            ("w*.a.example", "www.a.example", "not a whole label"),
            ("www.*.example", "www.a.example", "left-most"),
            ("*.example", "a.example", "top-level domain"),
            ("10.0.0.1", "10.0.0.1", "iPAddress"),
            ("a.example\0.evil.example", "a.example", "control characters"),
            ("a..example", "a.example", "empty label"),
            ("a.example", "a..example", "the name asked for has an empty label"),
            ("a.example", ".example", "the name asked for has an empty label"),
        ] {
            let why = why_not_covered(name, reference).unwrap();
            assert!(why.contains(part), "{name}: {why}");
            assert!(!matches(name, reference), "{name}");
        }
    }

    #[test]
    fn letters_outside_of_ascii_are_told() {
        let certificate = with_names(&["xn--bcher-kva.shop.example", "other.shop.example"]);
        assert_eq!(covers(&certificate, "XN--bcher-kva.shop.example"), NameMatch::Yes);
        let NameMatch::No { closest: Some(closest) } = covers(&certificate, "b\u{fc}cher.shop.example") else {
            panic!()
        };
        assert_eq!(closest, "xn--bcher-kva.shop.example");
        let why = why_not_covered(&closest, "b\u{fc}cher.shop.example").unwrap();
        assert!(why.contains("xn-- form"), "{why}");
        assert!(!matches("b\u{fc}cher.example", "b\u{fc}cher.example"));
    }

    #[test]
    fn an_underscore_is_a_letter_like_others() {
        let certificate = with_names(&["*.shop.example", "my_host.example"]);
        assert_eq!(covers(&certificate, "my_api.shop.example"), NameMatch::Yes);
        assert_eq!(covers(&certificate, "my_host.example"), NameMatch::Yes);
    }

    #[test]
    fn what_is_served_without_a_name_is_what_could_be_asked_for() {
        let root = Authority::root("Root");
        let served = |leaf: Leaf| served_names(&Certificate::parse(&leaf.signed_by(&root)).unwrap());
        let names = [
            "*.shop.example",
            "w*.shop.example",
            "*.example",
            "a..example",
            "192.0.2.1",
        ];
        assert_eq!(
            served(Leaf::of(&names).common_name("old.example")),
            ["*.shop.example", "192.0.2.1"]
        );
        assert_eq!(served(Leaf::of(&[]).common_name("old.example")), ["old.example"]);
        assert_eq!(served(Leaf::of(&[]).common_name("Old Appliance")), [""; 0]);
    }

    #[test]
    fn an_address_as_a_dns_name_is_the_closest_of_that_address() {
        let names = [SanType::DnsName("192.0.2.8".try_into().unwrap())];
        let leaf = Leaf::of(&[]).with(|params| params.subject_alt_names.extend(names));
        let certificate = Certificate::parse(&leaf.signed_by(&Authority::root("Root"))).unwrap();
        assert_eq!(
            covers(&certificate, "192.0.2.8"),
            NameMatch::No {
                closest: Some("192.0.2.8".into())
            }
        );
        assert!(served_names(&certificate).is_empty());
    }
}
