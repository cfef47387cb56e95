//! [`Observed`]: everything that the packets say of one connection.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::connection::{Answer, Breach, CertificateRequestSeen, Offer, SentChain};
use crate::evidence::{CaptureId, Hidden, Mark, Pair, Seen, Side, Span, Time};
use crate::net::Encapsulations;
use crate::preamble::Preamble;
use crate::registry::{AlertDescription, AlertLevel, Group, HandshakeType, ProtocolVersion, SignatureScheme};
use crate::stream::TcpFacts;
use crate::tls::{ClientStack, HANDSHAKE, Malformed, Partial, Plaintext};
use crate::x509::{Interned, Verification};

/// Bytes of a record before its first message.
const RECORD_HEADER: u64 = 5;

/// An address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint {
    /// The IP address.
    pub(crate) address: IpAddr,
    /// The TCP port.
    pub(crate) port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// A value and the bytes that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands.
    pub(crate) span: Span,
}

/// What the first bytes of a side are.
#[derive(Clone, Debug, Default)]
pub(crate) enum First {
    /// The side sent no byte; or the capture begins inside the connection, and no record begins in what there is.
    #[default]
    Nothing,
    /// A TLS record, or an SSLv2-format ClientHello.
    Tls(Span),
    /// Something else; named where the bytes are known.
    Other(Option<Box<Plaintext>>, Box<Span>),
}

impl First {
    /// True where the side began with TLS.
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// A handshake message that was readable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageSeen {
    /// Which message.
    pub(crate) kind: HandshakeType,
    /// Where it stands; its length is that of the body and its header of 4 bytes.
    pub(crate) span: Span,
}

/// One alert that was sent in the clear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlertSeen {
    /// `warning` or `fatal`; without meaning in TLS 1.3 (RFC 9846 §6).
    pub(crate) level: AlertLevel,
    /// The description.
    pub(crate) description: AlertDescription,
    /// The version field of its record: some stacks write what they have settled on by then.
    pub(crate) record_version: ProtocolVersion,
    /// Where it stands.
    pub(crate) span: Span,
}

/// One record whose content is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordSeen {
    /// The outer content type.
    pub(crate) content_type: u8,
    /// The record's length field, in bytes.
    pub(crate) len: u16,
    /// The packet that completed it.
    pub(crate) mark: Mark,
}

/// The hidden records of one side: the first ones in full, the last of all, then counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordLog {
    /// The first [`RecordLog::KEPT`] and, where there are more, the last.
    kept: Vec<RecordSeen>,
    /// How many records there were.
    pub(crate) count: u64,
}

impl RecordLog {
    /// How many records are kept singly: a handshake needs fewer.
    pub(crate) const KEPT: usize = 16;

    /// Notes one more record.
    pub(crate) fn push(&mut self, record: RecordSeen) {
        match self.kept.get_mut(Self::KEPT) {
            Some(last) => *last = record,
            None => self.kept.push(record),
        }
        self.count += 1;
    }

    /// The first [`RecordLog::KEPT`] records.
    pub(crate) fn first(&self) -> &[RecordSeen] {
        self.kept.get(..Self::KEPT).unwrap_or(&self.kept)
    }

    /// The last record of all.
    pub(crate) fn last(&self) -> Option<RecordSeen> {
        self.kept.last().copied()
    }

    /// The first records, and the last of all.
    pub(crate) fn kept(&self) -> &[RecordSeen] {
        &self.kept
    }

    /// Gives back room that no record takes.
    pub(super) fn shrink_to_fit(&mut self) {
        self.kept.shrink_to_fit();
    }
}

