//! Does a certificate name the host that was asked for? (RFC 9525)
//!
//! A dNSName counts for names, an iPAddress for addresses, the common name for nothing: clients of before 2017 still fall back to it where
//! there is no subjectAltName, so that case has an answer of its own. A wildcard is a whole left-most label and covers exactly one.

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
    let common_name = certificate.subject.common_name.as_deref();
    let has_names = !said.dns_names.is_empty() || !said.ip_addresses.is_empty() || !said.uris.is_empty();
    if let Some(address) = as_address(reference) {
        return if said.ip_addresses.contains(&address) {
            NameMatch::Yes
        } else if !has_names && common_name.and_then(as_address) == Some(address) {
            NameMatch::ByCommonNameOnly
        } else {
            let written_as_name = said.dns_names.iter().find(|name| as_address(name) == Some(address));
            NameMatch::No {
                closest: written_as_name.cloned(),
            }
        };
    }
    if said.dns_names.iter().any(|pattern| matches(pattern, reference)) {
        NameMatch::Yes
    } else if !has_names && common_name.is_some_and(|name| matches(name, reference)) {
        NameMatch::ByCommonNameOnly
    } else {
        let written: Vec<&str> = match (has_names, common_name) {
            (false, Some(name)) => vec![name],
            _ => said.dns_names.iter().map(String::as_str).collect(),
        };
        NameMatch::No {
            closest: closest(&written, reference),
        }
    }
}

/// Why a name that comes close does not cover `reference`, in words; `None` where nothing in particular can be said.
pub(crate) fn why_not_covered(pattern: &str, reference: &str) -> Option<&'static str> {
    let (pattern, reference) = (normal(pattern), normal(reference));
    if as_address(&pattern).is_some() && pattern == reference {
        return Some("an address has to stand in an iPAddress entry, not in a dNSName");
    }
    if let Some(base) = pattern.strip_prefix("*.") {
        if reference == base {
            return Some("a wildcard does not cover the bare domain");
        }
        if reference.strip_suffix(base).is_some_and(|above| above.ends_with('.')) {
            return Some("a wildcard covers one label only");
        }
        return None;
    }
    if pattern.split('.').next().is_some_and(|label| label.contains('*')) {
        return Some("a wildcard has to be a whole label");
    }
    if reference.strip_prefix("www.") == Some(&pattern) {
        return Some("the name with www is missing");
    }
    if pattern.strip_prefix("www.") == Some(&reference) {
        return Some("the name without www is missing");
    }
    None
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

/// RFC 9525 §6.3: all labels equal, or a wildcard in place of the left-most one.
fn matches(pattern: &str, reference: &str) -> bool {
    let (pattern, reference) = (normal(pattern), normal(reference));
    if pattern.is_empty() || as_address(&pattern).is_some() {
        return false;
    }
    let Some(base) = pattern.strip_prefix("*.") else {
        return pattern == reference && !pattern.contains('*');
    };
    // "*.com" would cover every shop: as browsers and webpki do, ask for two labels to the right.
    base.contains('.')
        && !base.contains('*')
        && reference
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == base)
}

/// The name that shares the most trailing labels with `reference`, at least two; of those the one that is nearest in length.
fn closest(names: &[&str], reference: &str) -> Option<String> {
    let reference = normal(reference);
    let labels: Vec<&str> = reference.rsplit('.').collect();
    let shared = |name: &str| {
        name.rsplit('.')
            .zip(&labels)
            .take_while(|(one, other)| one == *other)
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
    }
}
