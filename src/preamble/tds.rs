//! SQL Server's PRELOGIN (MS-TDS §2.2.6.5), in which both sides say whether they encrypt.
//!
//! TLS then begins in packets of the same type and goes on without them once the handshake is done. Where both sides encrypt the login alone,
//! they return to the clear behind it. TDS 8 begins with TLS, and is none of this.

use super::automaton::{Automaton, Frame, Guess, Heads, Wrapping};
use super::code::coded;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::{Pair, Side};

/// Type, status, length, SPID, number, window (§2.2.3.1).
const HEADER_LEN: usize = 8;
/// Types of packets.
const PRELOGIN: u8 = 0x12;
const RESPONSE: u8 = 0x04;
const LOGIN7: u8 = 0x10;
/// The status of a message's last packet.
const END_OF_MESSAGE: u8 = 1;
/// Packets are no longer before the login.
const PACKET_MAX: u16 = 4_096;
/// Bytes of a message that are kept: those of options take a few dozen.
const MESSAGE_MAX: usize = 1_024;

/// Options of PRELOGIN.
const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const TERMINATOR: u8 = 0xff;
/// Of the option's value: the rest says whether the client has a certificate.
const VALUE: u8 = 0x7f;
/// Only the login is encrypted.
const OFF: u8 = 0;
const ON: u8 = 1;
const NOT_SUPPORTED: u8 = 2;
const REQUIRED: u8 = 3;

/// Knows a client by its PRELOGIN, which begins with the option of its version.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    let fits = |(at, byte): (usize, &u8)| match at {
        0 => *byte == PRELOGIN,
        1 | 6 => *byte <= 1,
        // SPID and window; behind the header, the token of the version.
        4 | 5 | 7 | 8 => *byte == 0,
        // Its place is behind all options, its length 6.
        9 | 11 => *byte == 0,
        10 => *byte >= 6,
        12 => *byte == 6,
        _ => true,
    };
    if client.is_empty() || !client.iter().enumerate().all(fits) {
        return Guess::No;
    }
    match client {
        [_, _, high, low, ..] if !(20..=PACKET_MAX).contains(&u16::from_be_bytes([*high, *low])) => Guess::No,
        _ if client.len() > 12 => Guess::yes(Protocol::Tds, Tds::default()),
        _ => Guess::Maybe,
    }
}

#[derive(Debug, Default)]
struct Tds {
    /// What was said in the packets of a message so far.
    message: Pair<Vec<u8>>,
    /// What the client says of encryption.
    client: Option<u8>,
    /// Both sides return to the clear behind the login.
    is_login_only: bool,
    /// Nothing that follows matters.
    is_over: bool,
}

impl Automaton for Tds {
    fn frame(&self, _side: Side, bytes: &[u8]) -> Frame {
        match *bytes {
            _ if self.is_over => Frame::NotMine,
            [PRELOGIN | RESPONSE | LOGIN7, _, high, low, ..] => match u16::from_be_bytes([high, low]) {
                0..8 => Frame::NotMine,
                length => Frame::Bytes(u64::from(length)),
            },
            [PRELOGIN | RESPONSE | LOGIN7, ..] => Frame::More,
            _ => Frame::NotMine,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        let [kind, status, ..] = *message else { return };
        let contents = message.get(HEADER_LEN..).unwrap_or_default();
        let gathered = &mut self.message[side];
        let room = MESSAGE_MAX.saturating_sub(gathered.len()).min(contents.len());
        gathered.extend_from_slice(contents.get(..room).unwrap_or_default());
        if kind == LOGIN7 && side == Side::Client {
            notes.exposes("a login");
            self.is_over = true;
        } else if status & END_OF_MESSAGE != 0 {
            let encryption = encryption(&std::mem::take(gathered));
            match (side, kind) {
                (Side::Client, PRELOGIN) => self.asked(encryption, notes),
                (Side::Server, RESPONSE) => self.answered(encryption, notes),
                _ => self.is_over = true,
            }
        }
    }

    fn wrapping(&self, _side: Side, bytes: &[u8]) -> Wrapping {
        match *bytes {
            [PRELOGIN, _, high, low, _, _, _, _, ..] => Wrapping::Packet {
                header: HEADER_LEN,
                contents: u64::from(u16::from_be_bytes([high, low])).saturating_sub(HEADER_LEN as u64),
            },
            [PRELOGIN, ..] => Wrapping::More,
            _ if !self.is_login_only => Wrapping::None,
            // A record as it is; behind the client's login and the server's last record, packets in the clear.
            [20..=23, 3, _, high, low, ..] => Wrapping::Packet {
                header: 0,
                contents: 5 + u64::from(u16::from_be_bytes([high, low])),
            },
            [20..=23] | [20..=23, 3] | [20..=23, 3, _] | [20..=23, 3, _, _] => Wrapping::More,
            _ => Wrapping::Over,
        }
    }
}

impl Tds {
    fn asked(&mut self, encryption: Option<u8>, notes: &mut Notes<'_>) {
        self.client = encryption;
        if let Some(value @ (OFF | ON | REQUIRED)) = encryption {
            notes.asks_as(&quote(value));
        }
    }