/// Bytes that the capture lacks where something could have been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hole {
    /// Whose bytes.
    pub(crate) from: Side,
    /// Offset of the first one in the stream of its side.
    pub(crate) at: u64,
    /// How many.
    pub(crate) len: u64,
    /// The type of the record they were in, where that is known.
    pub(crate) content_type: Option<u8>,
    /// The handshake message they were in, where that is known.
    pub(crate) message: Option<HandshakeType>,
    /// Why they are missing.
    pub(crate) why: Hidden,
    /// The packet that shows it.
    pub(crate) mark: Mark,
}

/// A certificate chain as it was sent, leaf first.
pub(crate) type Chain = Vec<Arc<Interned>>;

/// What a ServerKeyExchange of TLS ≤ 1.2 says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyExchangeSeen {
    /// The named curve, for ECDHE.
    pub(crate) group: Option<Group>,
    /// Size of the Diffie-Hellman prime in bits, for DHE.
    pub(crate) dh_bits: Option<u32>,
    /// The scheme of its signature (TLS 1.2).
    pub(crate) scheme: Option<SignatureScheme>,
    /// Whether the key of the server's leaf made its signature; looked at only where the client left before it said anything of its own.
    pub(crate) verification: Option<Verification>,
}

/// A client's CertificateVerify of TLS ≤ 1.2, held against all that it signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateVerifySeen {
    /// With what it is signed (TLS 1.2).
    pub(crate) scheme: Option<SignatureScheme>,
    /// Whether the key of the client's certificate made the signature.
    pub(crate) verification: Verification,
}

/// The packets of a connection under other addresses than its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Who called.
    pub(crate) client: Endpoint,
    /// Who was called.
    pub(crate) server: Endpoint,
    /// Wireshark's number of the stream.
    pub(crate) stream: Option<u32>,
    /// The first packet.
    pub(crate) first: Mark,
    /// The last packet.
    pub(crate) last: Mark,
}

impl Stretch {
    /// All packets of a connection that was followed by itself.
    pub(crate) fn of(seen: &Observed) -> Self {
        Self {
            client: seen.client,
            server: seen.server,
            stream: seen.stream,
            first: seen.opening(),
            last: seen.closing(),
        }
    }
}

/// What a server staples in a clear CertificateStatus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stapled {
    /// OCSP responses in DER, the leaf's first, then its issuers'; an empty one where the server had none. None at all where they are
    /// longer than [`Stapled::KEPT`].
    pub(crate) responses: Vec<Box<[u8]>>,
    /// Bytes of the leaf's response.
    pub(crate) len: u32,
}

impl Stapled {
    /// Bytes of responses that are kept for one connection: one has 500 to 5,000.
    pub(crate) const KEPT: usize = 64 * 1024;
}

