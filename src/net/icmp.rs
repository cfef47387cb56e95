//! ICMP and ICMPv6 errors about a TCP segment: who complains, and of what.

use std::fmt;
use std::net::IpAddr;

use super::{fast, link};
use crate::registry::icmp_error_name;

/// An error quotes the packet that it complains of behind these bytes (RFC 792, RFC 4443 §2.1).
pub(super) const HEADER: usize = 8;

/// Destination unreachable, and the code of it that says that the packet was too long (RFC 792, RFC 1191 §4).
const UNREACHABLE: u8 = 3;
const FRAGMENTATION_NEEDED: u8 = 4;
const TIME_EXCEEDED: u8 = 11;
/// The same of ICMPv6 (RFC 4443 §3).
const UNREACHABLE_V6: u8 = 1;
const PACKET_TOO_BIG: u8 = 2;
const TIME_EXCEEDED_V6: u8 = 3;

/// An ICMP or ICMPv6 error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IcmpError {
    /// Who sent it: the router, firewall or host that would not pass the packet on.
    pub(crate) from: IpAddr,
    /// Its type.
    pub(crate) kind: u8,
    /// Its code.
    pub(crate) code: u8,
    /// The largest packet, in bytes, that the next hop takes (RFC 1191 §4, RFC 4443 §3.2). 0: the sender does not say.
    pub(crate) mtu: u32,
}

impl IcmpError {
    /// Reads the payload of a quoted segment: the IP header of the error, and its ICMP header at the end.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, message) = bytes.split_last_chunk::<HEADER>()?;
        let [kind, code, _, _, rest @ ..] = *message;
        let (from, mtu) = match header.first()? >> 4 {
            4 => {
                let [_, _, high, low] = rest;
                let from = fast::mapped(*header.get(12..)?.first_chunk()?);
                (
                    IpAddr::from(from.to_be_bytes()),
                    u32::from(u16::from_be_bytes([high, low])),
                )
            }
            6 => (
                IpAddr::from(*header.get(8..)?.first_chunk::<16>()?),
                link::be32(&rest, 0)?,
            ),
            _ => return None,
        };
        let mut error = Self {
            from: from.to_canonical(),
            kind,
            code,
            mtu: 0,
        };
        // Elsewhere these bytes mean something else.
        if error.is_too_big() {
            error.mtu = mtu;
        }
        Some(error)
    }

    /// True where the packet cannot be delivered, for whatever reason but its size.
    pub(crate) const fn is_unreachable(&self) -> bool {
        match self.from {
            IpAddr::V4(_) => self.kind == UNREACHABLE && self.code != FRAGMENTATION_NEEDED,
            IpAddr::V6(_) => self.kind == UNREACHABLE_V6,
        }
    }

    /// True where the packet passed as many routers as it may: it goes round in a loop, or somebody traces the route.
    pub(crate) const fn is_expired(&self) -> bool {
        let kind = match self.from {
            IpAddr::V4(_) => TIME_EXCEEDED,
            IpAddr::V6(_) => TIME_EXCEEDED_V6,
        };
        self.kind == kind && self.code == 0
    }

    /// True where the packet is longer than the next hop takes.
    pub(crate) const fn is_too_big(&self) -> bool {
        match self.from {
            IpAddr::V4(_) => self.kind == UNREACHABLE && self.code == FRAGMENTATION_NEEDED,
            IpAddr::V6(_) => self.kind == PACKET_TOO_BIG,
        }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_v6 = self.from.is_ipv6();
        f.write_str(if is_v6 { "ICMPv6 " } else { "ICMP " })?;
        if let Some(name) = icmp_error_name(is_v6, self.kind, self.code) {
            write!(f, "{name} ")?;
        }
        write!(f, "({}/{})", self.kind, self.code)?;
        if self.mtu > 0 {
            write!(f, ", next hop MTU {}", self.mtu)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(kind: u8, code: u8, rest: [u8; 4]) -> IcmpError {
        let mut bytes = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 254, 10, 0, 0, 1];
        bytes.extend([kind, code, 0, 0]);
        bytes.extend(rest);
        IcmpError::read(&bytes).unwrap()
    }

    fn v6(kind: u8, code: u8, rest: [u8; 4]) -> IcmpError {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 56, 58, 64];
        bytes.extend([0x20; 16]);
        bytes.extend([0x21; 16]);
        bytes.extend([kind, code, 0, 0]);
        bytes.extend(rest);
        IcmpError::read(&bytes).unwrap()
    }

    #[test]
    fn an_error_is_told_with_its_name_and_its_sender() {
        let error = v4(3, 13, [0; 4]);
        assert!(error.is_unreachable() && !error.is_too_big() && !error.is_expired());
        assert_eq!(error.from, IpAddr::from([10, 0, 0, 254]));
        assert_eq!(
            error.to_string(),
            "ICMP communication administratively prohibited (3/13)"
        );
        let error = v6(1, 1, [0; 4]);
        assert!(error.is_unreachable());
        assert_eq!(error.from, IpAddr::from([0x20; 16]));
        assert_eq!(
            error.to_string(),
            "ICMPv6 communication with destination administratively prohibited (1/1)"
        );
        assert_eq!(v4(3, 99, [0; 4]).to_string(), "ICMP (3/99)");
    }

    #[test]
    fn too_big_says_how_big_a_packet_may_be() {
        let error = v4(3, 4, [0, 0, 5, 0x78]);
        assert!(error.is_too_big() && !error.is_unreachable());
        assert_eq!(error.mtu, 1_400);
        let error = v6(2, 0, [0, 0, 5, 0]);
        assert!(error.is_too_big() && !error.is_unreachable());
        assert_eq!(error.to_string(), "ICMPv6 packet too big (2/0), next hop MTU 1280");
    }

    #[test]
    fn what_means_something_else_is_no_mtu() {
        assert_eq!(v4(3, 1, [0, 0, 5, 0x78]).mtu, 0);
    }

    #[test]
    fn a_hop_limit_that_was_reached_is_an_expiry() {
        assert!(v4(11, 0, [0; 4]).is_expired() && v6(3, 0, [0; 4]).is_expired());
        // Of fragments that did not all come.
        assert!(!v4(11, 1, [0; 4]).is_expired());
    }

    #[test]
    fn what_is_too_short_or_of_no_version_is_no_error() {
        assert_eq!(IcmpError::read(&[0x45; 7]), None);
        assert_eq!(IcmpError::read(&[0x45; 20]), None);
        assert_eq!(IcmpError::read(&[0x75; 60]), None);
    }
}
