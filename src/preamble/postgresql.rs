//! PostgreSQL's SSLRequest (protocol 3, "SSL Session Encryption").
//!
//! Before its first message with a type, a client sends requests that begin with their length: for TLS, for GSSAPI encryption, to cancel, or to
//! start up in the clear. The server answers the first two with a single byte.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::{coded, may_become, until_nul};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;
use crate::tls::contains;

/// Eight bytes long, code 80877103.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Eight bytes long, code 80877104.
const GSSENC_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// The longest request before a message with a type that servers take.
const REQUEST_MAX: u32 = 10_000;
/// An error that seems longer has no length: servers before version 7.4 sent a text.
const ERROR_MAX: u32 = 30_000;

/// Knows a client that asks for TLS or GSSAPI encryption, and one that starts up without.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    if client.starts_with(SSL_REQUEST) || client.starts_with(GSSENC_REQUEST) || is_startup(client) == Some(true) {
        return Guess::yes(Protocol::Postgresql, Postgresql::default());
    }
    let may = may_become(client, SSL_REQUEST) || may_become(client, GSSENC_REQUEST) || is_startup(client).is_none();
    if may && !client.is_empty() {
        Guess::Maybe
    } else {
        Guess::No
    }
}

/// Whether the bytes are a StartupMessage of protocol 3: names and values, of which "user" is required. Its head alone is that of others too
/// (Kafka's). `None` where more are needed to tell.
fn is_startup(bytes: &[u8]) -> Option<bool> {
    let fits = |(at, byte): (usize, &u8)| match at {
        0 | 1 | 4 => *byte == 0,
        5 => *byte == 3,
        _ => true,
    };
    if !bytes.iter().enumerate().all(fits) {
        return Some(false);
    }
    let [_, _, high, low, _, _, _, _, parameters @ ..] = bytes else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if bytes.len() > length {
        return Some(false);
    }
    let is_whole = bytes.len() == length;
    let mut rest = parameters;
    let mut has_user = false;
    while let Some((name, behind)) = until_nul(rest) {
        if name.is_empty() {
            return Some(has_user && is_whole && behind.is_empty());
        }
        if !name.iter().all(u8::is_ascii_graphic) {
            return Some(false);
        }
        has_user |= name == b"user";
        let Some((_value, next)) = until_nul(behind) else { break };
        rest = next;
    }
    if is_whole { Some(false) } else { None }
}

/// What the server's next byte answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    Nothing,
    Tls,
    Gssapi,
}

#[derive(Debug, Default)]
struct Postgresql {
    awaited: Awaited,
    /// The session has begun in the clear: messages have a type.
    in_clear: bool,
    /// Nothing that follows matters.
    is_over: bool,
}

impl Automaton for Postgresql {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        match side {
            _ if self.is_over => Frame::NotMine,
            Side::Client if self.in_clear => typed(bytes),
            Side::Client => request(bytes),
            Side::Server if self.awaited == Awaited::Nothing => typed(bytes),
            Side::Server => answer(bytes),
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            Side::Client if self.in_clear => {
                if message.first() == Some(&b'p') {
                    notes.exposes("a login");
                    self.is_over = true;
                }
            }
            Side::Client => match message {
                SSL_REQUEST => {
                    notes.asks_as("SSLRequest");
                    self.awaited = Awaited::Tls;
                }
                GSSENC_REQUEST => self.awaited = Awaited::Gssapi,
                // A startup of any version from 3 on; what else there is cancels a query.
                [_, _, _, _, 0, 3, ..] => self.in_clear = true,
                _ => self.is_over = true,
            },
            Side::Server => match (std::mem::take(&mut self.awaited), message) {
                (Awaited::Tls, b"S") => notes.grants(),
                (Awaited::Tls, b"N") => notes.refuses(),
                (Awaited::Tls, [b'E', ..]) => notes.refuses_as(&error(message)),
                (Awaited::Gssapi, b"N" | [b'E', ..]) => {}
                // pg_hba.conf has lines for TLS only.
                (Awaited::Nothing, [b'E', ..])
                    if contains(message, "no encryption") || contains(message, "SSL off") =>
                {
                    notes.demands_as(&error(message));
                }
                (Awaited::Nothing, message) => self.is_over |= asks_for_gssapi(message),
                _ => self.is_over = true,
            },
        }
    }
}

