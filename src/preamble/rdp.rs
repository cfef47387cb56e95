//! RDP's negotiation of its security (MS-RDPBCGR §2.2.1.1 and §2.2.1.2), in the connection request and confirm of X.224.
//!
//! All protocols that can be chosen run in TLS, but for the first one: "standard RDP security" has an encryption of its own.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::coded;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

/// TPKT's header (RFC 1006 §6): version, reserved, length.
const TPKT_LEN: usize = 4;
/// Behind it, the length of X.224's header, then its fixed part.
const FIXED_LEN: usize = 7;
/// The longest request that is taken for one: a line and a few dozen bytes.
const REQUEST_MAX: usize = 1_024;
const REQUEST: u8 = 0xe0;
const CONFIRM: u8 = 0xd0;

/// Types of what is negotiated; each is eight bytes long.
const NEGOTIATION_REQUEST: u8 = 1;
const NEGOTIATION_RESPONSE: u8 = 2;
const NEGOTIATION_FAILURE: u8 = 3;

/// Knows a client by a connection request that has RDP's cookie, or that negotiates.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    let fits = |(at, byte): (usize, &u8)| match at {
        0 => *byte == 3,
        1 => *byte == 0,
        5 => *byte == REQUEST,
        // The server has given no reference, and the class is 0.
        6 | 7 | 10 => *byte == 0,
        _ => true,
    };
    if client.is_empty() || !client.iter().enumerate().all(fits) {
        return Guess::No;
    }
    let [_, _, high, low, header, ..] = *client else {
        return Guess::Maybe;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    // Correlation data may follow behind X.224's own header.
    if length < TPKT_LEN + 1 + usize::from(header) || length > REQUEST_MAX {
        return Guess::No;
    }
    match client.get(..length) {
        None => Guess::Maybe,
        Some(message) if ConnectionRequest::read(message).is_some() => Guess::yes(Protocol::Rdp, Rdp::default()),
        Some(_) => Guess::No,
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ConnectionRequest {
    /// The protocols it would take besides standard RDP security, one bit each.
    protocols: u32,
}

impl ConnectionRequest {
    /// Reads a message; `None` where it is some other protocol's upon X.224.
    fn read(message: &[u8]) -> Option<Self> {
        let rest = variable(message, REQUEST)?;
        // A cookie or a routing token comes first, and ends with a line.
        let (line, rest) = match rest {
            [NEGOTIATION_REQUEST, ..] => (&[][..], rest),
            _ => rest.split_at_checked(rest.iter().position(|byte| *byte == b'\n')? + 1)?,
        };
        let is_text = |line: &[u8]| line.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if !line.is_empty() && !line.strip_suffix(b"\r\n").is_some_and(is_text) {
            return None;
        }
        match *rest {
            [NEGOTIATION_REQUEST, _, 8, 0, a, b, c, d, ..] => Some(Self {
                protocols: u32::from_le_bytes([a, b, c, d]),
            }),
            [] if line.starts_with(b"Cookie: ") => Some(Self { protocols: 0 }),
            _ => None,
        }
    }
}

/// What follows the fixed part of X.224's header.
fn variable(message: &[u8], kind: u8) -> Option<&[u8]> {
    let header = message.get(TPKT_LEN..)?;
    (header.get(1) == Some(&kind)).then(|| header.get(FIXED_LEN..))?
}

#[derive(Debug, Default)]
struct Rdp {
    /// Nothing that follows matters.
    is_over: bool,
}

impl Automaton for Rdp {
    fn frame(&self, _side: Side, bytes: &[u8]) -> Frame {
        match *bytes {
            _ if self.is_over => Frame::NotMine,
            [3, 0, high, low, ..] => match u16::from_be_bytes([high, low]) {
                0..7 => Frame::NotMine,
                length => Frame::Bytes(u64::from(length)),
            },
            [] | [3] | [3, 0] | [3, 0, _] => Frame::More,
            _ => Frame::NotMine,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            Side::Client => match ConnectionRequest::read(message) {
                Some(ConnectionRequest { protocols: 0 }) => {}
                Some(ConnectionRequest { protocols }) => {
                    notes.asks_as(&format!("requestedProtocols 0x{protocols:x} ({})", names(protocols)));
                }
                None => self.is_over = true,
            },
            Side::Server => {
                self.is_over = true;
                let Some(negotiated) = variable(message, CONFIRM) else {
                    return;
                };
                match *negotiated {
                    [NEGOTIATION_RESPONSE, _, 8, 0, a, b, c, d, ..] => {
                        let selected = u32::from_le_bytes([a, b, c, d]);
                        let words = coded("selectedProtocol", selected, Some(&names(selected)), "");
                        if selected == 0 && notes.is_asked() {
                            notes.refuses_as(&words);
                        } else if notes.is_asked() {
                            notes.grants_as(&words);
                        }
                    }
                    [NEGOTIATION_FAILURE, _, 8, 0, a, b, c, d, ..] => {
                        let code = u32::from_le_bytes([a, b, c, d]);
                        let words = coded("RDP_NEG_FAILURE", code, failure_name(code), "");
                        if notes.is_asked() {
                            notes.refuses_as(&words);
                        } else if matches!(code, 1 | 5 | 6) {
                            // Who has not asked for TLS is told that it has to.
                            notes.demands_as(&words);
                        }
                    }
                    _ if notes.is_asked() => notes.refuses_as("no RDP_NEG_RSP (standard RDP security)"),
                    _ => {}
                }
            }
        }
    }
}

/// The protocols of MS-RDPBCGR §2.2.1.1.1, without their prefix.
const PROTOCOLS: [(u32, &str); 5] = [
    (0x01, "SSL"),
    (0x02, "HYBRID"),
    (0x04, "RDSTLS"),
    (0x08, "HYBRID_EX"),
    (0x10, "RDSAAD"),
];

fn names(protocols: u32) -> String {
    if protocols == 0 {
        return "standard RDP security".to_owned();
    }
    let named = PROTOCOLS.iter().filter(|(bit, _)| protocols & bit != 0);
    let names: Vec<_> = named.map(|(_, name)| *name).collect();
    if names.is_empty() {
        "unknown".to_owned()
    } else {
        names.join(", ")
    }
}

/// The names of MS-RDPBCGR §2.2.1.2.2.
const fn failure_name(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "SSL_REQUIRED_BY_SERVER",
        2 => "SSL_NOT_ALLOWED_BY_SERVER",
        3 => "SSL_CERT_NOT_ON_SERVER",
        4 => "INCONSISTENT_FLAGS",
        5 => "HYBRID_REQUIRED_BY_SERVER",
        6 => "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    const COOKIE: &[u8] = b"Cookie: mstshash=someone\r\n";

    fn x224(kind: u8, variable: &[u8]) -> Vec<u8> {
        let length = variable.len() as u8;
        [&[3, 0, 0, 11 + length, 6 + length, kind, 0, 0, 0, 0, 0], variable].concat()
    }

    fn negotiation(kind: u8, value: u8) -> [u8; 8] {
        [kind, 0, 8, 0, value, 0, 0, 0]
    }

    fn request(cookie: &[u8], protocols: u8) -> Vec<u8> {
        x224(
            REQUEST,
            &[cookie, &negotiation(NEGOTIATION_REQUEST, protocols)].concat(),
        )
    }

    #[test]
    fn a_chosen_protocol_leads_to_tls() {
        for cookie in [
            &b""[..],
            COOKIE,
            b"Cookie: msts=3640205228.15629.0000\r\n",
            b"tsv://MS Terminal Services Plugin.1.a\r\n",
        ] {
            let talk = Talk::of(&[
                client(&request(cookie, 3)),
                server(&x224(CONFIRM, &negotiation(NEGOTIATION_RESPONSE, 2))),
                client(HELLO),
                server(ANSWER),
            ]);
            let rdp = talk.only();
            assert_eq!(
                &*rdp.request.as_ref().unwrap().words,
                "requestedProtocols 0x3 (SSL, HYBRID)"
            );
            assert_eq!(&*rdp.answer.as_ref().unwrap().1.words, "selectedProtocol 2 (HYBRID)");
            assert!(rdp.is_granted() && !format!("{rdp:?}").contains("someone"));
            assert_eq!(talk.within(), (HELLO, ANSWER));
        }
    }

    #[test]
    fn refusals_have_names() {
        let refusals: [(&[u8], &str); 4] = [
            (
                &negotiation(NEGOTIATION_FAILURE, 2),
                "RDP_NEG_FAILURE 2 (SSL_NOT_ALLOWED_BY_SERVER)",
            ),
            (
                &negotiation(NEGOTIATION_FAILURE, 5),
                "RDP_NEG_FAILURE 5 (HYBRID_REQUIRED_BY_SERVER)",
            ),
            (
                &negotiation(NEGOTIATION_RESPONSE, 0),
                "selectedProtocol 0 (standard RDP security)",
            ),
            (&[], "no RDP_NEG_RSP (standard RDP security)"),
        ];
        for (answer, words) in refusals {
            let talk = Talk::of(&[client(&request(COOKIE, 1)), server(&x224(CONFIRM, answer))]);
            assert_eq!(&*talk.only().refusal().unwrap().words, words);
        }
    }

    #[test]
    fn standard_security_asks_for_nothing() {
        for request in [request(COOKIE, 0), x224(REQUEST, COOKIE)] {
            let confirm = x224(CONFIRM, &negotiation(NEGOTIATION_RESPONSE, 0));
            assert!(Talk::of(&[client(&request), server(&confirm)]).preambles.is_empty());
            let required = x224(CONFIRM, &negotiation(NEGOTIATION_FAILURE, 1));
            let talk = Talk::of(&[client(&request), server(&required)]);
            assert!(talk.only().refusal().is_none() && talk.only().demanded.is_some());
        }
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(&request(COOKIE, 3)), Some(true));
        assert_eq!(recognised(&request(COOKIE, 3)[..30]), None);
        // S7 and others upon X.224 have parameters of their own, or none.
        let s7 = x224(REQUEST, &[0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2]);
        for other in [
            s7,
            x224(REQUEST, &[]),
            x224(REQUEST, b"Hello\r\n"),
            x224(CONFIRM, &[]),
            vec![3, 0, 0, 3, 0],
            HELLO.to_vec(),
        ] {
            assert_eq!(recognised(&other), Some(false), "{other:?}");
        }
    }
}
