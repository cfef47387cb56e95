//! [`Observer`]: follows one live connection and writes down what it says.

use std::sync::Arc;

use crate::connection::{
    AlertSeen, Answer, CertificateRequestSeen, Chain, Endpoint, First, KeyExchangeSeen, MessageSeen, Observed, Offer,
    RecordLog, RecordSeen, Spanned,
};
use crate::evidence::{CaptureId, Hidden, Mark, Seen, Side, Span};
use crate::registry::HandshakeType;
use crate::stream::{GapCause, Sink, TcpFacts};
use crate::tls::{
    Certificate, CertificateRequest, ClientHello, Flow, Item, Malformed, RecordReader, ServerHello, ServerKeyExchange,
    Sslv2ClientHello, asks_for_tls, looks_like_client_hello, name_plaintext,
};
use crate::x509::CertificateStore;

/// Clear handshake messages that are listed; a handshake has a dozen.
const MESSAGES_KEPT: usize = 24;
/// Clear alerts that are listed.
const ALERTS_KEPT: usize = 8;
/// Parse failures that are listed.
const MALFORMED_KEPT: usize = 4;
/// Bytes of plaintext after which nobody starts TLS any more.
const UPGRADE_WITHIN: u64 = 64 * 1024;

/// A handshake message kept as bytes until its connection turns out to be worth a closer look.
#[derive(Debug)]
struct Kept {
    body: Box<[u8]>,
    span: Span,
}

/// Follows one connection. Fed through [`Sink`] with the bytes of both sides in order; closed by [`Observer::finish`].
#[derive(Debug)]
pub(crate) struct Observer {
    certificates: Arc<CertificateStore>,
    readers: [RecordReader; 2],
    first: [First; 2],
    /// First bytes of both sides before an upgrade to TLS.
    preamble: Option<Box<[First; 2]>>,
    before_tls: [u64; 2],
    /// A command that asks for TLS within another protocol.
    asked_for_tls: Option<Span>,
    /// Bytes of each side so far.
    sent: [u64; 2],
    hellos: Vec<Kept>,
    sslv2: Option<Kept>,
    retry: Option<Kept>,
    answer: Option<Spanned<Answer>>,
    server_chain: Option<Spanned<Chain>>,
    client_chain: Option<Spanned<Chain>>,
    key_exchange: Option<Spanned<KeyExchangeSeen>>,
    certificate_request: Option<Spanned<CertificateRequestSeen>>,
    messages: Vec<MessageSeen>,
    alerts: Vec<AlertSeen>,
    change_cipher_spec: [Option<Span>; 2],
    records: [RecordLog; 2],
    malformed: Vec<(Malformed, Span)>,
    oversized: Option<(u16, Span)>,
    lost: [Option<Hidden>; 2],
}

/// What is known of a connection apart from its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The client's address and port.
    pub(crate) client: Endpoint,
    /// The server's address and port.
    pub(crate) server: Endpoint,
    /// The capture that holds it.
    pub(crate) capture: CaptureId,
    /// Sequence number of the client's SYN, or of its first segment.
    pub(crate) client_isn: u32,
    /// Innermost VLAN id, or 0.
    pub(crate) vlan: u16,
}

impl Observer {
    /// An observer of a connection that has carried no byte yet.
    pub(crate) fn new(certificates: Arc<CertificateStore>) -> Self {
        Self {
            certificates,
            readers: [RecordReader::new(), RecordReader::new()],
            first: [First::Nothing, First::Nothing],
            preamble: None,
            before_tls: [0; 2],
            asked_for_tls: None,
            sent: [0; 2],
            hellos: Vec::new(),
            sslv2: None,
            retry: None,
            answer: None,
            server_chain: None,
            client_chain: None,
            key_exchange: None,
            certificate_request: None,
            messages: Vec::new(),
            alerts: Vec::new(),
            change_cipher_spec: [None; 2],
            records: Default::default(),
            malformed: Vec::new(),
            oversized: None,
            lost: [None; 2],
        }
    }