/// A request begins with its length, which counts itself.
fn request(bytes: &[u8]) -> Frame {
    let Some((length, _)) = bytes.split_first_chunk() else {
        return Frame::More;
    };
    match u32::from_be_bytes(*length) {
        length @ 8..=REQUEST_MAX => Frame::Bytes(u64::from(length)),
        _ => Frame::NotMine,
    }
}

/// A message has a type, then its length, which counts itself.
fn typed(bytes: &[u8]) -> Frame {
    match bytes {
        [kind, a, b, c, d, ..] if is_type(*kind) => match u32::from_be_bytes([*a, *b, *c, *d]) {
            0..=3 => Frame::NotMine,
            length => Frame::Bytes(1 + u64::from(length)),
        },
        [kind, ..] if !is_type(*kind) => Frame::NotMine,
        _ => Frame::More,
    }
}

/// Types are letters, and some of the server's are digits.
const fn is_type(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// A request is answered by a single byte, or by an error.
fn answer(bytes: &[u8]) -> Frame {
    match bytes {
        [b'S' | b'N' | b'G', ..] => Frame::Bytes(1),
        [b'E', a, b, c, d, ..] => match u32::from_be_bytes([*a, *b, *c, *d]) {
            length @ 8..ERROR_MAX => Frame::Bytes(1 + u64::from(length)),
            _ => match until_nul(bytes) {
                Some((text, _)) => Frame::Bytes(text.len() as u64 + 1),
                None => Frame::More,
            },
        },
        [b'E', ..] => Frame::More,
        _ => Frame::NotMine,
    }
}

/// The server wants to go on in GSSAPI or SSPI: what the client answers is no password.
const fn asks_for_gssapi(message: &[u8]) -> bool {
    matches!(message, [b'R', 0, 0, 0, 8, 0, 0, 0, 7 | 9])
}

/// SQLSTATE and message of an ErrorResponse, or the text of an old one.
fn error(message: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some(mut fields) = message.get(5..).filter(|_| message.ends_with(&[0, 0])) else {
        let line = message.get(1..).unwrap_or_default();
        return coded("Error", "message", None, text(line).trim_matches('\0'));
    };
    let (mut state, mut words) = (String::new(), String::new());
    while let Some((field, rest)) = until_nul(fields) {
        match field {
            [b'C', value @ ..] => state = text(value),
            [b'M', value @ ..] => words = text(value),
            _ => {}
        }
        fields = rest;
    }
    coded("ErrorResponse", state, None, &words)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    const STARTUP: &[u8] = b"\0\0\0\x22\0\x03\0\0user\0postgres\0database\0a\0\0";
    const PASSWORD: &[u8] = b"p\0\0\0\x0bsecret\0";
    /// The server asks for a password in the clear.
    const AUTHENTICATION: &[u8] = &[b'R', 0, 0, 0, 8, 0, 0, 0, 3];

    fn error_response(fields: &[u8]) -> Vec<u8> {
        [&[b'E', 0, 0, 0, 4 + fields.len() as u8], fields].concat()
    }

    #[test]
    fn consent_is_one_letter() {
        let talk = Talk::of(&[client(SSL_REQUEST), server(b"S"), client(HELLO), server(ANSWER)]);
        let postgresql = talk.only();
        assert!(postgresql.is_granted() && postgresql.injected.is_none());
        assert_eq!(&*postgresql.request.as_ref().unwrap().words, "SSLRequest");
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn gssapi_comes_first() {
        let talk = Talk::of(&[
            client(GSSENC_REQUEST),
            server(b"N"),
            client(SSL_REQUEST),
            server(b"S"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
        let refused = Talk::of(&[client(GSSENC_REQUEST), server(b"N"), client(SSL_REQUEST), server(b"N")]);
        assert_eq!(refused.only().refusal().unwrap().span.mark.frame, 4);
        // Encryption by GSSAPI is none of ours, nor is its refusal.
        for answer in [b"G", b"N"] {
            let talk = Talk::of(&[client(GSSENC_REQUEST), server(answer), client(b"\0\0\0\x04abcd")]);
            assert!(talk.preambles.is_empty());
        }
    }

    #[test]
    fn a_refusal_is_a_letter_or_an_error() {
        let talk = Talk::of(&[client(SSL_REQUEST), server(b"N")]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "N");
        let error = error_response(b"SFATAL\0C53300\0Mtoo many clients already\0\0");
        let talk = Talk::of(&[client(SSL_REQUEST), server(&error)]);
        let said = "ErrorResponse 53300: too many clients already";
        assert_eq!(&*talk.only().refusal().unwrap().words, said);
        let talk = Talk::of(&[
            client(SSL_REQUEST),
            server(b"EFATAL:  unsupported frontend protocol\n\0"),
        ]);
        let said = "Error message: FATAL:  unsupported frontend protocol";
        assert_eq!(&*talk.only().refusal().unwrap().words, said);
    }

    #[test]
    fn a_session_in_the_clear_exposes_its_password() {
        let refused = [client(SSL_REQUEST), server(b"N")];
        let goes_on = [
            client(STARTUP),
            server(AUTHENTICATION),
            client(PASSWORD),
            server(AUTHENTICATION),
        ];
        let talk = Talk::of(&[&refused[..], &goes_on].concat());
        assert!(talk.only().refusal().is_some() && talk.only().exposed.is_some());
        let talk = Talk::of(&goes_on);
        assert!(talk.only().request.is_none());
        assert_eq!(
            talk.only().exposed.map(|(what, span)| (what, span.mark.frame)),
            Some(("a login", 3))
        );
        assert!(
            !format!("{talk:?}")
                .replace(&format!("{:?}", talk.within()), "")
                .contains("secret\"")
        );
        let gssapi = &[b'R', 0, 0, 0, 8, 0, 0, 0, 7];
        assert!(
            Talk::of(&[client(STARTUP), server(gssapi), client(PASSWORD)])
                .preambles
                .is_empty()
        );
    }

    #[test]
    fn an_error_that_answers_a_login_is_no_refusal() {
        let error = error_response(b"SFATAL\0C28000\0Mno pg_hba.conf entry for host\0\0");
        let talk = Talk::of(&[client(STARTUP), server(&error)]);
        assert!(talk.preambles.is_empty());
    }

    #[test]
    fn a_message_behind_the_request_is_not_shown() {
        let talk = Talk::of(&[client(&[SSL_REQUEST, STARTUP].concat()), server(b"S"), client(HELLO)]);
        assert_eq!(&*talk.only().injected.as_ref().unwrap().words, "34 bytes");
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(STARTUP), Some(true));
        assert_eq!(recognised(&STARTUP[..11]), None);
        assert_eq!(recognised(&SSL_REQUEST[..7]), None);
        // To cancel a query, Kafka's request for metadata, a startup without its user, another length, HTTP/2, a hello.
        let others: [&[u8]; 6] = [
            &[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2],
            b"\0\0\0\x17\0\x03\0\x01\0\0\0\x02\0\x05admin\0\0\0\0",
            b"\0\0\0\x13\0\x03\0\0database\0\0\0",
            &[0, 0, 0, 9, 4, 0xd2, 0x16, 0x2f, 0],
            &[0, 0, 18, 4, 0, 0, 0, 0, 0, 0],
            HELLO,
        ];
        for other in others {
            assert_eq!(recognised(other), Some(false), "{other:?}");
        }
    }
}
