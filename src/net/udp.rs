//! With which datagrams DTLS and QUIC begin over UDP. More is not read of them: a report says that they were there.

use super::FlowKey;

/// Source port, destination port, length, checksum (RFC 768).
const HEADER: usize = 8;
/// A connection id is no longer in the versions that are known (RFC 9000 §17.2).
const CONNECTION_ID_MAX: u8 = 20;

/// What begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Secured {
    /// RFC 6347, RFC 9147.
    Dtls,
    /// RFC 9001.
    Quic,
}

/// A packet that may begin a connection of DTLS or QUIC; those that follow it may look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Which flow.
    pub(crate) key: FlowKey,
    /// `frame.number`.
    pub(crate) frame: u64,
    /// What begins.
    pub(crate) secured: Secured,
    /// The port that the packet goes to: the server's where it is the first of its flow.
    pub(crate) port: u16,
}

/// Reads a datagram between these addresses, with its header.
pub(super) fn opening(frame: u64, source: u128, destination: u128, datagram: &[u8]) -> Option<Opening> {
    let (&[a, b, c, d, ..], payload) = datagram.split_first_chunk::<HEADER>()?;
    let (from, port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let (key, _) = FlowKey::from_numbers((source, from), (destination, port));
    Some(Opening {
        key,
        frame,
        secured: begins(payload)?,
        port,
    })
}

/// True where a datagram, with its header, may be an [`opening`].
#[inline(always)]
pub(super) fn may_open(datagram: &[u8]) -> bool {
    datagram.get(HEADER..).is_some_and(|payload| begins(payload).is_some())
}

#[inline(always)]
fn begins(payload: &[u8]) -> Option<Secured> {
    match payload {
        // A ClientHello in epoch 0 (RFC 6347 §4.1).
        [22, 0xfe, 0xff | 0xfd, 0, 0, _, _, _, _, _, _, _, _, 1, ..] => Some(Secured::Dtls),
        // An Initial packet: the long form, a version, and ids of its connection (RFC 9000 §17.2.2, RFC 9369 §3.2).
        [kind, version @ ..] if kind & 0xc0 == 0xc0 => {
            let ([a, b, c, d, id], _) = version.split_first_chunk()?;
            let kind = (kind >> 4) & 3;
            let is_initial = match u32::from_be_bytes([*a, *b, *c, *d]) {
                1 | 0xff00_001b..=0xff00_0022 => kind == 0,
                0x6b33_43cf => kind == 1,
                _ => false,
            };
            (is_initial && *id <= CONNECTION_ID_MAX).then_some(Secured::Quic)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(payload: &[u8]) -> Vec<u8> {
        [&[0xc0, 0, 0x11, 0x51, 0, 8 + payload.len() as u8, 0, 0], payload].concat()
    }

    fn opens(payload: &[u8]) -> Option<Secured> {
        let datagram = datagram(payload);
        let opening = opening(7, 1, 2, &datagram);
        assert_eq!(may_open(&datagram), opening.is_some());
        opening.map(|opening| {
            assert_eq!((opening.frame, opening.port), (7, 0x1151));
            opening.secured
        })
    }

    #[test]
    fn a_client_hello_begins_dtls() {
        let hello = |version: u8, epoch: u8, kind: u8| {
            [
                &[22, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 90, kind][..],
                &[0; 20],
            ]
            .concat()
        };
        assert_eq!(opens(&hello(0xff, 0, 1)), Some(Secured::Dtls));
        assert_eq!(opens(&hello(0xfd, 0, 1)), Some(Secured::Dtls));
        // TLS, what follows under keys, and the server's answer.
        assert_eq!(opens(&hello(0x03, 0, 1)), None);
        assert_eq!(opens(&hello(0xfd, 1, 1)), None);
        assert_eq!(opens(&hello(0xfd, 0, 3)), None);
    }

    #[test]
    fn an_initial_packet_begins_quic() {
        let packet = |first: u8, version: u32, id: u8| [&[first][..], &version.to_be_bytes(), &[id], &[0; 30]].concat();
        assert_eq!(opens(&packet(0xc3, 1, 8)), Some(Secured::Quic));
        assert_eq!(opens(&packet(0xd3, 0x6b33_43cf, 8)), Some(Secured::Quic));
        assert_eq!(opens(&packet(0xc0, 0xff00_001d, 20)), Some(Secured::Quic));
        // A Handshake packet, the short form, an unknown version, an id that is too long, and a packet that is cut.
        assert_eq!(opens(&packet(0xe3, 1, 8)), None);
        assert_eq!(opens(&packet(0x43, 1, 8)), None);
        assert_eq!(opens(&packet(0xc3, 2, 8)), None);
        assert_eq!(opens(&packet(0xc3, 1, 21)), None);
        assert_eq!(opens(&packet(0xc3, 1, 8)[..5]), None);
        assert_eq!(opens(&[]), None);
    }
}
