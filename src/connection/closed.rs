//! [`Closed`]: what is left of a connection when it has ended, before the messages are read that only a judgement asks for.

use crate::connection::breach::Messages;
use crate::connection::offer::Offers;
use crate::connection::request::Requests;
use crate::connection::transcript::Transcript;
use crate::connection::{CertificateVerifySeen, Fetched, Observed, Offer, Spanned};
use crate::evidence::{Pair, Seen, Side, Span};
use crate::registry::{HandshakeType, ProtocolVersion, SignatureScheme};
use crate::tls::{CertificateVerify, ClientHello, ServerHello, ServerKeyExchange, Sslv2ClientHello};
use crate::x509::{Certificate, Key, Method, Verification, verify_with_key};

/// RSA keys of so many bits are not worked with.
const RSA_TOO_LONG: u32 = 8_193;

/// A handshake message kept as bytes until its connection turns out to be worth a closer look.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) body: Box<[u8]>,
    pub(super) span: Span,
}

/// A connection whose books are closed, with its ClientHellos still as bytes.
#[derive(Debug)]
pub(crate) struct Closed {
    /// Everything but the offers.
    pub(crate) observed: Box<Observed>,
    pub(super) hellos: Vec<Kept>,
    pub(super) sslv2: Option<Kept>,
    pub(super) certificate_request: Option<Box<Kept>>,
    pub(super) transcript: Option<Box<Transcript>>,
    /// OCSP responses and revocation lists that the server handed out.
    pub(crate) fetched: Vec<Fetched>,
}

/// Messages that were read before: most are sent again and again, and what they say is kept once.
#[derive(Debug, Default)]
pub(crate) struct Known {
    offers: Offers,
    requests: Requests,
}

impl Closed {
    /// True where the client sent a ClientHello.
    pub(crate) fn has_hello(&self) -> bool {
        !self.hellos.is_empty() || self.sslv2.is_some()
    }

    /// Bytes of the first ClientHello; 0 where there is none.
    pub(crate) fn hello_len(&self) -> u32 {
        let first = self.hellos.first().or(self.sslv2.as_ref());
        first.map_or(0, |kept| kept.span.len)
    }

    /// True where the client began a record and nothing else was said: not even a ClientHello came whole, and the server kept silent.
    pub(crate) fn is_begun_only(&self) -> bool {
        let seen = &self.observed;
        let begun = seen.unfinished.iter().any(|part| part.span.from() == Side::Client);
        begun && !seen.spoke_tls() && !self.has_hello() && !seen.tcp.side(Side::Server).sent_payload()
    }

    /// The name that the first ClientHello asks for, where that is text.
    pub(crate) fn server_name(&self) -> Option<&str> {
        name_in(&self.hello()?)
    }

    /// The first ClientHello.
    pub(super) fn hello(&self) -> Option<ClientHello<'_>> {
        ClientHello::parse(&self.hellos.first()?.body).ok()
    }

    /// Reads the ClientHellos and the CertificateRequest, and checks the signatures that one side may have refused.
    pub(crate) fn read(self, known: &mut Known) -> Box<Observed> {
        let mut observed = self.observed;
        let mut offers = Vec::new();
        for kept in &self.hellos {
            match ClientHello::parse(&kept.body) {
                Ok(hello) => {
                    observed.hello_time.get_or_insert_with(|| hello.time());
                    offers.push(Spanned {
                        value: known.offers.intern(Offer::from_hello(&hello, kept.span.len)),
                        span: kept.span,
                    });
                }
                Err(error) => observed.malformed.push((error, kept.span)),
            }
        }
        let old = self.sslv2.as_ref().and_then(|kept| {
            let hello = Sslv2ClientHello::parse(&kept.body).ok()?;
            Some(Spanned {
                value: known.offers.intern(Offer::from_sslv2(&hello, kept.span.len)),
                span: kept.span,
            })
        });
        let mut offers = offers.into_iter();
        if let Some(offer) = offers.next().or(old) {
            observed.offer = Seen::Seen(offer);
        }
        observed.second_offer = offers.next().map(Box::new);
        if let Some(kept) = self.certificate_request
            && let Some(version) = version_of(&observed)
        {
            match known.requests.read(version, kept.body) {
                Ok(value) => {
                    observed.certificate_request = Seen::Seen(Box::new(Spanned { value, span: kept.span }));
                }
                Err(error) => observed.malformed.push((error, kept.span)),
            }
        }
        if let ([hello], None, Some(transcript)) = (&self.hellos[..], &self.sslv2, &self.transcript) {
            observed.certificate_verify = certificate_verify(&observed, &hello.body, transcript);
            let verification = key_exchange(&observed, &hello.body, transcript);
            if let Some(exchange) = &mut observed.key_exchange {
                exchange.value.verification = verification;
            }
        }
        // Who went on has taken it; and what answers what cannot be told where something is missing between them.
        if !observed.completed() && observed.lost.iter().all(Option::is_none) {
            let key_exchange = self
                .transcript
                .as_ref()
                .and_then(|transcript| transcript.server_key_exchange());
            observed.breaches = Messages {
                hellos: &self.hellos,
                retry: observed.retry.as_ref().map(|retry| (retry.value.body(), retry.span)),
                answer: observed
                    .answer
                    .as_ref()
                    .seen()
                    .map(|answer| (answer.value.body(), answer.span)),
                key_exchange: key_exchange.zip(observed.key_exchange.as_ref().map(|exchange| exchange.span)),
            }
            .breaches();
        }
        observed.messages.shrink_to_fit();
        observed.alerts.shrink_to_fit();
        observed.malformed.shrink_to_fit();
        observed.records.client.shrink_to_fit();
        observed.records.server.shrink_to_fit();
        observed
    }
}

