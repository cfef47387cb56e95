//! What an [`Observer`](super::Observer) writes down while its connection lives.

use std::sync::Arc;

use crate::connection::closed::{Closed, Kept};
use crate::connection::fetched::Fetching;
use crate::connection::offer::printable;
use crate::connection::transcript::Transcript;
use crate::connection::{
    AlertSeen, Answer, Chain, Fetched, First, Hole, Identity, KeyExchangeSeen, MessageSeen, Observed, RecordLog,
    RecordSeen, Spanned, Stapled,
};
use crate::evidence::{Hidden, Pair, Seen, Side, Span};
use crate::preamble::{Dialogue, Preamble};
use crate::registry::HandshakeType;
use crate::stream::TcpFacts;
use crate::tls::{
    Certificate, CertificateStatus, ClientHello, Flow, Item, Malformed, NewSessionTicket, Partial, ServerHello,
    ServerKeyExchange, client_psk_identity, name_noise, name_plaintext,
};
use crate::x509::CertificateStore;

/// Clear handshake messages that are listed; a handshake has a dozen.
pub(super) const MESSAGES_KEPT: usize = 24;
/// Clear alerts that are listed.
pub(super) const ALERTS_KEPT: usize = 8;
/// Parse failures that are listed.
const MALFORMED_KEPT: usize = 4;
/// Holes that are listed.
const HOLES_KEPT: usize = 4;
/// Bytes of a record before its first message.
const RECORD_HEADER: u64 = 5;

/// Everything seen so far; hellos and what few reports ask for are kept as bytes.
#[derive(Clone, Debug)]
pub(super) struct Books {
    certificates: Arc<CertificateStore>,
    first: Pair<First>,
    /// First bytes of both sides before an upgrade to TLS.
    first_before: Option<Box<Pair<First>>>,
    before_tls: Pair<u64>,
    preambles: Vec<Preamble>,
    /// A server that speaks HTTP, as long as it may hand out what an authority says of certificates.
    fetching: Option<Box<Fetching>>,
    fetched: Vec<Fetched>,
    hellos: Vec<Kept>,
    sslv2: Option<Kept>,
    retry: Option<Box<Spanned<Answer>>>,
    answer: Option<Box<Spanned<Answer>>>,
    server_chain: Option<Box<Spanned<Chain>>>,
    client_chain: Option<Box<Spanned<Chain>>>,
    key_exchange: Option<Box<Spanned<KeyExchangeSeen>>>,
    psk_identity: Option<Box<str>>,
    certificate_request: Option<Box<Kept>>,
    /// What the client may be going to sign; given up where it is not.
    transcript: Option<Box<Transcript>>,
    stapled: Option<Box<Spanned<Stapled>>>,
    ticket_lifetime: Option<u32>,
    messages: Vec<MessageSeen>,
    alerts: Vec<AlertSeen>,
    change_cipher_spec: Pair<Option<Box<Span>>>,
    records: Pair<RecordLog>,
    malformed: Vec<(Malformed, Span)>,
    oversized: Option<Box<(u16, Span)>>,
    lost: Pair<Option<Hidden>>,
    holes: Vec<Hole>,
    unfinished: Vec<Partial>,
}

