//! LDAP's StartTLS operation (RFC 4511 §4.14).
//!
//! Messages are BER (X.690), of which LDAP takes definite lengths and short tags only (RFC 4511 §5.1). Lengths may be written in more octets
//! than they need; those above four octets are not read.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::code::coded;
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;
use crate::tls::contains;

/// The request for TLS (RFC 4511 §4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// The server is about to close (RFC 4511 §4.4.1).
const DISCONNECTION: &[u8] = b"1.3.6.1.4.1.1466.20036";

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const MESSAGE: u8 = 0x30;
const BIND_REQUEST: u8 = 0x60;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const BIND_RESPONSE: u8 = 0x61;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
/// In a bind: a password; in an extended request: its name.
const SIMPLE: u8 = 0x80;
const REQUEST_NAME: u8 = 0x80;
const SASL: u8 = 0xa3;
const RESPONSE_NAME: u8 = 0x8a;

/// Knows a client whose first message is a bind, a search or an extended request.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    match begins_ldap(heads.client) {
        Some(true) => Guess::yes(Protocol::Ldap, Ldap::default()),
        None if !heads.client.is_empty() => Guess::Maybe,
        _ => Guess::No,
    }
}

/// Whether the bytes begin with a request of LDAP: all lengths fit into each other. `None` where more are needed to tell.
fn begins_ldap(bytes: &[u8]) -> Option<bool> {
    let not = Some(false);
    let (message, rest) = match header(bytes) {
        Header::Whole(message, rest) if message.tag == MESSAGE => (message, rest),
        Header::More if bytes.first() == Some(&MESSAGE) => return None,
        _ => return not,
    };
    let (id, rest) = match header(rest) {
        Header::Whole(id, rest) if id.tag == INTEGER && (1..=4).contains(&id.length) => (id, rest),
        Header::More if matches!(rest, [] | [INTEGER, ..]) => return None,
        _ => return not,
    };
    let rest = rest.get(usize::try_from(id.length).ok()?..)?;
    let is_request = |tag| matches!(tag, BIND_REQUEST | SEARCH_REQUEST | EXTENDED_REQUEST);
    let (request, contents) = match header(rest) {
        Header::Whole(request, contents) if is_request(request.tag) => (request, contents),
        Header::More if rest.first().is_none_or(|tag| is_request(*tag)) => return None,
        _ => return not,
    };
    // Behind the request there may be controls.
    if id.size() + request.size() > message.length {
        return not;
    }
    let begins = |tag: u8| contents.first().map(|first| *first == tag);
    match request.tag {
        EXTENDED_REQUEST => begins(REQUEST_NAME),
        SEARCH_REQUEST => begins(OCTET_STRING),
        // The version is 2 or 3.
        _ => match contents {
            [INTEGER, 1, version, ..] => Some(matches!(version, 2 | 3)),
            [] | [INTEGER] | [INTEGER, 1] => None,
            _ => not,
        },
    }
}

#[derive(Debug, Default)]
struct Ldap {
    /// The message id of the request for TLS.
    request: Option<u64>,
}

