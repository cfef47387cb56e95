//! SOCKS 4, and 4a, in which the proxy resolves the name.

use std::net::Ipv4Addr;

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::{coded, may_become, until_nul};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
/// Version, command, port and address; the texts follow.
const FIXED_LEN: usize = 8;
/// The longest request that is taken for one: a user's id and a name.
const REQUEST_MAX: usize = FIXED_LEN + 2 * 256;
const REPLY_LEN: u64 = 8;
const GRANTED: u8 = 0x5a;

/// Knows a client that asks for a connection, and says no more.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    let texts = client.get(FIXED_LEN..).unwrap_or_default();
    let may = may_become(client, &[VERSION, CONNECT]) && texts.iter().all(|byte| *byte == 0 || is_text(*byte));
    if client.is_empty() || !may || client.len() > REQUEST_MAX {
        return Guess::No;
    }
    match Request::read(client) {
        None => Guess::Maybe,
        Some(request) if request.length == client.len() && request.is_plausible() => {
            Guess::yes(Protocol::Socks4, Socks4::default())
        }
        Some(_) => Guess::No,
    }
}

const fn is_text(byte: u8) -> bool {
    !byte.is_ascii_control()
}

/// What a client asks for.
#[derive(Debug)]
struct Request<'a> {
    port: u16,
    address: Ipv4Addr,
    /// In 4a, instead of the address.
    name: Option<&'a [u8]>,
    length: usize,
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let [VERSION, CONNECT, high, low, a, b, c, d, texts @ ..] = bytes else {
            return None;
        };
        let (_user, mut rest) = until_nul(texts)?;
        let mut name = None;
        // No host has such an address: it says that a name follows.
        if matches!([*a, *b, *c, *d], [0, 0, 0, 1..=255]) {
            let (text, behind) = until_nul(rest)?;
            name = Some(text);
            rest = behind;
        }
        Some(Self {
            port: u16::from_be_bytes([*high, *low]),
            address: Ipv4Addr::new(*a, *b, *c, *d),
            name,
            length: bytes.len() - rest.len(),
        })
    }

    /// True where somebody may be called so.
    fn is_plausible(&self) -> bool {
        let is_named = self.name.is_some_and(|name| !name.is_empty());
        self.port != 0 && (is_named || matches!(self.address.octets(), [1..=223, ..]))
    }

    fn target(&self) -> String {
        match self.name {
            Some(name) => format!("{}:{}", String::from_utf8_lossy(name), self.port),
            None => format!("{}:{}", self.address, self.port),
        }
    }
}

#[derive(Debug, Default)]
struct Socks4 {
    /// The client has asked.
    is_asked: bool,
    /// The server has answered.
    is_answered: bool,
}

impl Automaton for Socks4 {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        match side {
            Side::Client if !self.is_asked => {
                Request::read(bytes).map_or(Frame::More, |request| Frame::Bytes(request.length as u64))
            }
            Side::Server if !self.is_answered && bytes.first() == Some(&0) => Frame::Bytes(REPLY_LEN),
            _ => Frame::NotMine,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            Side::Client => {
                self.is_asked = true;
                let Some(request) = Request::read(message) else { return };
                if request.name.is_some() {
                    notes.is(Protocol::Socks4a);
                }
                let target = request.target();
                notes.asks_as(&format!("CONNECT {target}"));
                notes.target(&target);
            }
            Side::Server => {
                self.is_answered = true;
                let Some(code) = message.get(1).copied() else { return };
                let words = coded("CD", code, code_name(code), "");
                if code == GRANTED {
                    notes.grants_as(&words);
                } else {
                    notes.refuses_as(&words);
                }
            }
        }
    }
}

/// What the specification says of the reply's codes.
const fn code_name(code: u8) -> Option<&'static str> {
    Some(match code {
        90 => "request granted",
        91 => "request rejected or failed",
        92 => "the client's identd cannot be reached",
        93 => "identd reports another user",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    const REQUEST: &[u8] = b"\x04\x01\x01\xbb\xc0\0\x02\x07someone\0";
    const NAMED: &[u8] = b"\x04\x01\x01\xbb\0\0\0\x01\0shop.example\0";
    const GRANT: &[u8] = &[0, 0x5a, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_tunnel_leads_to_an_address() {
        let talk = Talk::of(&[client(REQUEST), server(GRANT), client(HELLO), server(ANSWER)]);
        let socks = talk.only();
        assert!(socks.is_granted() && socks.protocol == Protocol::Socks4);
        assert_eq!(socks.target.as_deref(), Some("192.0.2.7:443"));
        assert!(!format!("{socks:?}").contains("someone"));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn or_to_a_name() {
        let talk = Talk::of(&[client(NAMED), server(GRANT), client(HELLO), server(ANSWER)]);
        assert_eq!(talk.only().protocol, Protocol::Socks4a);
        assert_eq!(talk.only().target.as_deref(), Some("shop.example:443"));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn refusals_have_names() {
        let talk = Talk::of(&[client(REQUEST), server(&[0, 0x5b, 0, 0, 0, 0, 0, 0])]);
        assert_eq!(
            &*talk.only().refusal().unwrap().words,
            "CD 91 (request rejected or failed)"
        );
        assert!(talk.only().asks_for_tls());
        let plain = Talk::of(&[
            client(b"\x04\x01\0\x19\xc0\0\x02\x07\0"),
            server(&[0, 0x5b, 0, 0, 0, 0, 0, 0]),
        ]);
        assert!(!plain.only().asks_for_tls());
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(REQUEST), Some(true));
        assert_eq!(recognised(&REQUEST[..12]), None);
        assert_eq!(recognised(&NAMED[..9]), None);
        // BIND, port 0, no host, a user's id of bytes, more behind it, no name, a hello.
        let others: [&[u8]; 7] = [
            b"\x04\x02\x01\xbb\xc0\0\x02\x07\0",
            b"\x04\x01\0\0\xc0\0\x02\x07\0",
            b"\x04\x01\x01\xbb\xff\0\x02\x07\0",
            b"\x04\x01\x01\xbb\xc0\0\x02\x07\x01\0",
            b"\x04\x01\x01\xbb\xc0\0\x02\x07\0more",
            b"\x04\x01\x01\xbb\0\0\0\x01\0\0",
            HELLO,
        ];
        for other in others {
            assert_eq!(recognised(other), Some(false), "{other:?}");
        }
    }
}
