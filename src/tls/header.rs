//! The five bytes before every record, and what the first bytes of a stream look like.

use crate::registry::ProtocolVersion;

/// Bytes of a record's header.
pub(super) const HEADER_LEN: usize = 5;
/// The longest contents of a record in any version: 2^14 and an expansion of 2048 (RFC 5246 §6.2.3).
pub(super) const LENGTH_MAX: u16 = (1 << 14) + 2048;

/// The content types of RFC 9846 §5.1 and RFC 5246 §6.2.1.
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) content_type: u8,
    pub(super) version: ProtocolVersion,
    pub(super) length: u16,
}

impl Header {
    /// Reads a header; `None` where the bytes cannot be one. The length is not judged.
    pub(super) fn parse(bytes: [u8; HEADER_LEN]) -> Option<Self> {
        let [content_type, major, minor, high, low] = bytes;
        may_be_header(&bytes).then_some(Self {
            content_type,
            version: ProtocolVersion(u16::from_be_bytes([major, minor])),
            length: u16::from_be_bytes([high, low]),
        })
    }
}

/// True where the bytes, as many as there are, do not contradict a record's header: a known type, and version 3.x or TLCP's 1.1.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    let mut bytes = bytes.iter().copied();
    bytes
        .next()
        .is_none_or(|kind| (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind))
        && match (bytes.next(), bytes.next()) {
            (Some(1), minor) => minor.is_none_or(|minor| minor == 1),
            (major, _) => major.is_none_or(|major| major == 3),
        }
}

/// The length of the record of an SSL 2.0 CLIENT-HELLO, where the first five bytes of a stream are such a record's (RFC 5246 §E.2).
pub(super) fn sslv2_length(bytes: [u8; HEADER_LEN]) -> Option<u16> {
    let [high, low, kind, major, minor] = bytes;
    let version = u16::from_be_bytes([major, minor]);
    let length = u16::from_be_bytes([high & 0x7f, low]);
    // Nine bytes are type, version and three lengths.
    (high & 0x80 != 0 && kind == 1 && (version == 2 || major == 3) && length >= 9).then_some(length)
}

/// True where a stream that begins so may be one of TLS records, of SSL 2.0 or later: by as many of its first bytes as there are.
pub(crate) fn may_begin_record(bytes: &[u8]) -> bool {
    may_be_header(bytes.get(..3).unwrap_or(bytes)) || looks_like_client_hello(bytes)
}

/// True where the bytes begin with a TLS record: header, and a length that the protocol allows.
pub(crate) fn looks_like_tls_record(bytes: &[u8]) -> bool {
    bytes
        .first_chunk()
        .and_then(|bytes| Header::parse(*bytes))
        .is_some_and(|header| header.length <= LENGTH_MAX)
}

/// True where a stream begins with a ClientHello, of SSL 2.0 or later. Takes six bytes to say yes.
pub(crate) fn looks_like_client_hello(bytes: &[u8]) -> bool {
    let sslv2 = bytes.first_chunk().is_some_and(|bytes| sslv2_length(*bytes).is_some());
    sslv2 && bytes.len() > HEADER_LEN || begins_with_message(bytes, 1)
}

/// True where a stream begins with a ServerHello. Takes six bytes to say yes.
pub(crate) fn looks_like_server_hello(bytes: &[u8]) -> bool {
    begins_with_message(bytes, 2)
}

fn begins_with_message(bytes: &[u8], kind: u8) -> bool {
    looks_like_tls_record(bytes) && bytes.first() == Some(&HANDSHAKE) && bytes.get(HEADER_LEN) == Some(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_recognised_by_six_bytes() {
        assert!(looks_like_client_hello(&[22, 3, 1, 0, 200, 1]));
        assert!(!looks_like_client_hello(&[22, 3, 1, 0, 200]));
        assert!(!looks_like_client_hello(&[22, 3, 1, 0, 200, 2]));
        assert!(looks_like_server_hello(&[22, 3, 3, 0, 90, 2]));
        assert!(looks_like_client_hello(&[22, 1, 1, 0, 200, 1]));
        assert!(looks_like_client_hello(&[0x80, 46, 1, 3, 1, 0]));
        assert!(!looks_like_client_hello(b"GET / "));
    }

    #[test]
    fn records_are_recognised_by_type_version_and_length() {
        assert!(looks_like_tls_record(&[21, 3, 3, 0, 2]));
        assert!(!looks_like_tls_record(&[25, 3, 3, 0, 2]));
        assert!(!looks_like_tls_record(&[22, 2, 3, 0, 2]));
        assert!(!looks_like_tls_record(&[22, 3, 3, 0xff, 2]));
        assert!(!looks_like_tls_record(&[22, 3, 3]));
    }

    #[test]
    fn the_beginning_of_a_header_contradicts_nothing() {
        assert!(may_be_header(&[]) && may_be_header(&[22]) && may_be_header(&[22, 3]) && may_be_header(&[22, 1]));
        assert!(!may_be_header(b"G") && !may_be_header(&[22, 4]) && !may_be_header(&[22, 1, 2]));
    }
}