impl Books {
    /// Empty books.
    pub(super) fn new(certificates: Arc<CertificateStore>) -> Self {
        Self {
            certificates,
            first: Pair::default(),
            first_before: None,
            before_tls: Pair::default(),
            preambles: Vec::new(),
            fetching: None,
            fetched: Vec::new(),
            hellos: Vec::new(),
            sslv2: None,
            retry: None,
            answer: None,
            server_chain: None,
            client_chain: None,
            key_exchange: None,
            psk_identity: None,
            certificate_request: None,
            transcript: None,
            stapled: None,
            ticket_lifetime: None,
            messages: Vec::new(),
            alerts: Vec::new(),
            change_cipher_spec: Pair::default(),
            records: Pair::default(),
            malformed: Vec::new(),
            oversized: None,
            lost: Pair::default(),
            holes: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// Bytes of the messages and of the statuses, stapled or fetched, that are kept.
    pub(super) fn held_bytes(&self) -> usize {
        let request = self.certificate_request.as_deref();
        let kept = self
            .hellos
            .iter()
            .chain(&self.sslv2)
            .chain(request)
            .map(|kept| kept.body.len());
        let stapled = self.stapled.iter().flat_map(|stapled| &stapled.value.responses);
        let transcript = self.transcript.as_ref().map_or(0, |transcript| transcript.held_bytes());
        let fetching = self.fetching.as_ref().map_or(0, |fetching| fetching.held_bytes());
        let fetched = self.fetched.iter().map(|fetched| fetched.body.len());
        let stapled = stapled.map(|response| response.len());
        kept.chain(stapled).chain(fetched).sum::<usize>() + transcript + fetching
    }

    /// The random of the first ClientHello (RFC 9846 §4.1.2), once that came whole.
    pub(super) fn client_random(&self) -> Option<[u8; 32]> {
        let (_version, rest) = self.hellos.first()?.body.split_first_chunk::<2>()?;
        rest.first_chunk().copied()
    }

    /// How many records of this side were hidden so far.
    pub(super) fn hidden_records(&self, side: Side) -> u64 {
        self.records[side].count
    }

    /// Notes bytes before they are read as records.
    pub(super) fn note_bytes(&mut self, bytes: &[u8], span: &Span) {
        if span.from() == Side::Server {
            self.look_for_status(bytes, span);
        }
    }

    /// Within what this side has spoken so far, something new begins at this offset.
    pub(super) fn begin_within(&mut self, side: Side, at: u64) {
        self.before_tls[side] = at;
        let before = std::mem::take(&mut self.first[side]);
        let outermost = &mut self.first_before.get_or_insert_default()[side];
        if matches!(outermost, First::Nothing) {
            *outermost = before;
        }
    }

    /// Notes what was spoken before TLS.
    pub(super) fn note_preambles(&mut self, dialogue: Dialogue) {
        for (side, at) in dialogue.silent_within() {
            self.begin_within(side, at);
        }
        self.preambles = dialogue.into_preambles().collect();
    }

    /// Reads on where a server speaks HTTP and may hand out what an authority says of certificates; most say in their first packet that
    /// they do not.
    fn look_for_status(&mut self, bytes: &[u8], span: &Span) {
        if span.at == 0 && Fetching::may_begin(bytes) {
            self.fetching = Some(Box::default());
        }
        if let Some(fetching) = &mut self.fetching
            && !fetching.take(bytes, span.mark, &mut self.fetched)
        {
            self.fetching = None;
        }
    }

    /// Notes that bytes of this side are missing, whatever they are.
    pub(super) fn note_gap(&mut self, from: Side) {
        if from == Side::Server {
            self.fetching = None;
        }
    }

    /// Names the first bytes of a side of which no record could be expected, where they are words of another protocol.
    pub(super) fn note_words(&mut self, bytes: &[u8], span: Span) {
        if span.at == 0
            && matches!(self.first[span.from()], First::Nothing)
            && let Some(spoken) = name_plaintext(bytes)
        {
            self.first[span.from()] = First::Other(Some(Box::new(spoken)), Box::new(span));
        }
    }

    /// Notes bytes that are missing where something could have been read.
    pub(super) fn note_hole(&mut self, hole: Hole) {
        self.lost[hole.from].get_or_insert(hole.why);
        if self.holes.len() < HOLES_KEPT {
            self.holes.push(hole);
        }
    }

    /// Closes the books. The ClientHello is read only where somebody asks for it: most connections are sound, and nobody does.
    pub(super) fn close(mut self, identity: Identity, tcp: TcpFacts) -> Closed {
        if let Some(fetching) = self.fetching.take() {
            fetching.finish(&mut self.fetched);
        }
        let [of_client, of_server] = [Side::Client, Side::Server].map(|side| self.hidden(side, &tcp));
        let tls13 = self
            .answer
            .as_ref()
            .is_some_and(|answer| answer.value.version.is_tls13());
        let keyed = |side: Side, otherwise| {
            let under_keys = tls13 || self.answer.is_none() && self.records[side].count > 0;
            if under_keys { Some(Hidden::Encrypted) } else { otherwise }
        };
        let (client_keyed, server_keyed) = (keyed(Side::Client, of_client), keyed(Side::Server, of_server));
        let observed = Observed {
            offer: missing(of_client),
            answer: seen_or(self.answer, of_server),
            server_chain: seen_or(self.server_chain, server_keyed),
            borrowed: None,
            client_chain: seen_or(self.client_chain, client_keyed),
            certificate_request: missing(server_keyed),
            certificate_verify: None,
            client: identity.client,
            server: identity.server,
            capture: identity.capture,
            stream: None,
            translated: Box::default(),
            client_isn: identity.client_isn,
            vlan: identity.vlan,
            encapsulations: identity.encapsulations,
            hello_time: None,
            second_offer: None,
            retry: self.retry,
            first: self.first,
            first_before: self.first_before,
            preambles: self.preambles.into(),
            before_tls: self.before_tls,
            key_exchange: self.key_exchange,
            psk_identity: self.psk_identity,
            stapled: seen_or(self.stapled, server_keyed),
            ticket_lifetime: self.ticket_lifetime,
            messages: self.messages,
            alerts: self.alerts,
            change_cipher_spec: self.change_cipher_spec,
            records: self.records,
            malformed: self.malformed,
            breaches: Box::default(),
            oversized: self.oversized,
            lost: self.lost,
            holes: self.holes.into(),
            unfinished: self.unfinished.into(),
            capture_end: None,
            tcp,
        };
        Closed {
            observed: Box::new(observed),
            hellos: self.hellos,
            sslv2: self.sslv2,
            certificate_request: self.certificate_request,
            transcript: self.transcript,
            fetched: self.fetched,
        }
    }

    /// Why something of this side may be missing, if it may.
    fn hidden(&self, side: Side, tcp: &TcpFacts) -> Option<Hidden> {
        let begins_with_the_hello = self.hellos.first().is_some_and(|hello| hello.span.at <= RECORD_HEADER);
        if tcp.one_sided() == Some(side.peer()) {
            Some(Hidden::OneSided)
        } else if let Some(lost) = self.lost[side] {
            Some(lost)
        } else if tcp.started_midway() && !begins_with_the_hello {
            Some(Hidden::Truncated)
        } else {
            None
        }
    }

    /// Writes one item of a side's record layer into the books.
    pub(super) fn take(&mut self, side: Side, item: Item<'_>) -> Flow {
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
                self.change_cipher_spec[side].get_or_insert_with(|| Box::new(span));
                return self.keys_follow(side);
            }
            Item::Opaque {
                content_type,
                length,
                span,
                ..
            } => {
                self.begin_tls(side, span);
                self.records[side].push(RecordSeen {
                    content_type,
                    len: length,
                    mark: span.mark,
                });
            }
            Item::NotTls { head, span } => {
                if matches!(self.first[side], First::Nothing) {
                    let spoken = name_plaintext(head).or_else(|| name_noise(head));
                    self.first[side] = First::Other(spoken.map(Box::new), Box::new(span));
                }
            }
            Item::Malformed { malformed, span } => self.note(malformed, span),
            Item::Oversized { length, span } => {
                self.begin_tls(side, span);
                self.oversized.get_or_insert_with(|| Box::new((length, span)));
            }
            Item::Partial(partial) => self.unfinished.push(partial),
            // Holes are noted with what the reassembler knows of them.
            Item::Lost { .. } => {}
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
        let first = &mut self.first[side];
        if !first.is_tls() {
            *first = First::Tls(span);
        }
    }

    fn handshake(&mut self, side: Side, kind: HandshakeType, body: &[u8], span: Span) {
        if self.messages.len() < MESSAGES_KEPT {
            self.messages.push(MessageSeen { kind, span });
        }
        if let Some(transcript) = &mut self.transcript
            && !transcript.add(side, kind, body)
        {
            self.transcript = None;
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
                            verification: None,
                        };
                        self.key_exchange
                            .get_or_insert_with(|| Box::new(Spanned { value, span }));
                    }
                    Err(error) => self.note(error, span),
                }
            }
            (Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE) => {
                let suite = self.answer.as_ref().map(|answer| answer.value.cipher_suite);
                let identity = suite.and_then(|suite| client_psk_identity(body, suite));
                self.psk_identity = identity.and_then(printable).map(String::into_boxed_str);
            }
            (Side::Server, HandshakeType::CERTIFICATE_REQUEST) => {
                self.certificate_request.get_or_insert_with(|| {
                    Box::new(Kept {
                        body: body.into(),
                        span,
                    })
                });
            }
            (Side::Server, HandshakeType::CERTIFICATE_STATUS) => match CertificateStatus::parse(body) {
                Ok(status) => {
                    let fits = body.len() <= Stapled::KEPT;
                    let value = Stapled {
                        responses: status.responses().filter(|_| fits).map(Box::from).collect(),
                        len: status.responses().next().map_or(0, |leaf| leaf.len() as u32),
                    };
                    self.stapled.get_or_insert_with(|| Box::new(Spanned { value, span }));
                }
                Err(error) => self.note(error, span),
            },
            (Side::Server, HandshakeType::NEW_SESSION_TICKET) => match NewSessionTicket::parse(body) {
                Ok(ticket) => {
                    self.ticket_lifetime.get_or_insert(ticket.lifetime_hint);
                }
                Err(error) => self.note(error, span),
            },
            _ => {}
        }
    }

    fn note(&mut self, error: Malformed, span: Span) {
        if self.malformed.len() < MALFORMED_KEPT {
            self.malformed.push((error, span));
        }
    }

    fn server_hello(&mut self, body: &[u8], span: Span) {
        let hello = match ServerHello::parse(body) {
            Ok(hello) => hello,
            Err(error) => return self.note(error, span),
        };
        if let Some(fault) = hello.fault() {
            self.note(fault, span);
        }
        let session = self.hellos.last().and_then(|kept| ClientHello::parse(&kept.body).ok());
        let session_id = session.as_ref().map_or(&[][..], ClientHello::session_id);
        let value = Answer::from_hello(&hello, body, session_id);
        if value.is_retry {
            self.retry = Some(Box::new(Spanned { value, span }));
        } else if self.answer.is_none() {
            if !value.version.is_tls13() {
                self.transcript = Some(Box::new(Transcript::new(body)));
            }
            self.answer = Some(Box::new(Spanned { value, span }));
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
        place.get_or_insert_with(|| Box::new(Spanned { value: chain, span }));
    }
}

/// What was seen; else absent, or not visible for this reason.
fn seen_or<T>(seen: Option<T>, hidden: Option<Hidden>) -> Seen<T> {
    seen.map_or_else(|| missing(hidden), Seen::Seen)
}

/// Not seen: absent, or not visible for this reason.
fn missing<T>(hidden: Option<Hidden>) -> Seen<T> {
    hidden.map_or(Seen::Absent, Seen::Unknown)
}
