//! SOCKS 5 (RFC 1928), with user names and passwords (RFC 1929).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::coded;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

const VERSION: u8 = 5;
/// Of the negotiation of user name and password.
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
/// Methods: the others are not followed.
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
/// Clients know a few methods.
const METHODS_MAX: u8 = 16;
/// Types of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Knows a client that offers methods together with a server that chooses one of them: the first few bytes alone would be too little.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let (methods, behind) = match *heads.client {
        [VERSION, count @ 1..=METHODS_MAX, ref rest @ ..] => match rest.split_at_checked(usize::from(count)) {
            Some(methods) => methods,
            None => {
                return if heads.server.is_empty() {
                    Guess::Maybe
                } else {
                    Guess::No
                };
            }
        },
        [VERSION] if heads.server.is_empty() => return Guess::Maybe,
        _ => return Guess::No,
    };
    // A client that does not wait has sent its next message, and the server both answers at once.
    let is_next = |behind: &[u8]| matches!(behind, [] | [VERSION | LOGIN_VERSION, ..]);
    match *heads.server {
        _ if !is_next(behind) => Guess::No,
        [] | [VERSION] => Guess::Maybe,
        [VERSION, method, ref behind @ ..]
            if is_next(behind) && (methods.contains(&method) || method == NONE_ACCEPTABLE) =>
        {
            let socks = Socks5 {
                method,
                ..Socks5::default()
            };
            Guess::yes(Protocol::Socks5, socks)
        }
        _ => Guess::No,
    }
}

#[derive(Debug, Default)]
struct Socks5 {
    /// What the server chooses; known from the beginning, since it is recognised by it.
    method: u8,
    /// The client has offered its methods.
    has_offered: bool,
    /// The client has asked for a connection.
    has_asked: bool,
    /// The server has chosen a method.
    has_chosen: bool,
    /// The server has accepted user name and password, where it has to.
    has_accepted: bool,
    /// Nothing that follows matters.
    is_over: bool,
}

impl Automaton for Socks5 {
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        match (side, bytes) {
            _ if self.is_over => Frame::NotMine,
            (Side::Client, [VERSION, rest @ ..]) if !self.has_offered => match rest {
                [count, ..] => Frame::Bytes(2 + u64::from(*count)),
                [] => Frame::More,
            },
            (Side::Client, [VERSION, ..]) if !self.has_asked => address_frame(bytes),
            (Side::Client, [LOGIN_VERSION, ..]) if !self.has_asked && self.method == LOGIN => login_frame(bytes),
            (Side::Server, [VERSION, ..]) if !self.has_chosen => Frame::Bytes(2),
            (Side::Server, _) if self.has_chosen && self.method == LOGIN && !self.has_accepted => Frame::Bytes(2),
            (Side::Server, [VERSION, ..]) if self.has_chosen => address_frame(bytes),
            _ => Frame::NotMine,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            Side::Client if !self.has_offered => {
                self.has_offered = true;
                // A client that leaves once it knows the method has asked for nothing: many only look whether there is a proxy.
                if self.method == NONE_ACCEPTABLE {
                    let methods = message.get(2..).unwrap_or_default();
                    let methods: Vec<_> = methods.iter().map(u8::to_string).collect();
                    notes.asks_as(&format!("METHODS {}", methods.join(" ")));
                }
            }
            Side::Client if message.first() == Some(&LOGIN_VERSION) => notes.asks_as("user name and password"),
            Side::Client => {
                self.has_asked = true;
                match target(message) {
                    Some(target) if message.get(1) == Some(&CONNECT) => {
                        notes.asks_as(&format!("CONNECT {target}"));
                        notes.target(&target);
                    }
                    // Something else than a connection.
                    _ => self.is_over = true,
                }
            }
            Side::Server if !self.has_chosen => {
                self.has_chosen = true;
                match self.method {
                    NONE_ACCEPTABLE => {
                        notes.refuses_as(&coded("METHOD", self.method, Some("no acceptable methods"), ""))
                    }
                    NO_LOGIN | LOGIN => {}
                    // GSSAPI and others may wrap all that follows.
                    _ => self.is_over = true,
                }
            }
            Side::Server if self.method == LOGIN && !self.has_accepted => {
                self.has_accepted = true;
                match message.get(1) {
                    Some(0) => {}
                    Some(status) => {
                        notes.refuses_as(&coded("STATUS", status, Some("user name or password not accepted"), ""));
                        self.is_over = true;
                    }
                    None => {}
                }
            }
            Side::Server => {
                let Some(reply) = message.get(1).copied() else { return };
                let words = coded("REP", reply, reply_name(reply), "");
                if reply == 0 {
                    notes.grants_as(&words);
                } else {
                    notes.refuses_as(&words);
                    self.is_over = true;
                }
            }
        }
    }
}

/// A request or a reply: version, code, reserved, address and port.
fn address_frame(bytes: &[u8]) -> Frame {
    match *bytes {
        [_, _, _, IPV4, ..] => Frame::Bytes(10),
        [_, _, _, IPV6, ..] => Frame::Bytes(22),
        [_, _, _, NAME, length, ..] => Frame::Bytes(7 + u64::from(length)),
        [_, _, _, NAME] | [_, _, _] | [_, _] | [_] | [] => Frame::More,
        _ => Frame::NotMine,
    }
}

