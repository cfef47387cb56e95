//! What the sides of a [`Scene`] say in TLS.

use super::hello::{codes, vec8, vec16};
use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Client, HANDSHAKE, Hello, Scene, Server, ServersHello};
use crate::evidence::Side;

/// Handshake types (RFC 9846 §4, RFC 5246 §7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const CERTIFICATE_STATUS: u8 = 22;

/// A record with its header.
pub(crate) fn record(content_type: u8, body: &[u8]) -> Vec<u8> {
    [&[content_type, 3, 3][..], &vec16(body)].concat()
}

/// Bytes behind a length of 24 bits.
fn vec24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

/// The body of a CertificateRequest of TLS 1.2 for RSA and EC keys, with the names of these authorities in DER.
pub(crate) fn request_naming(authorities: &[&[u8]]) -> Vec<u8> {
    let names: Vec<u8> = authorities.iter().flat_map(|name| vec16(name)).collect();
    [&vec8(&[1, 64])[..], &vec16(&codes(&[0x0403, 0x0804])), &vec16(&names)].concat()
}

impl Scene {
    /// One record.
    pub(crate) fn record(self, from: Side, content_type: u8, body: &[u8]) -> Self {
        self.say(from, &record(content_type, body))
    }

    /// One handshake message, in as many records as it needs.
    pub(crate) fn message(mut self, from: Side, kind: u8, body: &[u8]) -> Self {
        let message = [&[kind][..], &vec24(body)].concat();
        self.handshake.extend_from_slice(&message);
        let records: Vec<u8> = message
            .chunks(1 << 14)
            .flat_map(|part| record(HANDSHAKE, part))
            .collect();
        self.say(from, &records)
    }

    /// The bytes of a ClientHello with its record, for steps that want them more than once.
    pub(crate) fn hello_bytes(build: impl FnOnce(Hello) -> Hello) -> Vec<u8> {
        let body = build(Hello::default()).body();
        record(HANDSHAKE, &[&[CLIENT_HELLO][..], &vec24(&body)].concat())
    }

    /// ClientHello.
    pub(crate) fn client_hello(self, build: impl FnOnce(Hello) -> Hello) -> Self {
        self.message(Client, CLIENT_HELLO, &build(Hello::default()).body())
    }

    /// ServerHello of this version (0x0304 for TLS 1.3) with this suite.
    pub(crate) fn server_hello(self, version: u16, suite: u16) -> Self {
        self.server_hello_with(version, suite, |hello| hello)
    }

    /// ServerHello with more to say.
    pub(crate) fn server_hello_with(
        self,
        version: u16,
        suite: u16,
        build: impl FnOnce(ServersHello) -> ServersHello,
    ) -> Self {
        let body = build(ServersHello::new(version, suite)).body();
        self.message(Server, SERVER_HELLO, &body)
    }

    /// HelloRetryRequest, for P-256.
    pub(crate) fn retry_request(self, suite: u16) -> Self {
        self.server_hello_with(0x0304, suite, ServersHello::retry)
    }

    /// Certificate of TLS ≤ 1.2, leaf first.
    pub(crate) fn certificate(self, from: Side, chain: &[&[u8]]) -> Self {
        let list: Vec<u8> = chain.iter().flat_map(|der| vec24(der)).collect();
        self.message(from, CERTIFICATE, &vec24(&list))
    }

    /// CertificateStatus with this OCSP response.
    pub(crate) fn certificate_status(self, response: &[u8]) -> Self {
        self.message(Server, CERTIFICATE_STATUS, &[&[1][..], &vec24(response)].concat())
    }

    /// ServerKeyExchange of ECDHE with this group.
    pub(crate) fn server_key_exchange(self, group: u16) -> Self {
        let key = [&[3][..], &group.to_be_bytes(), &vec8(&[4; 65])].concat();
        let signature = [&codes(&[0x0403])[..], &vec16(&[5; 71])].concat();
        self.message(Server, SERVER_KEY_EXCHANGE, &[key, signature].concat())
    }

