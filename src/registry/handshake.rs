//! Handshake message types (IANA "TLS HandshakeType").

use std::fmt;

use super::{Row, find, row};

/// The first byte of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HandshakeType(pub(crate) u8);

#[allow(dead_code, reason = "a registry names every code point it knows, asked for or not")]
impl HandshakeType {
    pub(crate) const HELLO_REQUEST: Self = Self(0);
    pub(crate) const CLIENT_HELLO: Self = Self(1);
    pub(crate) const SERVER_HELLO: Self = Self(2);
    pub(crate) const HELLO_VERIFY_REQUEST: Self = Self(3);
    pub(crate) const NEW_SESSION_TICKET: Self = Self(4);
    pub(crate) const END_OF_EARLY_DATA: Self = Self(5);
    pub(crate) const HELLO_RETRY_REQUEST: Self = Self(6);
    pub(crate) const ENCRYPTED_EXTENSIONS: Self = Self(8);
    pub(crate) const CERTIFICATE: Self = Self(11);
    pub(crate) const SERVER_KEY_EXCHANGE: Self = Self(12);
    pub(crate) const CERTIFICATE_REQUEST: Self = Self(13);
    pub(crate) const SERVER_HELLO_DONE: Self = Self(14);
    pub(crate) const CERTIFICATE_VERIFY: Self = Self(15);
    pub(crate) const CLIENT_KEY_EXCHANGE: Self = Self(16);
    pub(crate) const FINISHED: Self = Self(20);
    pub(crate) const CERTIFICATE_STATUS: Self = Self(22);
    pub(crate) const SUPPLEMENTAL_DATA: Self = Self(23);
    pub(crate) const KEY_UPDATE: Self = Self(24);
    pub(crate) const COMPRESSED_CERTIFICATE: Self = Self(25);
}

impl HandshakeType {
    /// The registered name.
    pub(crate) fn name(self) -> Option<&'static str> {
        find(TYPES, self.0).map(|row| row.name)
    }
}

/// The name, or `handshake type 99`.
impl fmt::Display for HandshakeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "handshake type {}", self.0),
        }
    }
}

const TYPES: &[Row<u8>] = &[
    row(0, "hello_request", "RFC 5246 §7.4.1.1"),
    row(1, "client_hello", "RFC 9846 §4.2.2"),
    row(2, "server_hello", "RFC 9846 §4.2.3"),
    row(3, "hello_verify_request", "RFC 6347 §4.2.1"),
    row(4, "new_session_ticket", "RFC 9846 §4.7.1"),
    row(5, "end_of_early_data", "RFC 9846 §4.6"),
    row(6, "hello_retry_request", "draft-ietf-tls-tls13-18 §4.1.4"),
    row(8, "encrypted_extensions", "RFC 9846 §4.4.1"),
    row(11, "certificate", "RFC 9846 §4.5.1"),
    row(12, "server_key_exchange", "RFC 5246 §7.4.3"),
    row(13, "certificate_request", "RFC 9846 §4.4.2"),
    row(14, "server_hello_done", "RFC 5246 §7.4.5"),
    row(15, "certificate_verify", "RFC 9846 §4.5.2"),
    row(16, "client_key_exchange", "RFC 5246 §7.4.7"),
    row(20, "finished", "RFC 9846 §4.5.3"),
    row(21, "certificate_url", "RFC 6066 §5"),
    row(22, "certificate_status", "RFC 6066 §8"),
    row(23, "supplemental_data", "RFC 4680 §2"),
    row(24, "key_update", "RFC 9846 §4.7.3"),
    row(25, "compressed_certificate", "RFC 8879 §4"),
    row(67, "next_protocol", "draft-agl-tls-nextprotoneg-04 §4"),
    row(203, "channel_id", "draft-balfanz-tls-channelid-01 §4"),
    row(254, "message_hash", "RFC 9846 §4.1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_sound(TYPES);
    }

    #[test]
    fn unknown_types_keep_their_number() {
        assert_eq!(HandshakeType::CERTIFICATE.to_string(), "certificate");
        assert_eq!(HandshakeType(99).to_string(), "handshake type 99");
    }
}
