//! The header with which a proxy tells the addresses before it (the PROXY protocol, versions 1 and 2). Nothing answers it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::may_become;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

/// Version 1 begins so, and ends with its line.
const V1: &[u8] = b"PROXY ";
/// The longest header of version 1, with the end of its line.
const V1_MAX: usize = 107;
/// Version 2 begins so.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Behind it: version and command, family and transport, length.
const V2_LEN: usize = 16;

/// Knows a client by a header that is whole, of version 1, or begins as one of version 2.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    if client.is_empty() {
        return Guess::No;
    }
    if client.starts_with(V1) {
        let head = client.get(..V1_MAX).unwrap_or(client);
        return match head.split_inclusive(|byte| *byte == b'\n').next() {
            Some(line) if v1(line).is_some() => Guess::yes(Protocol::ProxyV1, ProxyHeader),
            Some(line) if !line.ends_with(b"\n") && client.len() < V1_MAX => Guess::Maybe,
            _ => Guess::No,
        };
    }
    if client.starts_with(V2) {
        return match V2Header::read(client) {
            Some(header) if header.is_valid() => Guess::yes(Protocol::ProxyV2, ProxyHeader),
            None if client.len() < V2_LEN => Guess::Maybe,
            _ => Guess::No,
        };
    }
    if may_become(client, V1) || may_become(client, V2) {
        Guess::Maybe
    } else {
        Guess::No
    }
}

#[derive(Debug)]
struct ProxyHeader;

impl Automaton for ProxyHeader {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        match side {
            Side::Client if may_become(bytes, V1) => Frame::Line,
            Side::Client => match V2Header::read(bytes) {
                Some(header) => Frame::Bytes(V2_LEN as u64 + u64::from(header.length)),
                None => Frame::More,
            },
            // What the server says is within, but for whoever hears it before the header's end.
            Side::Server => Frame::More,
        }
    }

    fn hear(&mut self, _side: Side, message: &[u8], notes: &mut Notes<'_>) {
        let peers = if message.starts_with(V1) {
            v1(message).flatten()
        } else {
            V2Header::read(message).and_then(|header| header.peers(message.get(V2_LEN..)?))
        };
        if let Some((client, server)) = peers {
            notes.peers(client, server);
        }
        notes.begin(Side::Client);
        notes.begin(Side::Server);
    }
}

/// Who called whom.
type Peers = (SocketAddr, SocketAddr);

