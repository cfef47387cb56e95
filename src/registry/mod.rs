//! Code points of TLS: alerts, cipher suites, groups, signature schemes, extensions, handshake types and versions; and which roots were
//! distrusted, by whom and since when, and what browsers demand of certificates. Of ICMP, the names of its errors.
//!
//! Data only: no judgement, and nothing about what a library means by a value. Every type keeps values that it does not know, and prints
//! them as the hexadecimal number that the wire carried. Each row names where it comes from: an RFC with its section where there is one,
//! else the draft or the software that defined it.
//!
//! Names are those of the IANA registry "Transport Layer Security (TLS) Parameters"; cipher suites also carry OpenSSL's.

mod alert;
mod distrust;
mod extension;
mod group;
mod handshake;
mod icmp;
mod inspection;
mod openssl;
mod parts;
mod placeholder;
mod policy;
mod port;
mod scheme;
mod suite;
mod version;

pub(crate) use alert::{AlertDescription, AlertLevel};
pub(crate) use distrust::{DISTRUSTS, Distrust, Programme, Refused};
pub(crate) use extension::ExtensionType;
pub(crate) use group::Group;
pub(crate) use handshake::HandshakeType;
pub(crate) use icmp::icmp_error_name;
pub(crate) use inspection::{Inspector, InspectorKind, inspector_called};
pub(crate) use placeholder::placeholder_called;
pub(crate) use policy::{Demand, POLICIES, Policy};
pub(crate) use port::is_tls_port;
pub(crate) use scheme::SignatureScheme;
pub(crate) use suite::{Authentication, CipherSuite, KeyExchange};
pub(crate) use version::ProtocolVersion;

/// One row of a registry: a code, its name, and the document that assigned it.
#[derive(Clone, Copy, Debug)]
struct Row<C> {
    code: C,
    name: &'static str,
    #[allow(
        dead_code,
        reason = "for readers of the tables, and for the test that wants one in every row"
    )]
    source: &'static str,
}

/// The shorthand that tables are written in.
const fn row<C: Copy>(code: C, name: &'static str, source: &'static str) -> Row<C> {
    Row { code, name, source }
}

/// The row of a code in a table that is sorted by code.
fn find<C: Copy + Ord>(table: &'static [Row<C>], code: C) -> Option<&'static Row<C>> {
    let index = table.binary_search_by_key(&code, |row| row.code).ok()?;
    table.get(index)
}

/// True for the sixteen 16-bit values that RFC 8701 §2 reserves for GREASE: both bytes equal, low nibbles 0xa.
pub(crate) const fn is_grease(code: u16) -> bool {
    code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
}

/// A 16-bit code point with its registered name.
macro_rules! code_point {
    ($(#[$doc:meta])* $type:ident, $table:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $type(pub(crate) u16);

        impl $type {
            /// The registered name.
            pub(crate) fn name(self) -> Option<&'static str> {
                crate::registry::find($table, self.0).map(|row| row.name)
            }
        }

        impl From<u16> for $type {
            fn from(code: u16) -> Self {
                Self(code)
            }
        }
    };
}
use code_point;

/// Prints a name, or the number in hexadecimal with a mark where it is GREASE.
fn print(f: &mut std::fmt::Formatter<'_>, code: u16, name: Option<&str>) -> std::fmt::Result {
    match name {
        Some(name) => f.write_str(name),
        None if is_grease(code) => write!(f, "GREASE (0x{code:04x})"),
        None => write!(f, "0x{code:04x}"),
    }
}

/// Fails where a table is not sorted, holds a code twice, or a row lacks its name or source.
#[cfg(test)]
fn assert_sound<C: Copy + Ord + std::fmt::Debug>(table: &[Row<C>]) {
    for pair in table.windows(2) {
        assert!(pair[0].code < pair[1].code, "{:?} is not before {:?}", pair[0], pair[1]);
    }
    for row in table {
        assert!(!row.name.is_empty() && !row.source.is_empty(), "{row:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_values_are_grease() {
        assert_eq!((0..=u16::MAX).filter(|&code| is_grease(code)).count(), 16);
        assert!(is_grease(0x0a0a) && is_grease(0xfafa));
        assert!(!is_grease(0x1a2a) && !is_grease(0x0a1a));
    }

    #[test]
    fn unknown_values_are_printed_as_they_stood_on_the_wire() {
        assert_eq!(Group(0x11ec).to_string(), "X25519MLKEM768");
        assert_eq!(Group(0x7777).to_string(), "0x7777");
        assert_eq!(Group(0x2a2a).to_string(), "GREASE (0x2a2a)");
    }
}
