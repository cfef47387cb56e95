//! The SSLRequest of MySQL and MariaDB ("Connection Phase" of the client/server protocol).
//!
//! The server greets with what it is capable of. A client that wants TLS sends the head of its reply alone, and goes on with a ClientHello
//! without waiting; only an error answers it in the clear.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::coded;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

/// Length in three bytes, then the packet's number.
const HEADER_LEN: usize = 4;
/// The version of the protocol, since MySQL 3.21.
const VERSION: u8 = 10;
/// Greetings that are longer are none.
const GREETING_MAX: usize = 512;
/// Switch to TLS (CLIENT_SSL).
const SSL: u16 = 0x0800;
/// Bytes of a packet with nothing but the head of a reply.
const SSL_REQUEST_LEN: usize = 32;
/// The mark of an error.
const ERROR: u8 = 0xff;
/// ER_SECURE_TRANSPORT_REQUIRED; MariaDB says 1045, as to a wrong password.
const TLS_REQUIRED: u16 = 3159;

/// Knows a server by its greeting.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    if !heads.client.is_empty() || heads.server.is_empty() {
        return Guess::No;
    }
    match heads.server {
        [low, high, 0, 0, greeting @ ..] => {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            let may = length <= GREETING_MAX && greeting.first().is_none_or(|version| *version == VERSION);
            match greeting.get(..length) {
                _ if !may => Guess::No,
                None => Guess::Maybe,
                Some(whole) if greeting.len() == length && Greeting::read(whole).is_some() => {
                    Guess::yes(Protocol::Mysql, Mysql::default())
                }
                Some(_) => Guess::No,
            }
        }
        [_] | [_, _] | [_, _, 0] => Guess::Maybe,
        _ => Guess::No,
    }
}

/// The server's first packet.
#[derive(Debug)]
struct Greeting<'a> {
    /// The server's.
    version: &'a [u8],
    /// The lower half.
    capabilities: u16,
}