    /// The store that certificates are read into.
    pub(crate) fn store(&self) -> Arc<CertificateStore> {
        Arc::clone(&self.certificates)
    }

    /// True once a TLS record of either side was read.
    pub(crate) fn spoke_tls(&self) -> bool {
        self.first.iter().any(First::is_tls)
    }

    /// The server's answer, as soon as it was read.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref().map(|answer| &answer.value)
    }

    /// Closes the books: what was kept as bytes is read now.
    pub(crate) fn finish(mut self, identity: Identity, tcp: TcpFacts) -> Observed {
        for side in [Side::Client, Side::Server] {
            self.finish_reader(side);
        }
        let mut malformed = std::mem::take(&mut self.malformed);
        let mut offers = self
            .hellos
            .iter()
            .filter_map(|kept| match ClientHello::parse(&kept.body) {
                Ok(hello) => {
                    let offer = Offer::from_hello(&hello, kept.span.len);
                    Some(Spanned {
                        value: Arc::new(offer),
                        span: kept.span,
                    })
                }
                Err(error) => {
                    malformed.push((error, kept.span));
                    None
                }
            });
        let (mut offer, second_offer) = (offers.next(), offers.next());
        drop(offers);
        if offer.is_none()
            && let Some(kept) = &self.sslv2
        {
            offer = Sslv2ClientHello::parse(&kept.body).ok().map(|hello| Spanned {
                value: Arc::new(Offer::from_sslv2(&hello, kept.span.len)),
                span: kept.span,
            });
        }
        let retry = self.retry.as_ref().and_then(|kept| read_answer(kept, &[]).ok());
        let hidden = |side: Side| self.hidden(side, &tcp);

        let tls13 = self
            .answer
            .as_ref()
            .is_some_and(|answer| answer.value.version.is_tls13());
        let under_keys = |side: Side| {
            if tls13 || self.answer.is_none() && self.records[side.index()].count > 0 {
                Some(Hidden::Encrypted)
            } else {
                hidden(side)
            }
        };
        Observed {
            offer: offer.map_or_else(|| missing(hidden(Side::Client)), Seen::Seen),
            answer: self
                .answer
                .clone()
                .map_or_else(|| missing(hidden(Side::Server)), Seen::Seen),
            server_chain: self
                .server_chain
                .clone()
                .map_or_else(|| missing(under_keys(Side::Server)), Seen::Seen),
            client_chain: self
                .client_chain
                .clone()
                .map_or_else(|| missing(under_keys(Side::Client)), Seen::Seen),
            certificate_request: self
                .certificate_request
                .clone()
                .map_or_else(|| missing(under_keys(Side::Server)), Seen::Seen),
            client: identity.client,
            server: identity.server,
            capture: identity.capture,
            stream: None,
            client_isn: identity.client_isn,
            vlan: identity.vlan,
            second_offer,
            retry,
            first: self.first,
            preamble: self.preamble,
            asked_for_tls: self.asked_for_tls,
            before_tls: self.before_tls,
            key_exchange: self.key_exchange,
            messages: self.messages,
            alerts: self.alerts,
            change_cipher_spec: self.change_cipher_spec,
            records: self.records,
            malformed,
            oversized: self.oversized,
            lost: self.lost,
            capture_end: None,
            tcp,
        }
    }

    /// Why something of this side may be missing, if it may.
    fn hidden(&self, side: Side, tcp: &TcpFacts) -> Option<Hidden> {
        if let Some(lost) = self.lost[side.index()] {
            Some(lost)
        } else if tcp.one_sided() == Some(side.peer()) {
            Some(Hidden::OneSided)
        } else if tcp.started_midway() {
            Some(Hidden::Truncated)
        } else {
            None
        }
    }

    fn finish_reader(&mut self, side: Side) {
        let mut reader = std::mem::take(&mut self.readers[side.index()]);
        reader.finish(&mut |item| self.take(side, item));
        self.readers[side.index()] = reader;
    }

    /// Writes one item of a side's record layer into the books.
    fn take(&mut self, side: Side, item: Item<'_>) -> Flow {
        match item {
            Item::Handshake { kind, body, span, .. } => {
                self.begin_tls(side, span);
                self.handshake(side, kind, body, span);
            }
            Item::Sslv2ClientHello { body, span } => {
                self.begin_tls(side, span);
                self.sslv2 = Some(Kept {
                    body: body.into(),
                    span,
                });
            }
            Item::Alert {
                level,
                description,
                record_version,
                span,
            } => {
                self.begin_tls(side, span);
                if self.alerts.len() < ALERTS_KEPT {
                    self.alerts.push(AlertSeen {
                        level,
                        description,
                        record_version,
                        span,
                    });
                }
            }
            Item::ChangeCipherSpec { span } => {
                self.begin_tls(side, span);
                self.change_cipher_spec[side.index()].get_or_insert(span);
                return self.keys_follow(side);
            }
            Item::Opaque {
                content_type,
                length,
                span,
                ..
            } => {
                self.begin_tls(side, span);
                self.records[side.index()].push(RecordSeen {
                    content_type,
                    len: length,
                    mark: span.mark,
                });
            }
            Item::NotTls { head, span } => {
                if matches!(self.first[side.index()], First::Nothing) {
                    self.first[side.index()] = First::Other(name_plaintext(head), span);
                }
            }
            Item::Malformed { malformed, span } => {
                if self.malformed.len() < MALFORMED_KEPT {
                    self.malformed.push((malformed, span));
                }
            }
            Item::Oversized { length, span, .. } => {
                self.begin_tls(side, span);
                self.oversized.get_or_insert((length, span));
            }
            // Gaps are noted where they are reported; a record that is cut by the end is told by the ending.
            Item::Lost { .. } | Item::Partial(_) => {}
        }
        Flow::Go
    }

    /// ChangeCipherSpec starts the keys in TLS ≤ 1.2. In TLS 1.3 it is a dummy (RFC 9846 §5), and before the answer
    /// only a 1.3 client that sends early data says it.
    fn keys_follow(&self, side: Side) -> Flow {
        match &self.answer {
            Some(answer) if answer.value.version.is_tls13() => Flow::Go,
            Some(_) => Flow::Protect,
            None if self.retry.is_some() => Flow::Go,
            None if side == Side::Client && !self.hellos.is_empty() => Flow::Go,
            None => Flow::Protect,
        }
    }

    fn begin_tls(&mut self, side: Side, span: Span) {
        let first = &mut self.first[side.index()];
        if !first.is_tls() {
            *first = First::Tls(span);
        }
    }

    fn handshake(&mut self, side: Side, kind: HandshakeType, body: &[u8], span: Span) {
        if self.messages.len() < MESSAGES_KEPT {
            self.messages.push(MessageSeen { kind, span });
        }
        match (side, kind) {
            (Side::Client, HandshakeType::CLIENT_HELLO) if self.hellos.len() < 2 => {
                self.hellos.push(Kept {
                    body: body.into(),
                    span,
                });
            }
            (Side::Server, HandshakeType::SERVER_HELLO) => self.server_hello(body, span),
            (_, HandshakeType::CERTIFICATE) => self.certificates(side, body, span),
            (Side::Server, HandshakeType::SERVER_KEY_EXCHANGE) => {
                let Some(answer) = &self.answer else { return };
                match ServerKeyExchange::parse(body, answer.value.cipher_suite, answer.value.version) {
                    Ok(view) => {
                        let value = KeyExchangeSeen {
                            group: view.group,
                            dh_bits: view.dh_bits(),
                            scheme: view.signature_scheme,
                        };
                        self.key_exchange.get_or_insert(Spanned { value, span });
                    }
                    Err(error) => self.note(error, span),
                }
            }
            (Side::Server, HandshakeType::CERTIFICATE_REQUEST) => {
                let Some(answer) = &self.answer else { return };
                match CertificateRequest::parse(body, answer.value.version) {
                    Ok(view) => {
                        let value = CertificateRequestSeen {
                            schemes: view.signature_schemes().collect(),
                            authorities: view.authorities().count(),
                        };
                        self.certificate_request.get_or_insert(Spanned { value, span });
                    }
                    Err(error) => self.note(error, span),
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, error: Malformed, span: Span) {
        if self.malformed.len() < MALFORMED_KEPT {
            self.malformed.push((error, span));
        }
    }

    fn server_hello(&mut self, body: &[u8], span: Span) {
        let kept = Kept {
            body: body.into(),
            span,
        };
        match ServerHello::parse(&kept.body) {
            Ok(hello) if hello.is_hello_retry_request() => self.retry = Some(kept),
            Ok(_) if self.answer.is_none() => {
                let session = self.hellos.last().and_then(|kept| ClientHello::parse(&kept.body).ok());
                let session_id = session.as_ref().map_or(&[][..], ClientHello::session_id);
                self.answer = read_answer(&kept, session_id).ok();
            }
            Ok(_) => {}
            Err(error) => self.note(error, span),
        }
    }

    fn certificates(&mut self, side: Side, body: &[u8], span: Span) {
        let list = match Certificate::parse(body) {
            Ok(list) => list,
            Err(error) => return self.note(error, span),
        };
        let chain = list.certificates().map(|der| self.certificates.intern(der)).collect();
        let place = match side {
            Side::Client => &mut self.client_chain,
            Side::Server => &mut self.server_chain,
        };
        place.get_or_insert(Spanned { value: chain, span });
    }

    /// Within another protocol a ClientHello at the start of a segment begins TLS on both sides.
    fn upgrades(&mut self, bytes: &[u8], span: &Span) -> bool {
        let speaks_otherwise = matches!(self.first[Side::Client.index()], First::Other(..));
        // A proxy that refuses, or a server that complains, starts no TLS.
        let refused = matches!(&self.first[Side::Server.index()], First::Other(Some(answer), _)
            if answer.quote.starts_with("HTTP/1.") && !answer.quote.contains(" 200") && !answer.quote.contains(" 101"));
        speaks_otherwise
            && !refused
            && span.from() == Side::Client
            && !self.spoke_tls()
            && span.at < UPGRADE_WITHIN
            && looks_like_client_hello(bytes)
    }
}

/// Not seen: absent, or not visible for this reason.
fn missing<T>(hidden: Option<Hidden>) -> Seen<T> {
    hidden.map_or(Seen::Absent, Seen::Unknown)
}

fn read_answer(kept: &Kept, session_id: &[u8]) -> Result<Spanned<Answer>, Malformed> {
    let hello = ServerHello::parse(&kept.body)?;
    Ok(Spanned {
        value: Answer::from_hello(&hello, session_id),
        span: kept.span,
    })
}

impl Sink for Observer {
    fn data(&mut self, bytes: &[u8], span: Span) {
        let side = span.from();
        if self.upgrades(bytes, &span) {
            self.readers = [RecordReader::new(), RecordReader::new()];
            self.before_tls = self.sent;
            self.preamble = Some(Box::new(std::mem::take(&mut self.first)));
        }
        if side == Side::Client && self.asked_for_tls.is_none() && !self.spoke_tls() && asks_for_tls(bytes) {
            self.asked_for_tls = Some(span);
        }
        self.sent[side.index()] = span.at + u64::from(span.len);
        // Reader and books are both this struct's: the reader steps out while it hands its items over.
        let mut reader = std::mem::take(&mut self.readers[side.index()]);
        reader.feed(bytes, span, &mut |item| self.take(side, item));
        self.readers[side.index()] = reader;
    }

    fn gap(&mut self, from: Side, _at: u64, len: u64, cause: GapCause, _mark: Mark) {
        let why = match cause {
            GapCause::Snaplen => Hidden::Snaplen,
            GapCause::CaptureLoss | GapCause::NetworkLoss => Hidden::Gap,
        };
        let mut reader = std::mem::take(&mut self.readers[from.index()]);
        reader.gap(len, &mut |_| {
            self.lost[from.index()].get_or_insert(why);
            Flow::Go
        });
        self.readers[from.index()] = reader;
    }
}

#[cfg(test)]
mod tests;