/// A user name and a password, each with its length (RFC 1929 §2).
fn login_frame(bytes: &[u8]) -> Frame {
    let name = bytes.get(1).copied().map(usize::from);
    let password = name.and_then(|name| bytes.get(2 + name)).copied();
    match (name, password) {
        (Some(name), Some(password)) => Frame::Bytes(3 + name as u64 + u64::from(password)),
        _ => Frame::More,
    }
}

/// Address or name, and port, of a request.
fn target(request: &[u8]) -> Option<String> {
    let (kind, rest) = request.get(3..)?.split_first()?;
    let (host, port) = match *kind {
        IPV4 => {
            let (address, port) = rest.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*address).to_string(), port)
        }
        IPV6 => {
            let (address, port) = rest.split_first_chunk::<16>()?;
            (format!("[{}]", Ipv6Addr::from(*address)), port)
        }
        NAME => {
            let (length, rest) = rest.split_first()?;
            let (name, port) = rest.split_at_checked(usize::from(*length))?;
            (String::from_utf8_lossy(name).into_owned(), port)
        }
        _ => return None,
    };
    Some(format!("{host}:{}", u16::from_be_bytes(*port.first_chunk()?)))
}

/// The replies of RFC 1928 §6.
const fn reply_name(reply: u8) -> Option<&'static str> {
    Some(match reply {
        0 => "succeeded",
        1 => "general SOCKS server failure",
        2 => "connection not allowed by ruleset",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    const NAMED: &[u8] = b"\x05\x01\0\x03\x0cshop.example\x01\xbb";
    const REPLY: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_tunnel_leads_to_its_target() {
        let ipv4 = &[5, 1, 0, 1, 192, 0, 2, 7, 1, 0xbb][..];
        let ipv6 = &[
            5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xbb,
        ][..];
        let targets = [
            (NAMED, "shop.example:443"),
            (ipv4, "192.0.2.7:443"),
            (ipv6, "[2001:db8::1]:443"),
        ];
        for (request, target) in targets {
            let talk = Talk::of(&[
                client(&[5, 2, 0, 2]),
                server(&[5, 0]),
                client(request),
                server(REPLY),
                client(HELLO),
                server(ANSWER),
            ]);
            assert!(talk.only().is_granted());
            assert_eq!(talk.only().target.as_deref(), Some(target));
            assert_eq!(talk.within(), (HELLO, ANSWER));
        }
    }

    #[test]
    fn a_client_may_not_wait() {
        let talk = Talk::of(&[
            client(&[&[5, 1, 0], NAMED].concat()),
            server(&[&[5, 0], REPLY].concat()),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn user_name_and_password_are_not_shown() {
        let login = b"\x01\x04user\x06secret";
        let opening = [client(&[5, 2, 0, 2]), server(&[5, 2]), client(login)];
        let accepted = [
            server(&[1, 0]),
            client(NAMED),
            server(REPLY),
            client(HELLO),
            server(ANSWER),
        ];
        let talk = Talk::of(&[&opening[..], &accepted].concat());
        assert!(talk.only().is_granted() && talk.only().exposed.is_none());
        assert_eq!(talk.within(), (HELLO, ANSWER));
        let talk = Talk::of(&[&opening[..], &[server(&[1, 1])]].concat());
        let said = "STATUS 1 (user name or password not accepted)";
        assert_eq!(&*talk.only().refusal().unwrap().words, said);
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
    }

    #[test]
    fn refusals_have_names() {
        let talk = Talk::of(&[client(&[5, 1, 0]), server(&[5, 0xff])]);
        assert_eq!(
            &*talk.only().refusal().unwrap().words,
            "METHOD 255 (no acceptable methods)"
        );
        assert_eq!(&*talk.only().request.as_ref().unwrap().words, "METHODS 0");
        let refused = [5, 2, 0, 1, 0, 0, 0, 0, 0, 0];
        let talk = Talk::of(&[client(&[5, 1, 0]), server(&[5, 0]), client(NAMED), server(&refused)]);
        let said = "REP 2 (connection not allowed by ruleset)";
        assert_eq!(&*talk.only().refusal().unwrap().words, said);
    }

    #[test]
    fn who_asks_for_no_connection_is_none_of_it() {
        let looks = [client(&[5, 1, 0]), server(&[5, 0])];
        assert!(Talk::of(&looks).preambles.is_empty());
        let mut bind = NAMED.to_vec();
        bind[1] = 2;
        assert!(
            Talk::of(&[&looks[..], &[client(&bind), server(REPLY)]].concat())
                .preambles
                .is_empty()
        );
        let gssapi = [client(&[5, 1, 1]), server(&[5, 1]), client(&[1, 1, 0, 1, 9])];
        assert!(Talk::of(&gssapi).preambles.is_empty());
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8], server: &[u8]| recognised(recognise, client, server);
        assert_eq!(recognised(&[5, 1, 0], &[5, 0]), Some(true));
        assert_eq!(recognised(&[5, 1, 0], &[]), None);
        assert_eq!(recognised(&[5, 2, 0], &[]), None);
        // A method that was not offered, another protocol's answer, DCE/RPC, words behind the methods, a server that speaks first.
        let others: [(&[u8], &[u8]); 6] = [
            (&[5, 1, 0], &[5, 2]),
            (&[5, 1, 0], b"HTTP/1.1"),
            (&[5, 0, 11, 3, 16, 0], &[]),
            (&[5, 1, 0, 9, 9], &[]),
            (&[], &[5, 0]),
            (HELLO, &[5, 0]),
        ];
        for (client, server) in others {
            assert_eq!(recognised(client, server), Some(false), "{client:?} {server:?}");
        }
    }
}
