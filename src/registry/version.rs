//! Protocol versions as the wire numbers them.

use std::fmt;

/// A version field: of a record, a hello, or an entry of `supported_versions`.
///
/// The order is that of the numbers, which is the order of the TLS versions from SSL 3.0 (0x0300) to TLS 1.3 (0x0304). SSL 2.0 sorts below
/// them; DTLS numbers fall as versions rise and must not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProtocolVersion(pub(crate) u16);

#[allow(dead_code, reason = "a registry names every code point it knows, asked for or not")]
impl ProtocolVersion {
    /// SSL 2.0 (0x0002).
    pub(crate) const SSL2: Self = Self(0x0002);
    /// TLCP 1.1, GB/T 38636.
    pub(crate) const TLCP: Self = Self(0x0101);
    /// SSL 3.0 (RFC 6101).
    pub(crate) const SSL3: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub(crate) const TLS10: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub(crate) const TLS11: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub(crate) const TLS12: Self = Self(0x0303);
    /// TLS 1.3 (RFC 9846).
    pub(crate) const TLS13: Self = Self(0x0304);
}

impl ProtocolVersion {
    /// The name that people use.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0002 => "SSL 2.0",
            0x0101 => "TLCP 1.1",
            0x0300 => "SSL 3.0",
            0x0301 => "TLS 1.0",
            0x0302 => "TLS 1.1",
            0x0303 => "TLS 1.2",
            0x0304 => "TLS 1.3",
            0xfeff => "DTLS 1.0",
            0xfefd => "DTLS 1.2",
            0xfefc => "DTLS 1.3",
            _ => return None,
        })
    }

    /// TLS 1.3, or a draft of it (0x7fxx; 0xfbxx were Facebook's own).
    pub(crate) const fn is_tls13(self) -> bool {
        matches!(self.0, 0x0304 | 0x7f00..=0x7fff | 0xfb17..=0xfb1a)
    }

    /// The place in the order of versions: drafts of TLS 1.3 count as TLS 1.3, and values that nobody assigned as 0.
    pub(crate) const fn rank(self) -> u16 {
        if self.is_tls13() {
            return Self::TLS13.0;
        }
        match self.0 {
            0x0002 | 0x0300..=0x0303 => self.0,
            _ => 0,
        }
    }
}

impl From<u16> for ProtocolVersion {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_print_their_usual_names() {
        assert_eq!(ProtocolVersion::TLS12.to_string(), "TLS 1.2");
        assert_eq!(ProtocolVersion::SSL3.to_string(), "SSL 3.0");
        assert_eq!(ProtocolVersion(0x7f1c).to_string(), "0x7f1c");
    }

    #[test]
    fn drafts_count_as_tls_1_3() {
        assert!(ProtocolVersion(0x7f1c).is_tls13());
        assert_eq!(ProtocolVersion(0x7f1c).rank(), ProtocolVersion::TLS13.rank());
        assert!(ProtocolVersion(0x0399).rank() < ProtocolVersion::SSL3.rank());
    }
}