/// Everything seen of one connection. Facts only. Every failed connection of the input keeps one until the report is written, so what many
/// do not have lies behind a box.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// Who called; the other end where that begins TLS, as on data connections that an FTP server opens.
    pub(crate) client: Endpoint,
    /// Who was called.
    pub(crate) server: Endpoint,
    /// The capture that holds it.
    pub(crate) capture: CaptureId,
    /// Wireshark's `tcp.stream` in that capture; `None` past the cap on numbered conversations.
    pub(crate) stream: Option<u32>,
    /// The same packets behind translations of their addresses, in the order of the capture; empty for nearly all.
    pub(crate) translated: Box<[Stretch]>,
    /// Sequence number of the caller's SYN, or of its first segment.
    pub(crate) client_isn: u32,
    /// Innermost VLAN id of the first packet; 0 where there was no tag.
    pub(crate) vlan: u16,
    /// What the first packet was wrapped in, VLAN tags apart.
    pub(crate) encapsulations: Encapsulations,
    /// What happened at the TCP layer.
    pub(crate) tcp: TcpFacts,
    /// The first bytes of client and server.
    pub(crate) first: Pair<First>,
    /// The first bytes of client and server where something began within what they spoke; `first` is then what that began with.
    pub(crate) first_before: Option<Box<Pair<First>>>,
    /// What was said before TLS, or to get there, from the outside in.
    pub(crate) preambles: Box<[Preamble]>,
    /// Bytes of each side before what lies within all preambles.
    pub(crate) before_tls: Pair<u64>,
    /// The first ClientHello.
    pub(crate) offer: Seen<Spanned<Arc<Offer>>>,
    /// The first four bytes of the first ClientHello's random, which some clients fill with the seconds since 1970 (RFC 5246 §7.4.1.2).
    pub(crate) hello_time: Option<u32>,
    /// The ClientHello that answers a HelloRetryRequest.
    pub(crate) second_offer: Option<Box<Spanned<Arc<Offer>>>>,
    /// HelloRetryRequest (RFC 9846 §4.1.4).
    pub(crate) retry: Option<Box<Spanned<Answer>>>,
    /// ServerHello.
    pub(crate) answer: Seen<Box<Spanned<Answer>>>,
    /// The server's certificates.
    pub(crate) server_chain: Seen<Box<Spanned<Chain>>>,
    /// What the server sent to another connection that asked it for the same name, where TLS 1.3 hides what it sent to this one.
    pub(crate) borrowed: Option<Arc<SentChain>>,
    /// The client's certificates; seen and empty where it sent an empty list.
    pub(crate) client_chain: Seen<Box<Spanned<Chain>>>,
    /// ServerKeyExchange.
    pub(crate) key_exchange: Option<Box<Spanned<KeyExchangeSeen>>>,
    /// The identity of the shared key in the client's ClientKeyExchange (TLS ≤ 1.2), where it is text.
    pub(crate) psk_identity: Option<Box<str>>,
    /// CertificateRequest.
    pub(crate) certificate_request: Seen<Box<Spanned<Arc<CertificateRequestSeen>>>>,
    /// The client's CertificateVerify; looked at only where the server may have refused it, and where all that it signs was captured.
    pub(crate) certificate_verify: Option<CertificateVerifySeen>,
    /// The server's CertificateStatus (TLS ≤ 1.2); TLS 1.3 hides it among the certificates.
    pub(crate) stapled: Seen<Box<Spanned<Stapled>>>,
    /// Lifetime in seconds that the server's NewSessionTicket names (TLS ≤ 1.2); 0 where it leaves it open.
    pub(crate) ticket_lifetime: Option<u32>,
    /// Every clear handshake message, in order of completion.
    pub(crate) messages: Vec<MessageSeen>,
    /// Clear alerts in order of capture.
    pub(crate) alerts: Vec<AlertSeen>,
    /// ChangeCipherSpec of client and server.
    pub(crate) change_cipher_spec: Pair<Option<Box<Span>>>,
    /// Hidden records of client and server.
    pub(crate) records: Pair<RecordLog>,
    /// What could not be parsed, by side.
    pub(crate) malformed: Vec<(Malformed, Span)>,
    /// What could, and is forbidden even so.
    pub(crate) breaches: Box<[Breach]>,
    /// The length field of the first record that is longer than any version allows.
    pub(crate) oversized: Option<Box<(u16, Span)>>,
    /// Why the TLS of a side could not be followed to its end.
    pub(crate) lost: Pair<Option<Hidden>>,
    /// The first holes where something could have been read.
    pub(crate) holes: Box<[Hole]>,
    /// Records and messages that began and whose end is not in the capture; at most one of each side.
    pub(crate) unfinished: Box<[Partial]>,
    /// The last packet's time of the whole capture: how long silence was watched.
    pub(crate) capture_end: Option<Time>,
}

// The next larger block of the allocator has 1,280 bytes.
const _: () = assert!(size_of::<Observed>() <= 1024);

impl Observed {
    /// Time of the certificate message, else of the first packet: the moment at which certificates are judged.
    pub(crate) fn certificate_time(&self) -> Option<Time> {
        let of = |chain: &Seen<Box<Spanned<Chain>>>| chain.as_ref().seen().and_then(|chain| chain.span.mark.time);
        of(&self.server_chain)
            .or_else(|| of(&self.client_chain))
            .or_else(|| self.opening().time)
    }

