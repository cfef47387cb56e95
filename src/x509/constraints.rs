//! Name constraints: an authority may be allowed to name only some hosts (RFC 5280 §4.2.1.10).
//!
//! Host names and addresses of subjectAltName are checked, which is what servers are refused for. Constraints on directory names, mail
//! addresses and URIs are not evaluated.

use std::fmt;
use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};

use super::Certificate;

/// Subtrees of each kind that are told.
const TOLD: usize = 5;

/// A part of the name space.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subtree {
    /// A domain and everything below it; with a leading dot only what is below it.
    Dns(String),
    /// Address and mask.
    Ip(Vec<u8>, Vec<u8>),
}

/// What an authority may and may not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

/// A name that the constraints forbid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forbidden {
    /// The name, as it stands in the certificate below.
    pub(crate) name: String,
    /// True where it is excluded, false where it is merely not among the permitted ones.
    pub(crate) excluded: bool,
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = |bytes: &[u8]| {
            let of_4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            of_4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        };
        match self {
            Self::Dns(domain) if domain.is_empty() => f.write_str("any name"),
            Self::Dns(domain) => f.write_str(domain),
            Self::Ip(network, mask) => match (address(network), address(mask)) {
                (Ok(network), Ok(mask)) => write!(f, "{network}/{mask}"),
                _ => f.write_str("an address"),
            },
        }
    }
}

/// What the authority does, as said after its name: `permits only corp.example`.
impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |subtrees: &[Subtree]| {
            let told: Vec<String> = subtrees.iter().take(TOLD).map(ToString::to_string).collect();
            let more = if subtrees.len() > TOLD { " and others" } else { "" };
            format!("{}{more}", told.join(", "))
        };
        match (self.permitted.as_slice(), self.excluded.as_slice()) {
            ([], excluded) => write!(f, "excludes {}", list(excluded)),
            (permitted, []) => write!(f, "permits only {}", list(permitted)),
            (permitted, excluded) => write!(f, "permits only {}, and excludes {}", list(permitted), list(excluded)),
        }
    }
}

impl Subtree {
    fn of(subtree: &GeneralSubtree<'_>) -> Option<Self> {
        match &subtree.base {
            GeneralName::DNSName(domain) => Some(Self::Dns(domain.to_ascii_lowercase())),
            GeneralName::IPAddress(bytes) if matches!(bytes.len(), 8 | 32) => {
                let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
                Some(Self::Ip(address.to_vec(), mask.to_vec()))
            }
            _ => None,
        }
    }

    /// Whether `name` lies inside; `None` where the subtree is about addresses.
    fn holds_host(&self, name: &str) -> Option<bool> {
        let Self::Dns(domain) = self else { return None };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        Some(match name.strip_suffix(domain.as_str()) {
            Some(above) => domain.is_empty() || domain.starts_with('.') || above.is_empty() || above.ends_with('.'),
            None => false,
        })
    }

    /// Whether `address` lies inside; `None` where the subtree is about names, or about the other kind of address.
    fn holds_address(&self, address: IpAddr) -> Option<bool> {
        let Self::Ip(network, mask) = self else { return None };
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let mut parts = network.iter().zip(mask).zip(&bytes);
        (bytes.len() == network.len()).then(|| parts.all(|((network, mask), byte)| network & mask == byte & mask))
    }
}

impl Constraints {
    /// From the extension.
    pub(super) fn of(constraints: &NameConstraints<'_>) -> Self {
        let subtrees = |list: &Option<Vec<GeneralSubtree<'_>>>| list.iter().flatten().filter_map(Subtree::of).collect();
        Self {
            permitted: subtrees(&constraints.permitted_subtrees),
            excluded: subtrees(&constraints.excluded_subtrees),
        }
    }

    /// The first name of `certificate` that is forbidden.
    pub(super) fn forbidden(&self, certificate: &Certificate) -> Option<Forbidden> {
        let said = &certificate.extensions;
        let hosts = said
            .dns_names
            .iter()
            .find_map(|name| self.judge(name, |subtree| subtree.holds_host(name)));
        hosts.or_else(|| {
            let judge = |address: &IpAddr| self.judge(&address.to_string(), |subtree| subtree.holds_address(*address));
            said.ip_addresses.iter().find_map(judge)
        })
    }

    fn judge(&self, name: &str, holds: impl Fn(&Subtree) -> Option<bool>) -> Option<Forbidden> {
        let excluded = self.excluded.iter().any(|subtree| holds(subtree) == Some(true));
        // Permitted subtrees restrict only names of their own kind.
        let mut verdicts = self.permitted.iter().filter_map(&holds).peekable();
        let outside = verdicts.peek().is_some() && !verdicts.any(|inside| inside);
        (excluded || outside).then(|| Forbidden {
            name: name.to_owned(),
            excluded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(domain: &str) -> Subtree {
        Subtree::Dns(domain.to_owned())
    }

    #[test]
    fn a_domain_holds_itself_and_what_is_below() {
        for name in ["shop.example", "a.SHOP.example.", "*.shop.example"] {
            assert_eq!(dns("shop.example").holds_host(name), Some(true), "{name}");
        }
        assert_eq!(dns("shop.example").holds_host("myshop.example"), Some(false));
        assert_eq!(dns(".shop.example").holds_host("shop.example"), Some(false));
        assert_eq!(dns(".shop.example").holds_host("a.shop.example"), Some(true));
        assert_eq!(dns("").holds_host("any.thing"), Some(true));
    }

    #[test]
    fn a_network_holds_addresses_of_its_kind() {
        let network = Subtree::Ip(vec![10, 1, 0, 0], vec![255, 255, 0, 0]);
        assert_eq!(network.holds_address([10, 1, 2, 3].into()), Some(true));
        assert_eq!(network.holds_address([10, 2, 2, 3].into()), Some(false));
        assert_eq!(network.holds_address(IpAddr::from([0u8; 16])), None);
    }

    #[test]
    fn what_is_excluded_is_forbidden_although_permitted() {
        let constraints = Constraints {
            permitted: vec![dns("example")],
            excluded: vec![dns("secret.example")],
        };
        let judge = |name: &str| {
            constraints
                .judge(name, |subtree| subtree.holds_host(name))
                .map(|forbidden| forbidden.excluded)
        };
        assert_eq!(judge("shop.example"), None);
        assert_eq!(judge("a.secret.example"), Some(true));
        assert_eq!(judge("shop.test"), Some(false));
    }
}