impl<'a> Greeting<'a> {
    /// Reads the contents of a packet.
    fn read(contents: &'a [u8]) -> Option<Self> {
        let rest = contents.strip_prefix(&[VERSION])?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (version, rest) = rest.split_at_checked(end)?;
        let is_version = version.first().is_some_and(u8::is_ascii_digit) && version.iter().all(u8::is_ascii_graphic);
        // A NUL, the connection's number, the first eight bytes of the scramble, and a NUL.
        let (fixed, rest) = rest.split_first_chunk::<14>()?;
        let capabilities = u16::from_le_bytes(*rest.first_chunk()?);
        (is_version && fixed.last() == Some(&0)).then_some(Self {
            // MariaDB 10 says so, lest clients take it for an old MySQL.
            version: version.strip_prefix(b"5.5.5-").unwrap_or(version),
            capabilities,
        })
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Greeting,
    Reply,
    /// TLS, or an error.
    Asked,
    /// Whether the login is taken.
    Login,
    /// Nothing that matters.
    Over,
}

#[derive(Debug, Default)]
struct Mysql {
    state: State,
}

impl Automaton for Mysql {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        let is_next = match self.state {
            State::Greeting | State::Asked | State::Login => side == Side::Server,
            State::Reply => side == Side::Client,
            State::Over => false,
        };
        match *bytes {
            _ if !is_next => Frame::NotMine,
            [low, middle, high, _, ..] => {
                Frame::Bytes(HEADER_LEN as u64 + u64::from(u32::from_le_bytes([low, middle, high, 0])))
            }
            _ => Frame::More,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        let contents = message.get(HEADER_LEN..).unwrap_or_default();
        self.state = match (side, self.state) {
            (Side::Server, State::Greeting) => {
                let Some(greeting) = Greeting::read(contents) else {
                    self.state = State::Over;
                    return;
                };
                let has_tls = greeting.capabilities & SSL != 0;
                let version = String::from_utf8_lossy(greeting.version);
                let with = if has_tls { "with" } else { "without" };
                notes.offers_as(has_tls, &format!("greeting of {version}, {with} CLIENT_SSL"));
                State::Reply
            }
            (Side::Client, State::Reply) => {
                let wants_tls = contents
                    .first_chunk()
                    .is_some_and(|low| u16::from_le_bytes(*low) & SSL != 0);
                if wants_tls && contents.len() == SSL_REQUEST_LEN {
                    notes.asks_as("SSLRequest");
                    State::Asked
                } else {
                    notes.exposes("a login");
                    State::Login
                }
            }
            (Side::Server, State::Asked) => {
                if let Some(error) = error(contents) {
                    notes.refuses_as(&error);
                }
                State::Over
            }
            (Side::Server, State::Login) => {
                let code = contents.get(1..).and_then(<[u8]>::first_chunk);
                if code.is_some_and(|code| u16::from_le_bytes(*code) == TLS_REQUIRED)
                    && let Some(error) = error(contents)
                {
                    notes.demands_as(&error);
                }
                State::Over
            }
            _ => State::Over,
        };
    }
}

/// Code and text of an error; between them there may be an SQLSTATE.
fn error(contents: &[u8]) -> Option<String> {
    let (code, text) = contents.strip_prefix(&[ERROR])?.split_first_chunk()?;
    let (state, text) = match text {
        [b'#', text @ ..] => text.split_at_checked(5)?,
        _ => (&[][..], text),
    };
    let state = std::str::from_utf8(state).ok().filter(|state| !state.is_empty());
    Some(coded(
        "ERR",
        u16::from_le_bytes(*code),
        state,
        &String::from_utf8_lossy(text),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    fn packet(number: u8, contents: &[u8]) -> Vec<u8> {
        [&[contents.len() as u8, 0, 0, number], contents].concat()
    }

    fn greeting(version: &[u8], capabilities: u16) -> Vec<u8> {
        let [low, high] = capabilities.to_le_bytes();
        // Behind the capabilities: character set, status, their upper half, 21 bytes of scramble, and what MariaDB is capable of.
        let rest = [
            &[low, high, 8, 2, 0, 0xff, 0x81, 21][..],
            &[0; 6],
            &[7, 0, 0, 0],
            b"abcdefghijkl\0mysql_native_password\0",
        ];
        let contents = [&[10][..], version, b"\0\x09\0\0\0abcdefgh\0", &rest.concat()].concat();
        packet(0, &contents)
    }

    fn ssl_request() -> Vec<u8> {
        // The last four bytes are MariaDB's.
        packet(
            1,
            &[&[0x85, 0xae, 0xff, 1, 0, 0, 0, 1, 45][..], &[0; 19], &[4, 0, 0, 0]].concat(),
        )
    }

    fn login() -> Vec<u8> {
        packet(
            1,
            &[
                &[0x85, 0xa6, 0xff, 1, 0, 0, 0, 1, 45][..],
                &[0; 23],
                b"root\0\x14hashhashhashhashhash\0",
            ]
            .concat(),
        )
    }

    #[test]
    fn tls_follows_the_request() {
        let talk = Talk::of(&[
            server(&greeting(b"8.0.36", 0xffff)),
            client(&ssl_request()),
            client(HELLO),
            server(ANSWER),
        ]);
        let mysql = talk.only();
        assert!(mysql.asks_for_tls() && mysql.answer.is_none() && mysql.exposed.is_none());
        assert_eq!(
            &*mysql.offered.as_ref().unwrap().said.words,
            "greeting of 8.0.36, with CLIENT_SSL"
        );
        assert_eq!(talk.within(), (HELLO, ANSWER));
        // In one packet.
        let talk = Talk::of(&[
            server(&greeting(b"5.5.5-10.11.6-MariaDB", 0xfffe)),
            client(&[&ssl_request(), HELLO].concat()),
            server(ANSWER),
        ]);
        assert_eq!(talk.within(), (HELLO, ANSWER));
        let greeting = &talk.only().offered.as_ref().unwrap().said.words;
        assert_eq!(&**greeting, "greeting of 10.11.6-MariaDB, with CLIENT_SSL");
    }

    #[test]
    fn an_error_refuses() {
        let bad = packet(2, b"\xff\x13\x04#08S01Bad handshake");
        let talk = Talk::of(&[
            server(&greeting(b"8.0.36", 0xffff)),
            client(&ssl_request()),
            client(HELLO),
            server(&bad),
        ]);
        assert_eq!(
            &*talk.only().refusal().unwrap().words,
            "ERR 1043 (08S01): Bad handshake"
        );
        let old = packet(2, b"\xff\x10\x04Too many connections");
        let talk = Talk::of(&[
            server(&greeting(b"8.0.36", 0xffff)),
            client(&ssl_request()),
            server(&old),
        ]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "ERR 1040: Too many connections");
    }

    #[test]
    fn a_server_without_tls_says_so_in_its_greeting() {
        let talk = Talk::of(&[server(&greeting(b"5.7.1-log", 0xf7ff))]);
        assert!(talk.only().lacks_tls() && talk.only().asks_for_tls());
        let talk = Talk::of(&[server(&greeting(b"5.7.1-log", 0xf7ff)), client(&login())]);
        assert!(talk.only().exposed.is_some() && !talk.only().asks_for_tls());
    }

    #[test]
    fn a_login_in_the_clear_is_noted_whatever_answers_it() {
        let insecure = packet(
            2,
            b"\xff\x57\x0c#HY000Connections using insecure transport are prohibited",
        );
        let talk = Talk::of(&[
            server(&greeting(b"8.0.36", 0xffff)),
            client(&login()),
            server(&insecure),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(talk.only().request.is_none() && talk.only().answer.is_none());
        assert!(!format!("{:?}", talk.preambles).contains("root"));
    }

    #[test]
    fn a_host_that_is_turned_away_was_not_refused_tls() {
        let error = packet(
            0,
            b"\xff\x6a\x04Host '10.0.0.9' is not allowed to connect to this MySQL server",
        );
        assert!(Talk::of(&[server(&error)]).preambles.is_empty());
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8], server: &[u8]| recognised(recognise, client, server);
        let whole = greeting(b"8.0.36", 0xffff);
        assert_eq!(recognised(&[], &whole), Some(true));
        assert_eq!(recognised(&[], &whole[..20]), None);
        // Words behind it, another version, a version without a digit, other protocols.
        let longer = [&whole[..], b"x"].concat();
        let ninth = packet(0, b"\x093.20\0abcdefghijklmnopqrstuvw");
        let others: [&[u8]; 6] = [
            &longer,
            &ninth,
            &greeting(b"eight", 0xffff),
            b"220 mx ESMTP\r\n",
            &[21, 3, 1, 0, 2, 2, 40],
            ANSWER,
        ];
        for other in others {
            assert_eq!(recognised(&[], other), Some(false), "{other:?}");
        }
        assert_eq!(recognised(b"GET ", &whole), Some(false));
    }
}
