//! What is signed in a handshake of TLS ≤ 1.2: by the server in ServerKeyExchange, and by the client in CertificateVerify, there every
//! message before it, from the ClientHello on (RFC 5246 §7.4.3, §7.4.8).
//!
//! Most servers ask for no certificate, and most connections that have one are sound. So nothing is hashed while packets pass: the few
//! small messages that are not kept anyway are copied, and let go at ClientKeyExchange unless a certificate was asked for.

use crate::connection::Chain;
use crate::evidence::{Pair, Side};
use crate::registry::HandshakeType;

/// The messages of one handshake up to CertificateVerify, without those that are kept elsewhere: ClientHello and both Certificates.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    /// Messages with their headers.
    bytes: Vec<u8>,
    /// Where in `bytes` the Certificate of each side belongs.
    certificates: Pair<Option<usize>>,
    /// The server asks for a certificate.
    asked: bool,
    /// ServerHelloDone came.
    clients_turn: bool,
    /// The body of CertificateVerify.
    certificate_verify: Option<Box<[u8]>>,
}

impl Transcript {
    /// Most bytes that are kept. What is not bounded by a hello's size is the server's list of authorities: 64 KiB.
    const MAX_LEN: usize = 128 << 10;
    /// What a server says beside its Certificate where it names no authority.
    const USUAL_LEN: usize = 512;

    /// Begins with the ServerHello.
    pub(super) fn new(server_hello: &[u8]) -> Self {
        let mut transcript = Self {
            bytes: Vec::with_capacity(Self::USUAL_LEN),
            ..Self::default()
        };
        append(&mut transcript.bytes, HandshakeType::SERVER_HELLO, server_hello);
        transcript
    }

    /// Bytes that are kept.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity() + self.certificate_verify.as_ref().map_or(0, |body| body.len())
    }

    /// Takes the next message. False where no CertificateVerify is to come, or the order is not the protocol's: sides whose packets the
    /// capture holds in another order than they were sent in.
    pub(super) fn add(&mut self, side: Side, kind: HandshakeType, body: &[u8]) -> bool {
        if self.certificate_verify.is_some() || kind == HandshakeType::HELLO_REQUEST {
            return true;
        }
        if self.clients_turn != (side == Side::Client) {
            return false;
        }
        match kind {
            HandshakeType::CERTIFICATE => return self.certificates[side].replace(self.bytes.len()).is_none(),
            HandshakeType::CERTIFICATE_VERIFY if side == Side::Client => {
                self.certificate_verify = Some(body.into());
                return true;
            }
            HandshakeType::CERTIFICATE_REQUEST => self.asked = true,
            HandshakeType::SERVER_HELLO_DONE => self.clients_turn = true,
            _ => {}
        }
        append(&mut self.bytes, kind, body);
        // A client that goes on to its own key has taken the server's.
        self.bytes.len() <= Self::MAX_LEN && (self.asked || kind != HandshakeType::CLIENT_KEY_EXCHANGE)
    }

    /// The body of ServerKeyExchange.
    pub(super) fn server_key_exchange(&self) -> Option<&[u8]> {
        let mut rest = &self.bytes[..];
        while let Some((header, after)) = rest.split_first_chunk::<4>() {
            let [kind, high, middle, low] = *header;
            let (body, after) = after.split_at_checked(u32::from_be_bytes([0, high, middle, low]) as usize)?;
            if kind == HandshakeType::SERVER_KEY_EXCHANGE.0 {
                return Some(body);
            }
            rest = after;
        }
        None
    }

    /// The body of CertificateVerify, and all that it signs; `None` where it, or the Certificate of a side, did not come.
    pub(super) fn signed(&self, client_hello: &[u8], chains: Pair<&Chain>) -> Option<(&[u8], Vec<u8>)> {
        let mut signed = Vec::new();
        append(&mut signed, HandshakeType::CLIENT_HELLO, client_hello);
        let mut done = 0;
        for side in [Side::Server, Side::Client] {
            let place = self.certificates[side]?;
            signed.extend_from_slice(self.bytes.get(done..place)?);
            append(&mut signed, HandshakeType::CERTIFICATE, &certificate_list(chains[side]));
            done = place;
        }
        signed.extend_from_slice(self.bytes.get(done..)?);
        Some((self.certificate_verify.as_deref()?, signed))
    }
}