impl Automaton for Ldap {
    fn frame(&self, _side: Side, bytes: &[u8]) -> Frame {
        match header(bytes) {
            Header::Whole(message, _) if message.tag == MESSAGE => Frame::Bytes(message.size()),
            Header::More if bytes.first() == Some(&MESSAGE) => Frame::More,
            // After some SASL binds messages are wrapped.
            _ => Frame::NotMine,
        }
    }

    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        let Some((id, operation, contents)) = operation(message) else {
            return;
        };
        match (side, operation) {
            (Side::Client, EXTENDED_REQUEST) => {
                let name = value(contents).filter(|(tag, name, _)| *tag == REQUEST_NAME && *name == START_TLS);
                if name.is_some() {
                    notes.asks_as("StartTLS (1.3.6.1.4.1.1466.20037)");
                    self.request = Some(id);
                }
            }
            (Side::Client, BIND_REQUEST) if sends_password(contents) == Some(true) => notes.exposes("a login"),
            // The entry of the directory itself lists the extended operations (RFC 4512 §5.1).
            (Side::Server, SEARCH_ENTRY) if contains(contents, START_TLS) => {
                notes.offers_as(true, "supportedExtension: StartTLS (1.3.6.1.4.1.1466.20037)");
            }
            (Side::Server, BIND_RESPONSE) => {
                if let Some(result) = LdapResult::read(contents).filter(|result| result.code == TLS_REQUIRED) {
                    notes.demands_as(&result.quote("resultCode"));
                }
            }
            (Side::Server, EXTENDED_RESPONSE) if notes.is_asked() => {
                let Some(result) = LdapResult::read(contents) else {
                    return;
                };
                if self.request == Some(id) && result.code == 0 {
                    notes.grants_as(&result.quote("resultCode"));
                } else if self.request == Some(id) {
                    notes.refuses_as(&result.quote("resultCode"));
                } else if id == 0 && result.name == Some(DISCONNECTION) {
                    notes.refuses_as(&result.quote("Notice of Disconnection, resultCode"));
                }
            }
            _ => {}
        }
    }
}

/// confidentialityRequired.
const TLS_REQUIRED: u64 = 13;

/// Message id, the operation's tag and its contents.
fn operation(message: &[u8]) -> Option<(u64, u8, &[u8])> {
    let (_, envelope, _) = value(message)?;
    let (tag, id, rest) = value(envelope)?;
    let (operation, contents, _) = value(rest)?;
    Some(((tag == INTEGER).then(|| number(id))??, operation, contents))
}

/// Whether a bind carries a password that can be read (RFC 4511 §4.2): a simple one that is not anonymous, or SASL's PLAIN.
fn sends_password(bind: &[u8]) -> Option<bool> {
    let (_, _version, rest) = value(bind)?;
    let (_, _name, rest) = value(rest)?;
    Some(match value(rest)? {
        (SIMPLE, password, _) => !password.is_empty(),
        (SASL, sasl, _) => value(sasl)?.1.eq_ignore_ascii_case(b"PLAIN"),
        _ => false,
    })
}

/// What a response says (RFC 4511 §4.1.9), and its name in an extended response.
#[derive(Clone, Copy, Debug)]
struct LdapResult<'a> {
    code: u64,
    diagnostic: &'a [u8],
    name: Option<&'a [u8]>,
}

impl<'a> LdapResult<'a> {
    fn read(contents: &'a [u8]) -> Option<Self> {
        let (tag, code, rest) = value(contents)?;
        let code = (tag == ENUMERATED).then(|| number(code))??;
        let (_, _matched, rest) = value(rest)?;
        let (_, diagnostic, mut rest) = value(rest)?;
        let mut name = None;
        // A referral may stand between.
        while let Some((tag, contents, after)) = value(rest) {
            rest = after;
            if tag == RESPONSE_NAME {
                name = Some(contents);
            }
        }
        Some(Self { code, diagnostic, name })
    }

    fn quote(&self, what: &str) -> String {
        let text = String::from_utf8_lossy(self.diagnostic);
        coded(what, self.code, result_name(self.code), text.trim())
    }
}

/// The names of RFC 4511 §4.1.9 that an answer to an extended request may have.
const fn result_name(code: u64) -> Option<&'static str> {
    Some(match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        80 => "other",
        _ => return None,
    })
}

/// Tag and length of a BER value.
#[derive(Clone, Copy, Debug)]
struct Tag {
    tag: u8,
    /// Bytes of tag and length.
    header: u64,
    /// Bytes of the contents.
    length: u64,
}

impl Tag {
    /// Bytes of the whole value.
    const fn size(self) -> u64 {
        self.header.saturating_add(self.length)
    }
}

/// What bytes begin with.
enum Header<'a> {
    /// A tag and a length; then the bytes behind them.
    Whole(Tag, &'a [u8]),
    /// More bytes are needed to tell.
    More,
    /// None that LDAP has.
    No,
}