    fn answered(&mut self, encryption: Option<u8>, notes: &mut Notes<'_>) {
        match encryption {
            Some(NOT_SUPPORTED) if notes.is_asked() => notes.refuses_as(&quote(NOT_SUPPORTED)),
            Some(value @ (OFF | ON | REQUIRED)) if notes.is_asked() => {
                self.is_login_only = value == OFF && self.client == Some(OFF);
                notes.wraps(&quote(value));
            }
            // The client has said that it cannot.
            Some(value @ (ON | REQUIRED)) => notes.demands_as(&quote(value)),
            Some(_) => {}
            None => self.is_over = true,
        }
    }
}

fn quote(value: u8) -> String {
    let name = match value {
        OFF => "ENCRYPT_OFF",
        ON => "ENCRYPT_ON",
        NOT_SUPPORTED => "ENCRYPT_NOT_SUP",
        _ => "ENCRYPT_REQ",
    };
    coded("ENCRYPTION", value, Some(name), "")
}

/// The value of the option, where the bytes are a PRELOGIN that has it.
fn encryption(message: &[u8]) -> Option<u8> {
    let mut options = message;
    if options.first() != Some(&VERSION) {
        return None;
    }
    loop {
        match options {
            [ENCRYPTION, high, low, ..] => {
                let at = usize::from(u16::from_be_bytes([*high, *low]));
                return message.get(at).map(|value| value & VALUE);
            }
            [TERMINATOR, ..] => return None,
            [_, _, _, _, _, rest @ ..] => options = rest,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    const DATA: &[u8] = &[23, 3, 3, 0, 3, 7, 7, 7];

    fn packet(kind: u8, status: u8, contents: &[u8]) -> Vec<u8> {
        [&[kind, status, 0, 8 + contents.len() as u8, 0, 0, 1, 0], contents].concat()
    }

    fn options(encryption: u8) -> Vec<u8> {
        // Two options of five bytes, the terminator, then a version and the value.
        let tokens = [VERSION, 0, 11, 0, 6, ENCRYPTION, 0, 17, 0, 1, TERMINATOR];
        [&tokens[..], &[16, 0, 7, 0xd0, 0, 0, encryption]].concat()
    }

    fn asks(value: u8) -> Vec<u8> {
        packet(PRELOGIN, 1, &options(value))
    }

    fn answers(value: u8) -> Vec<u8> {
        packet(RESPONSE, 1, &options(value))
    }

    #[test]
    fn tls_begins_in_packets_and_goes_on_without() {
        let talk = Talk::of(&[
            client(&asks(ON)),
            server(&answers(ON)),
            client(&packet(PRELOGIN, 1, HELLO)),
            server(&[packet(PRELOGIN, 0, &ANSWER[..4]), packet(PRELOGIN, 1, &ANSWER[4..])].concat()),
            client(DATA),
            server(DATA),
            client(DATA),
        ]);
        let tds = talk.only();
        assert_eq!(&*tds.request.as_ref().unwrap().words, "ENCRYPTION 1 (ENCRYPT_ON)");
        assert!(tds.is_granted());
        assert_eq!(
            talk.within(),
            (&[HELLO, DATA, DATA].concat()[..], &[ANSWER, DATA].concat()[..])
        );
    }

    #[test]
    fn a_packet_that_waited_for_the_consent_is_handed_out_once() {
        let hello = packet(PRELOGIN, 1, HELLO);
        for cut in [3, 8, 12] {
            let talk = Talk::of(&[
                client(&asks(ON)),
                client(&hello[..cut]),
                server(&answers(ON)),
                client(&hello[cut..]),
                server(&packet(PRELOGIN, 1, ANSWER)),
            ]);
            assert_eq!(talk.within(), (HELLO, ANSWER), "{cut}");
        }
    }

    #[test]
    fn behind_an_encrypted_login_both_return_to_the_clear() {
        let script = |answer: u8| {
            [
                asks(OFF),
                answers(answer),
                packet(PRELOGIN, 1, HELLO),
                packet(PRELOGIN, 1, ANSWER),
                DATA.to_vec(),
                packet(RESPONSE, 1, b"welcome"),
                packet(1, 1, b"select 1"),
            ]
        };
        let hear = |script: &[Vec<u8>]| {
            let said: Vec<_> = script
                .iter()
                .zip([client, server, client, server, client, server, client])
                .map(|(bytes, says)| says(bytes))
                .collect();
            Talk::of(&said)
        };
        let talk = hear(&script(OFF));
        assert_eq!(
            &*talk.only().answer.as_ref().unwrap().1.words,
            "ENCRYPTION 0 (ENCRYPT_OFF)"
        );
        assert_eq!(talk.within(), (&[HELLO, DATA].concat()[..], ANSWER));
        // Where the server requires more, what follows is TLS to the end.
        let required = hear(&script(REQUIRED));
        assert!(required.within().1.ends_with(b"welcome"));
    }

    #[test]
    fn a_server_without_encryption_refuses() {
        for value in [OFF, ON, REQUIRED, ON | 0x80] {
            let talk = Talk::of(&[client(&asks(value)), server(&answers(NOT_SUPPORTED))]);
            assert_eq!(&*talk.only().refusal().unwrap().words, "ENCRYPTION 2 (ENCRYPT_NOT_SUP)");
        }
        // A client that only wants its login encrypted may send it all the same.
        let login = packet(LOGIN7, 1, b"sa secret");
        let talk = Talk::of(&[client(&asks(OFF)), server(&answers(NOT_SUPPORTED)), client(&login)]);
        assert!(talk.only().refusal().is_some() && talk.only().exposed.is_some());
    }

    #[test]
    fn a_client_without_encryption_exposes_its_login() {
        let login = packet(LOGIN7, 1, b"sa secret");
        let talk = Talk::of(&[
            client(&asks(NOT_SUPPORTED)),
            server(&answers(NOT_SUPPORTED)),
            client(&login),
        ]);
        assert!(talk.only().request.is_none() && talk.only().answer.is_none());
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
        // It may be required all the same.
        let talk = Talk::of(&[client(&asks(NOT_SUPPORTED)), server(&answers(REQUIRED))]);
        assert!(talk.only().request.is_none() && talk.only().exposed.is_none());
        assert_eq!(
            &*talk.only().demanded.as_ref().unwrap().words,
            "ENCRYPTION 3 (ENCRYPT_REQ)"
        );
    }

    #[test]
    fn options_may_come_in_several_packets() {
        let (first, second) = (&options(ON)[..13], &options(ON)[13..]);
        let talk = Talk::of(&[
            client(&packet(PRELOGIN, 0, first)),
            client(&packet(PRELOGIN, 1, second)),
            server(&[packet(RESPONSE, 0, first), packet(RESPONSE, 1, second)].concat()),
            client(&packet(PRELOGIN, 1, HELLO)),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within().0, HELLO);
    }

    #[test]
    fn an_error_instead_of_options_is_no_refusal() {
        let error = packet(RESPONSE, 1, &[0xaa, 9, 0, 1, 2, 3, 4, 5, 6, 7]);
        let talk = Talk::of(&[client(&asks(ON)), server(&error)]);
        assert!(talk.only().answer.is_none());
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(&asks(ON)), Some(true));
        assert_eq!(recognised(&asks(ON)[..12]), None);
        // TLS in a packet, a login, a length that is too short, a hello.
        for other in [
            packet(PRELOGIN, 1, HELLO),
            packet(LOGIN7, 1, &options(ON)),
            packet(PRELOGIN, 1, &[0]),
            HELLO.to_vec(),
        ] {
            assert_eq!(recognised(&other), Some(false), "{other:?}");
        }
    }
}