    /// The name that the client asked for.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.offer.as_ref().seen()?.value.server_name.as_deref()
    }

    /// The server's leaf, where it was seen and could be parsed.
    pub(crate) fn leaf(&self) -> Option<&crate::x509::Certificate> {
        self.shown_server_chain()?.first()?.readable().map(|leaf| &**leaf)
    }

    /// The server's certificates: its own, or those that it sent to others where they are borrowed.
    pub(crate) fn shown_server_chain(&self) -> Option<&Chain> {
        match &self.server_chain {
            Seen::Seen(chain) => Some(&chain.value),
            _ => self.borrowed.as_ref().map(|sent| &sent.chain),
        }
    }

    /// The certificates among which a path is looked for. The second one of TLCP is for the server's other key, which encrypts, and issued
    /// nothing (GB/T 38636).
    pub(crate) fn listed_server_chain(&self) -> Option<Cow<'_, [Arc<Interned>]>> {
        let chain = self.shown_server_chain()?;
        Some(match chain.as_slice() {
            [signs, _, above @ ..] if self.is_tlcp() => Cow::Owned([std::slice::from_ref(signs), above].concat()),
            all => Cow::Borrowed(all),
        })
    }

    /// A certificate by its place among those.
    pub(crate) fn listed_certificate(&self, place: usize) -> Option<&crate::x509::Certificate> {
        let place = if self.is_tlcp() && place > 0 { place + 1 } else { place };
        self.shown_server_chain()?.get(place)?.readable().map(|one| &**one)
    }

    fn is_tlcp(&self) -> bool {
        let answer = self.answer.as_ref().seen();
        answer.is_some_and(|answer| answer.value.version == ProtocolVersion::TLCP)
    }

    /// True where a TLS byte of either side was recognised.
    pub(crate) fn spoke_tls(&self) -> bool {
        // Of a message that was cut, its beginning tells.
        let began_a_message = || self.holes.iter().any(|hole| hole.message.is_some());
        self.first.iter().any(First::is_tls) || self.offer.is_seen() || self.answer.is_seen() || began_a_message()
    }

    /// The ClientHello that the client began and never ended; `None` too where what began may be another message.
    pub(crate) fn begun_hello(&self) -> Option<&Partial> {
        let begins_tls = |part: &&Partial| {
            let from = part.span.from() == Side::Client
                && part.span.at <= self.before_tls[Side::Client].saturating_add(RECORD_HEADER);
            let is_hello = part
                .message
                .is_some_and(|(kind, _, _)| kind == HandshakeType::CLIENT_HELLO);
            from && is_hello && part.content_type == HANDSHAKE && part.length.is_some()
        };
        let is_first = !self.offer.is_seen() && matches!(self.first[Side::Client], First::Nothing);
        self.unfinished.iter().find(begins_tls).filter(|_| is_first)
    }

    /// True where the client asked for TLS within another protocol, or for the way to a server of TLS, or left because there was none.
    pub(crate) fn asked_for_tls(&self) -> bool {
        self.preambles.iter().any(Preamble::asks_for_tls)
    }

    /// True where words before TLS, or instead of it, are worth a warning: secrets in the clear, or what may be taken for words of the session.
    pub(crate) fn is_careless_before_tls(&self) -> bool {
        self.preambles.iter().any(Preamble::is_careless)
    }

    /// True where the negotiated version is TLS 1.3 or later.
    pub(crate) fn is_tls13(&self) -> bool {
        self.answer
            .as_ref()
            .seen()
            .is_some_and(|answer| answer.value.version.is_tls13())
    }

    /// The first clear message of this kind by this side.
    pub(crate) fn message(&self, from: Side, kind: HandshakeType) -> Option<&MessageSeen> {
        self.messages
            .iter()
            .find(|message| message.kind == kind && message.span.from() == from)
    }

    /// True where neither side sent a byte of payload.
    pub(crate) fn is_silent(&self) -> bool {
        !self.tcp.sides.iter().any(|side| side.sent_payload())
    }

    /// True where a side sent nothing but what was spoken before TLS.
    pub(crate) fn is_silent_within(&self, side: Side) -> bool {
        self.tcp.side(side).payload_bytes <= self.before_tls[side]
    }

    /// The connection's first packet.
    pub(crate) fn opening(&self) -> Mark {
        self.tcp.first_packet().unwrap_or_else(|| self.nowhere())
    }

    /// The connection's last packet.
    pub(crate) fn closing(&self) -> Mark {
        self.tcp.last_packet().unwrap_or_else(|| self.nowhere())
    }

    /// The mark of a connection without packets. None is ever made, but the type cannot say so.
    const fn nowhere(&self) -> Mark {
        Mark {
            capture: self.capture,
            frame: 1,
            time: None,
            from: Side::Client,
        }
    }

    /// The server's first bytes as text, where they are no TLS.
    pub(crate) fn plain_answer(&self) -> Option<&str> {
        match &self.first[Side::Server] {
            First::Other(Some(plaintext), _) => Some(&plaintext.quote),
            _ => None,
        }
    }

    /// The time that the server's HTTP answer names, and the packet.
    pub(crate) fn http_date(&self) -> Option<(Time, Mark)> {
        match &self.first[Side::Server] {
            First::Other(Some(plaintext), span) => Some((plaintext.date?, span.mark)),
            _ => None,
        }
    }

    /// The protocol that the connection speaks where it is not TLS, as far as it was recognised.
    pub(crate) fn plain_protocol(&self) -> Option<&'static str> {
        self.first.iter().find_map(|first| match first {
            First::Other(Some(plaintext), _) => Some(plaintext.protocol),
            _ => None,
        })
    }

    /// True where an earlier session was taken up: no certificate was to be sent.
    pub(crate) fn resumed(&self) -> bool {
        let Some(answer) = self.answer.as_ref().seen() else {
            return false;
        };
        answer.value.psk || answer.value.echoes_session && !self.server_chain.is_seen() && !self.is_tls13()
    }

    /// True where the handshake was completed and both sides then sent data: nothing is left to explain.
    pub(crate) fn is_plainly_sound(&self) -> bool {
        self.completed()
            && self.client_sent_data()
            && self.fatal_alert().is_none()
            && self.refused_renegotiation().is_none()
    }

    /// True where a hello of this shape that leaves in silence is known to refuse the certificate so: programs on GnuTLS reset right after
    /// the server's flight, Node.js closes.
    pub(crate) fn leaves_like_a_refusal(&self) -> bool {
        let stack = self.offer.as_ref().seen().map(|offer| offer.value.stack);
        stack == Some(ClientStack::GnuTls)
    }

    /// True for a hello of those that judge all of a certificate after the handshake: programs on GnuTLS, Node.js, which has its own order of
    /// suites, and before TLS 1.3 NSS.
    pub(crate) fn judges_after_the_handshake(&self) -> bool {
        /// The first of Node.js 20 to 26 beside those of TLS 1.3.
        const OF_NODE: [u16; 6] = [0xc02f, 0xc02b, 0xc030, 0xc02c, 0x009e, 0xc027];
        let Some(offer) = self.offer.as_ref().seen().map(|offer| &offer.value) else {
            return false;
        };
        match offer.stack {
            ClientStack::GnuTls => true,
            ClientStack::Nss => !self.is_tls13(),
            ClientStack::OpenSsl => {
                let suites = offer.cipher_suites.iter().map(|suite| suite.0);
                let older = suites.filter(|suite| suite >> 8 != 0x13);
                older.take(OF_NODE.len()).eq(OF_NODE)
            }
            _ => false,
        }
    }
}