/// The name that a ClientHello asks for, where that is text.
pub(super) fn name_in<'a>(hello: &ClientHello<'a>) -> Option<&'a str> {
    std::str::from_utf8(hello.server_name()?).ok()
}

fn version_of(observed: &Observed) -> Option<ProtocolVersion> {
    Some(observed.answer.as_ref().seen()?.value.version)
}

/// Checks the signature in ServerKeyExchange (RFC 5246 §7.4.3). Only where the client left before it said anything of its own, and named no
/// defect of the certificate, which it looks at before.
fn key_exchange(observed: &Observed, hello: &[u8], transcript: &Transcript) -> Option<Verification> {
    let end = observed.end();
    let names_a_certificate = observed
        .server_certificate_rejection()
        .is_some_and(|rejection| rejection.names_a_certificate());
    let went_on = observed
        .message(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE)
        .is_some();
    let is_whole = observed.lost.iter().all(Option::is_none);
    if end.by != Some(Side::Client) || names_a_certificate || went_on || !is_whole {
        return None;
    }
    let answer = &observed.answer.as_ref().seen()?.value;
    let body = transcript.server_key_exchange()?;
    let message = ServerKeyExchange::parse(body, answer.cipher_suite, answer.version).ok()?;
    if message.signature.is_empty() {
        return None;
    }
    let client_random = ClientHello::parse(hello).ok()?.random();
    let server_random = ServerHello::parse(answer.body()).ok()?.random();
    let signed = [&client_random[..], server_random, message.params].concat();
    let chain = &observed.server_chain.as_ref().seen()?.value;
    let leaf = chain.first()?.readable()?;
    Some(verify(
        leaf,
        answer.version,
        message.signature_scheme,
        &signed,
        message.signature,
    ))
}

/// Holds a signature of TLS ≤ 1.2 against the key of a certificate.
fn verify(
    leaf: &Certificate,
    version: ProtocolVersion,
    scheme: Option<SignatureScheme>,
    signed: &[u8],
    signature: &[u8],
) -> Verification {
    match (&leaf.key, scheme) {
        // SSL 3.0 signs a secret too. Keys of absurd size are a way to make whoever checks them slow.
        _ if version < ProtocolVersion::TLS10 => Verification::Unsupported,
        (
            Key::Rsa {
                bits: RSA_TOO_LONG.., ..
            },
            _,
        ) => Verification::Unsupported,
        (_, Some(scheme)) => verify_with_key(leaf, Method::of_tls(scheme), signed, signature),
        (key, None) => verify_with_key(leaf, Method::before_tls12(key), signed, signature),
    }
}

/// Checks the client's CertificateVerify. Signatures are dear: only where the server refused the client, and named no defect of its
/// certificate, which it looks at before.
fn certificate_verify(observed: &Observed, hello: &[u8], transcript: &Transcript) -> Option<CertificateVerifySeen> {
    let refused = observed.client_certificate_rejection()?;
    let is_whole = observed.lost.iter().all(Option::is_none);
    if refused.names_a_certificate() || !is_whole {
        return None;
    }
    let chains = Pair {
        client: &observed.client_chain.as_ref().seen()?.value,
        server: &observed.server_chain.as_ref().seen()?.value,
    };
    let (body, signed) = transcript.signed(hello, chains)?;
    let version = version_of(observed)?;
    let message = CertificateVerify::parse(body, version).ok()?;
    let leaf = chains.client.first()?.readable()?;
    let verification = verify(leaf, version, message.scheme, &signed, message.signature);
    Some(CertificateVerifySeen {
        scheme: message.scheme,
        verification,
    })
}
