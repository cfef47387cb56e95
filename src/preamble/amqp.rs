//! AMQP's TLS header (AMQP 1.0 part 5 §5.2). AMQP 0-9-1 has none, and is not followed.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::may_become;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

/// Headers of protocols: the name, an id, a version of three bytes.
const HEADER_LEN: usize = 8;
const TLS: &[u8] = b"AMQP\x02\x01\0\0";
const SASL: &[u8] = b"AMQP\x03\x01\0\0";
/// What a client's choice of a mechanism begins with, behind the header of its frame (§5.3.3.2): the descriptor, then a list whose first field
/// is a symbol.
const SASL_INIT: &[u8] = &[0, 0x53, 0x41];

/// Knows a client by the header for TLS or for SASL.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    if client.starts_with(TLS) || client.starts_with(SASL) {
        return Guess::yes(Protocol::Amqp, Amqp::default());
    }
    let may = may_become(client, TLS) || may_become(client, SASL);
    if may && !client.is_empty() {
        Guess::Maybe
    } else {
        Guess::No
    }
}

#[derive(Debug, Default)]
struct Amqp {
    /// The client's header was heard: its frames of SASL follow.
    client_has_spoken: bool,
    /// So was the server's.
    server_has_spoken: bool,
    /// Nothing that follows matters.
    is_over: bool,
}

impl Automaton for Amqp {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        let has_spoken = match side {
            Side::Client => self.client_has_spoken,
            Side::Server => self.server_has_spoken,
        };
        if self.is_over || !has_spoken && !may_become(bytes, b"AMQP") {
            return Frame::NotMine;
        }
        if !has_spoken {
            return Frame::Bytes(HEADER_LEN as u64);
        }
        // A frame's size counts itself and the rest of the header.
        match bytes.first_chunk().map(|size| u32::from_be_bytes(*size)) {
            Some(0..8) => Frame::NotMine,
            Some(size) => Frame::Bytes(u64::from(size)),
            None => Frame::More,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            Side::Client if self.client_has_spoken => {
                if chooses_plain(message) {
                    notes.exposes("a login");
                }
                self.is_over = true;
            }
            Side::Client => {
                self.client_has_spoken = true;
                if message == TLS {
                    notes.asks_as(&quote(message));
                }
            }
            Side::Server if self.server_has_spoken => {}
            Side::Server => {
                self.server_has_spoken = true;
                let is_tls = message == TLS;
                if notes.is_asked() && is_tls {
                    notes.grants_as(&quote(message));
                } else if notes.is_asked() {
                    notes.refuses_as(&quote(message));
                } else if is_tls {
                    // Who has asked for something else is told what there is.
                    notes.demands_as(&quote(message));
                }
            }
        }
    }
}

/// A header as the specification writes it.
fn quote(header: &[u8]) -> String {
    let [_, _, _, _, id, major, minor, revision] = *header else {
        return String::new();
    };
    let name = match id {
        0 => " (no security layer)",
        2 => " (TLS)",
        3 => " (SASL)",
        _ => "",
    };
    format!("AMQP {id} {major} {minor} {revision}{name}")
}

/// True where a client logs in with a password that can be read.
fn chooses_plain(frame: &[u8]) -> bool {
    let Some(list) = frame.get(HEADER_LEN..).and_then(|body| body.strip_prefix(SASL_INIT)) else {
        return false;
    };
    let ([0xc0, _, _, fields @ ..] | [0xd0, _, _, _, _, _, _, _, _, fields @ ..]) = list else {
        return false;
    };
    fields.starts_with(b"\xa3\x05PLAIN")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 8 + body.len() as u8, 2, 1, 0, 0], body].concat()
    }

    #[test]
    fn the_same_header_grants() {
        let talk = Talk::of(&[client(TLS), server(TLS), client(HELLO), server(ANSWER)]);
        assert!(talk.only().is_granted());
        assert_eq!(&*talk.only().request.as_ref().unwrap().words, "AMQP 2 1 0 0 (TLS)");
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn another_header_refuses() {
        let talk = Talk::of(&[client(TLS), server(SASL)]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "AMQP 3 1 0 0 (SASL)");
        let talk = Talk::of(&[client(TLS), server(b"AMQP\0\x01\0\0")]);
        assert_eq!(
            &*talk.only().refusal().unwrap().words,
            "AMQP 0 1 0 0 (no security layer)"
        );
    }

    #[test]
    fn a_login_exposes_only_what_can_be_read() {
        let mechanisms = frame(b"\0\x53\x40\xc0\x0a\x01\xa3\x05PLAIN");
        let plain = frame(b"\0\x53\x41\xc0\x13\x02\xa3\x05PLAIN\xa0\x09\0a\0secret");
        let script = [client(SASL), server(SASL), server(&mechanisms)];
        let talk = Talk::of(&[&script[..], &[client(&plain)]].concat());
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
        let anonymous = frame(b"\0\x53\x41\xc0\x0c\x01\xa3\x09ANONYMOUS");
        assert!(
            Talk::of(&[&script[..], &[client(&anonymous)]].concat())
                .preambles
                .is_empty()
        );
    }

    #[test]
    fn a_server_may_want_tls_first() {
        let talk = Talk::of(&[client(SASL), server(TLS)]);
        assert!(talk.only().refusal().is_none() && !talk.only().lacks_tls());
        assert!(talk.only().demanded.is_some());
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(TLS), Some(true));
        assert_eq!(recognised(&TLS[..5]), None);
        for other in [&b"AMQP\0\0\x09\x01"[..], b"AMQP\x01\x01\0\x0a", b"AUTH TLS\r\n", HELLO] {
            assert_eq!(recognised(other), Some(false), "{other:?}");
        }
    }
}