/// Appends a message with its header of 4 bytes.
fn append(to: &mut Vec<u8>, kind: HandshakeType, body: &[u8]) {
    to.push(kind.0);
    append_vec24(to, body);
}

/// Appends bytes behind a length of 24 bits, which no message exceeds.
fn append_vec24(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u32).to_be_bytes().into_iter().skip(1));
    to.extend_from_slice(bytes);
}

/// The body of a Certificate message, as it was read.
fn certificate_list(chain: &Chain) -> Vec<u8> {
    let mut list = Vec::new();
    for certificate in chain {
        append_vec24(&mut list, certificate.der());
    }
    let mut body = Vec::with_capacity(list.len() + 3);
    append_vec24(&mut body, &list);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::testing::interned;
    use Side::{Client, Server};

    /// Feeds the bodies `h`, `s`, `c`, `k` …; stops where the transcript does.
    fn told(steps: &[(Side, u8, &[u8])]) -> Option<Transcript> {
        let mut transcript = Transcript::new(b"sh");
        steps
            .iter()
            .all(|(side, kind, body)| transcript.add(*side, HandshakeType(*kind), body))
            .then_some(transcript)
    }

    const ASKED: [(Side, u8, &[u8]); 7] = [
        (Server, 11, b"(kept elsewhere)"),
        (Server, 12, b"ske"),
        (Server, 13, b"cr"),
        (Server, 14, b""),
        (Client, 11, b"(kept elsewhere)"),
        (Client, 16, b"cke"),
        (Client, 15, b"signature"),
    ];

    #[test]
    fn all_messages_before_certificate_verify_are_signed_in_their_order() {
        let transcript = told(&ASKED).unwrap();
        let (servers, clients) = (vec![interned(b"leaf"), interned(b"ca")], vec![interned(b"me")]);
        let chains = Pair {
            client: &clients,
            server: &servers,
        };
        let (body, signed) = transcript.signed(b"ch", chains).unwrap();
        assert_eq!(body, b"signature");
        let expected: &[&[u8]] = &[
            b"\x01\0\0\x02ch",
            b"\x02\0\0\x02sh",
            b"\x0b\0\0\x0f\0\0\x0c\0\0\x04leaf\0\0\x02ca",
            b"\x0c\0\0\x03ske",
            b"\x0d\0\0\x02cr",
            b"\x0e\0\0\0",
            b"\x0b\0\0\x08\0\0\x05\0\0\x02me",
            b"\x10\0\0\x03cke",
        ];
        assert_eq!(signed, expected.concat());
    }

    #[test]
    fn it_is_let_go_where_no_certificate_is_asked_for_and_the_client_goes_on() {
        let flight: [(Side, u8, &[u8]); 4] = [
            (Server, 11, b""),
            (Server, 12, b"ske"),
            (Server, 14, b""),
            (Client, 16, b"cke"),
        ];
        assert!(told(&flight[..3]).is_some());
        assert!(told(&flight).is_none());
    }

    #[test]
    fn the_servers_key_exchange_is_found_among_the_others() {
        let transcript = told(&ASKED).unwrap();
        assert_eq!(transcript.server_key_exchange(), Some(&b"ske"[..]));
        let none = told(&[(Server, 11, b""), (Server, 14, b"")]).unwrap();
        assert_eq!(none.server_key_exchange(), None);
    }

    #[test]
    fn sides_out_of_their_order_are_not_guessed_at() {
        let mut early = ASKED;
        early.swap(3, 4);
        assert!(told(&early).is_none());
    }

    #[test]
    fn without_certificate_verify_nothing_was_signed() {
        let none = Chain::new();
        let chains = Pair {
            client: &none,
            server: &none,
        };
        assert!(told(&ASKED[..6]).unwrap().signed(b"ch", chains).is_none());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let big = vec![0; 100 << 10];
        assert!(told(&[(Server, 23, &big)]).is_some());
        assert!(told(&[(Server, 23, &big), (Server, 23, &big)]).is_none());
    }
}