/// Reads tag and length (X.690 §8.1.2, §8.1.3).
fn header(bytes: &[u8]) -> Header<'_> {
    let (tag, first, rest) = match bytes {
        [] | [_] => return Header::More,
        [tag, first, rest @ ..] => (*tag, *first, rest),
    };
    let octets = match first {
        0..=0x7f => 0,
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return Header::No,
    };
    let Some((long, rest)) = rest.split_at_checked(octets) else {
        return Header::More;
    };
    let length = long.iter().fold(0, |length, octet| length << 8 | u64::from(*octet));
    let tag = Tag {
        tag,
        header: 2 + octets as u64,
        length: if octets == 0 { u64::from(first) } else { length },
    };
    Header::Whole(tag, rest)
}

/// Tag and contents of the value that bytes begin with, and what follows it. Of long messages the end may be missing.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let Header::Whole(Tag { tag, length, .. }, rest) = header(bytes) else {
        return None;
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// A number of up to eight octets; those of LDAP are not negative.
fn number(octets: &[u8]) -> Option<u64> {
    let fits = (1..=8).contains(&octets.len());
    fits.then(|| octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, recognised, server};
    use super::*;

    /// A value with a length of one octet.
    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        [&[tag, contents.len() as u8], contents.as_slice()].concat()
    }

    /// The same with a length of four octets.
    fn long(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        [&[tag, 0x84, 0, 0, 0, contents.len() as u8], contents.as_slice()].concat()
    }

    fn start_tls(id: u8) -> Vec<u8> {
        let request = tlv(EXTENDED_REQUEST, &[&tlv(REQUEST_NAME, &[START_TLS])]);
        tlv(MESSAGE, &[&[INTEGER, 1, id], &request])
    }

    fn extended(id: u8, code: u8, text: &[u8], name: &[u8]) -> Vec<u8> {
        let name = if name.is_empty() {
            Vec::new()
        } else {
            tlv(RESPONSE_NAME, &[name])
        };
        let result = [&[ENUMERATED, 1, code, 4, 0][..], &tlv(OCTET_STRING, &[text]), &name].concat();
        tlv(MESSAGE, &[&[INTEGER, 1, id], &tlv(EXTENDED_RESPONSE, &[&result])])
    }

    fn bind(authentication: &[u8]) -> Vec<u8> {
        let bind = [&[INTEGER, 1, 3, OCTET_STRING, 4][..], b"cn=a", authentication].concat();
        tlv(MESSAGE, &[&[INTEGER, 1, 1], &tlv(BIND_REQUEST, &[&bind])])
    }

    #[test]
    fn success_leads_to_tls() {
        let talk = Talk::of(&[
            client(&start_tls(1)),
            server(&extended(1, 0, b"", START_TLS)),
            client(HELLO),
            server(ANSWER),
        ]);
        let ldap = talk.only();
        assert!(ldap.is_granted() && ldap.injected.is_none());
        assert_eq!(&*ldap.answer.as_ref().unwrap().1.words, "resultCode 0 (success)");
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn lengths_may_be_long() {
        let request = long(EXTENDED_REQUEST, &[&long(REQUEST_NAME, &[START_TLS])]);
        let request = long(MESSAGE, &[&[INTEGER, 0x82, 0, 2, 1, 0], &request]);
        let result = long(EXTENDED_RESPONSE, &[&[ENUMERATED, 0x81, 1, 0, 4, 0, 4, 0x82, 0, 0]]);
        let response = long(MESSAGE, &[&[INTEGER, 2, 1, 0], &result]);
        let talk = Talk::of(&[client(&request), server(&response), client(HELLO), server(ANSWER)]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_has_code_name_and_text() {
        let text = b"00000000: LdapErr: DSID-0C091148, comment: Error initializing SSL/TLS\0";
        let talk = Talk::of(&[client(&start_tls(1)), server(&extended(1, 52, text, b""))]);
        let said = "resultCode 52 (unavailable): 00000000: LdapErr: DSID-0C091148, comment: Error initializing SSL/TLS";
        assert_eq!(&*talk.only().refusal().unwrap().words, said);
        let talk = Talk::of(&[client(&start_tls(1)), server(&extended(1, 99, b"", b""))]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "resultCode 99");
    }

    #[test]
    fn a_notice_of_disconnection_refuses_and_other_answers_do_not() {
        let notice = extended(0, 52, b"closing", DISCONNECTION);
        let talk = Talk::of(&[client(&start_tls(1)), server(&notice)]);
        assert_eq!(
            &*talk.only().refusal().unwrap().words,
            "Notice of Disconnection, resultCode 52 (unavailable): closing"
        );
        let other = extended(7, 2, b"what?", b"");
        let talk = Talk::of(&[client(&start_tls(1)), server(&other)]);
        assert!(talk.only().request.is_some() && talk.only().answer.is_none());
    }

    #[test]
    fn a_password_in_the_clear_is_noted_and_not_shown() {
        let simple = tlv(SIMPLE, &[b"secret"]);
        let talk = Talk::of(&[client(&bind(&simple))]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        let plain = tlv(
            SASL,
            &[&tlv(OCTET_STRING, &[b"PLAIN"]), &tlv(OCTET_STRING, &[b"\0a\0secret"])],
        );
        assert!(Talk::of(&[client(&bind(&plain))]).only().exposed.is_some());
        let kerberos = tlv(SASL, &[&tlv(OCTET_STRING, &[b"GSSAPI"])]);
        for harmless in [tlv(SIMPLE, &[]), kerberos] {
            assert!(Talk::of(&[client(&bind(&harmless))]).preambles.is_empty());
        }
        // Sent behind the request, it is told by its length.
        let talk = Talk::of(&[client(&[start_tls(1), bind(&simple)].concat())]);
        assert_eq!(&*talk.only().injected.as_ref().unwrap().words, "24 bytes");
        assert!(!format!("{talk:?}").contains("secret"));
    }

    #[test]
    fn other_extended_requests_ask_for_nothing() {
        let whoami = tlv(EXTENDED_REQUEST, &[&tlv(REQUEST_NAME, &[b"1.3.6.1.4.1.4203.1.11.3"])]);
        let whoami = tlv(MESSAGE, &[&[INTEGER, 1, 1], &whoami]);
        let talk = Talk::of(&[client(&whoami), server(&extended(1, 2, b"", b""))]);
        assert!(talk.preambles.is_empty());
        let both = [whoami, start_tls(2)].concat();
        let answers = [extended(1, 2, b"", b""), extended(2, 0, b"", b"")].concat();
        assert!(
            Talk::of(&[client(&both), server(&answers), client(HELLO)])
                .only()
                .is_granted()
        );
    }

    #[test]
    fn what_looks_like_it_is_none() {
        let recognised = |client: &[u8]| recognised(recognise, client, &[]);
        assert_eq!(recognised(&start_tls(1)), Some(true));
        assert_eq!(recognised(&start_tls(1)[..4]), None);
        // SNMP, a certificate, an operation that is longer than its message, a bind of version 9, a hello.
        let snmp = tlv(MESSAGE, &[&[INTEGER, 1, 1, OCTET_STRING, 6], b"public"]);
        let bad_bind = [
            MESSAGE,
            12,
            INTEGER,
            1,
            1,
            BIND_REQUEST,
            7,
            INTEGER,
            1,
            9,
            4,
            0,
            0x80,
            0,
        ];
        for other in [
            &snmp[..],
            &[0x30, 0x82, 3, 1, 0x30, 0x82],
            &[0x30, 5, 2, 1, 1, 0x77, 40, 0x80],
            &bad_bind,
            HELLO,
        ] {
            assert_eq!(recognised(other), Some(false), "{other:?}");
        }
        assert_eq!(recognised(&[0x30, 0x80, 2, 1, 1]), Some(false));
        assert_eq!(recognised(b"0 STARTTLS\r\n"), Some(false));
    }
}