    /// ServerKeyExchange of DHE with a prime of so many bits.
    pub(crate) fn server_key_exchange_of_dhe(self, bits: usize) -> Self {
        let prime = vec![0xff; bits / 8];
        let key = [vec16(&prime), vec16(&[2]), vec16(&prime)].concat();
        let signature = [&codes(&[0x0403])[..], &vec16(&[5; 71])].concat();
        self.message(Server, SERVER_KEY_EXCHANGE, &[key, signature].concat())
    }

    /// CertificateRequest of TLS 1.2 that names no authority.
    pub(crate) fn certificate_request(self) -> Self {
        self.message(Server, CERTIFICATE_REQUEST, &request_naming(&[]))
    }

    /// ServerHelloDone.
    pub(crate) fn server_hello_done(self) -> Self {
        self.message(Server, SERVER_HELLO_DONE, &[])
    }

    /// The server's whole first flight of TLS 1.2: ServerHello, Certificate, ServerKeyExchange, ServerHelloDone.
    pub(crate) fn server_flight(self, chain: &[&[u8]]) -> Self {
        self.server_hello(0x0303, 0xc02f)
            .certificate(Server, chain)
            .server_key_exchange(29)
            .server_hello_done()
    }

    /// The same with a CertificateRequest.
    pub(crate) fn server_flight_asking(self, chain: &[&[u8]]) -> Self {
        self.server_hello(0x0303, 0xc02f)
            .certificate(Server, chain)
            .server_key_exchange(29)
            .certificate_request()
            .server_hello_done()
    }

    /// The same with a CertificateRequest that names these authorities, in DER.
    pub(crate) fn server_flight_naming(self, chain: &[&[u8]], authorities: &[&[u8]]) -> Self {
        self.server_hello(0x0303, 0xc02f)
            .certificate(Server, chain)
            .server_key_exchange(29)
            .message(Server, CERTIFICATE_REQUEST, &request_naming(authorities))
            .server_hello_done()
    }

    /// ClientKeyExchange.
    pub(crate) fn client_key_exchange(self) -> Self {
        self.message(Client, CLIENT_KEY_EXCHANGE, &vec8(&[4; 65]))
    }

    /// CertificateVerify of the client.
    pub(crate) fn certificate_verify(self) -> Self {
        self.certificate_verify_of(&[5; 71])
    }

    /// CertificateVerify of the client with this signature, ECDSA with SHA-256.
    pub(crate) fn certificate_verify_of(self, signature: &[u8]) -> Self {
        let body = [&codes(&[0x0403])[..], &vec16(signature)].concat();
        self.message(Client, CERTIFICATE_VERIFY, &body)
    }

    /// ChangeCipherSpec.
    pub(crate) fn change_cipher_spec(self, from: Side) -> Self {
        self.record(from, CHANGE_CIPHER_SPEC, &[1])
    }

    /// ChangeCipherSpec and Finished of TLS 1.2 with AES-GCM: 40 encrypted bytes.
    pub(crate) fn finished(self, from: Side) -> Self {
        self.in_one_packet(from, |scene| {
            scene.change_cipher_spec(from).record(from, HANDSHAKE, &[0xf1; 40])
        })
    }

    /// Both sides' part of TLS 1.2 after the server's flight.
    pub(crate) fn finished_by_both(self) -> Self {
        self.client_key_exchange().finished(Client).finished(Server)
    }

    /// Encrypted records of these lengths in one packet, with the outer type application_data.
    pub(crate) fn sealed(self, from: Side, lengths: &[usize]) -> Self {
        let records: Vec<u8> = lengths
            .iter()
            .flat_map(|len| record(APPLICATION_DATA, &vec![0xe5; *len]))
            .collect();
        self.say(from, &records)
    }

    /// A clear alert: level (1 warning, 2 fatal) and description.
    pub(crate) fn alert(self, from: Side, level: u8, description: u8) -> Self {
        self.record(from, ALERT, &[level, description])
    }
}