/// The addresses of a header of version 1, if they are known; `None` where the line is none.
fn v1(line: &[u8]) -> Option<Option<Peers>> {
    let line = std::str::from_utf8(line.strip_prefix(V1)?.strip_suffix(b"\r\n")?).ok()?;
    let mut words = line.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let mut address = || match family {
        "TCP4" => words.next()?.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => words.next()?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let (client, server) = (address()?, address()?);
    let mut port = || words.next()?.parse::<u16>().ok();
    let peers = (SocketAddr::new(client, port()?), SocketAddr::new(server, port()?));
    words.next().is_none().then_some(Some(peers))
}

/// What stands before the addresses in version 2.
#[derive(Clone, Copy, Debug)]
struct V2Header {
    /// 2.
    version: u8,
    /// 0 is LOCAL: the proxy speaks for itself. 1 is PROXY.
    command: u8,
    /// 0 is not said, 1 IPv4, 2 IPv6, 3 Unix.
    family: u8,
    /// 0 is not said, 1 a stream, 2 datagrams.
    transport: u8,
    /// Bytes of addresses and further fields (TLVs).
    length: u16,
}

impl V2Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        match *bytes.strip_prefix(V2)? {
            [command, family, high, low, ..] => Some(Self {
                version: command >> 4,
                command: command & 0xf,
                family: family >> 4,
                transport: family & 0xf,
                length: u16::from_be_bytes([high, low]),
            }),
            _ => None,
        }
    }

    fn is_valid(self) -> bool {
        let addresses = match self.family {
            _ if self.command == 0 => 0,
            1 => 12,
            2 => 36,
            3 => 216,
            _ => 0,
        };
        self.version == 2 && self.command <= 1 && self.family <= 3 && self.transport <= 2 && self.length >= addresses
    }

    fn peers(self, addresses: &[u8]) -> Option<Peers> {
        let port = |bytes: &[u8; 2]| u16::from_be_bytes(*bytes);
        let (client, server, ports) = match self.family {
            _ if self.command == 0 => return None,
            1 => {
                let (client, rest) = addresses.split_first_chunk::<4>()?;
                let (server, ports) = rest.split_first_chunk::<4>()?;
                (IpAddr::from(*client), IpAddr::from(*server), ports)
            }
            2 => {
                let (client, rest) = addresses.split_first_chunk::<16>()?;
                let (server, ports) = rest.split_first_chunk::<16>()?;
                (IpAddr::from(*client), IpAddr::from(*server), ports)
            }
            _ => return None,
        };
        let (client_port, rest) = ports.split_first_chunk()?;
        let client = SocketAddr::new(client, port(client_port));
        Some((client, SocketAddr::new(server, port(rest.first_chunk()?))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let [high, low] = (rest.len() as u16).to_be_bytes();
        [V2, &[command, family, high, low], rest].concat()
    }

    fn ipv4() -> Vec<u8> {
        vec![192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 1, 0xbb]
    }

    #[test]
    fn a_line_tells_who_called() {
        let lines: [(&[u8], &str); 2] = [
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n", "192.0.2.1:12345"),
            (
                b"PROXY TCP6 2001:db8::1 2001:db8::2 12345 443\r\n",
                "[2001:db8::1]:12345",
            ),
        ];
        for (line, caller) in lines {
            let talk = Talk::of(&[client(line), client(HELLO), server(ANSWER)]);
            assert_eq!(talk.only().client, Some(caller.parse().unwrap()));
            assert_eq!(talk.only().server.map(|server| server.port()), Some(443));
            assert!(!talk.only().asks_for_tls());
            assert_eq!(talk.within(), (HELLO, ANSWER));
            let joined = Talk::of(&[client(&[line, HELLO].concat()), server(ANSWER)]);
            assert_eq!(joined.within(), (HELLO, ANSWER));
        }
    }

    #[test]
    fn version_2_tells_it_in_bytes() {
        // PP2_TYPE_SSL with a version within, then PP2_TYPE_NOOP.
        let tlvs = [
            0x20, 0, 15, 1, 0, 0, 0, 0, 0x21, 0, 7, b'T', b'L', b'S', b'v', b'1', b'.', b'2', 4, 0, 1, 0,
        ];
        let ipv6 = [
            &[0x20, 1, 0xd, 0xb8][..],
            &[0; 11],
            &[1],
            &[0x20, 1, 0xd, 0xb8],
            &[0; 11],
            &[2, 0, 7, 1, 0xbb],
        ]
        .concat();
        let headers = [
            (v2(0x21, 0x11, &[ipv4(), tlvs.to_vec()].concat()), "192.0.2.1:12345"),
            (v2(0x21, 0x21, &ipv6), "[2001:db8::1]:7"),
        ];
        for (header, caller) in headers {
            let talk = Talk::of(&[client(&header), client(HELLO), server(ANSWER)]);
            assert_eq!(talk.only().client, Some(caller.parse().unwrap()));
            assert_eq!(talk.within(), (HELLO, ANSWER));
        }
    }

    #[test]
    fn headers_may_tell_nothing() {
        let headers = [
            b"PROXY UNKNOWN\r\n".to_vec(),
            b"PROXY UNKNOWN ffff:f 65535\r\n".to_vec(),
            v2(0x20, 0, &[]),
            v2(0x20, 0x11, &ipv4()),
            v2(0x21, 0, &[4, 0, 0]),
            v2(0x21, 0x31, &[b'/'; 216]),
        ];
        for header in headers {
            let talk = Talk::of(&[client(&header), client(HELLO), server(ANSWER)]);
            assert!(talk.only().client.is_none() && talk.only().server.is_none());
            assert_eq!(talk.within(), (HELLO, ANSWER));
        }
    }

    #[test]
    fn a_server_that_speaks_first_speaks_within() {
        let talk = Talk::of(&[
            client(b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\n"),
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250 STARTTLS\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"220 ready\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let protocols: Vec<_> = talk.preambles.iter().map(|preamble| preamble.protocol).collect();
        assert_eq!(protocols, [Protocol::ProxyV1, Protocol::Smtp]);
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn what_is_seen_before_the_header_is_within() {
        let talk = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\n"),
            client(b"EHLO me\r\nSTARTTLS\r\n"),
            server(b"250 STARTTLS\r\n220 ready\r\n"),
            client(HELLO),
        ]);
        assert_eq!(talk.preambles.len(), 2);
        assert_eq!(talk.within().0, HELLO);
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(
            recognised(b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"),
            Some(true)
        );
        assert_eq!(recognised(b"PROXY TCP4 192.0.2.1 198.51"), None);
        assert_eq!(recognised(&V2[..5]), None);
        let long = [&b"PROXY UNKNOWN "[..], &[b'f'; 100], b"\r\n"].concat();
        let others: [Vec<u8>; 8] = [
            b"PROXY TCP4 2001:db8::1 198.51.100.2 12345 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 12345\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\n".to_vec(),
            long,
            v2(0x31, 0x11, &ipv4()),
            v2(0x21, 0x11, &ipv4()[..8]),
            b"PROPFIND / HTTP/1.1\r\n".to_vec(),
            HELLO.to_vec(),
        ];
        for other in others {
            assert_eq!(recognised(&other), Some(false), "{other:?}");
        }
    }
}
