//! One side's stream → records → messages, fed in pieces of any size.
//!
//! Records are split across segments, handshake messages across records, and several messages share a record (RFC 9846 §5.1). Whole messages
//! are handed out where they lie; only what is incomplete is copied, and what is encrypted is counted, not kept. Memory for one side is
//! bounded by one message of [`MESSAGE_MAX`] bytes.
//!
//! The reader does not know when a side begins to encrypt: whoever takes the items does, and answers [`Flow::Protect`]. Bytes that the capture
//! lacks are told with [`RecordReader::gap`]. Inside a record whose contents do not matter that changes nothing; elsewhere the reader says
//! what was lost and goes on at the next piece that begins with a record.

mod loss;
mod state;

use self::state::{Body, Kind, Start, State};
use super::header::{
    ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER_LEN, Header, LENGTH_MAX, looks_like_tls_record, sslv2_length,
};
use super::item::{Flow, Item};
use super::{Malformed, Reason};
use crate::evidence::{Mark, Span};
use crate::registry::{AlertDescription, AlertLevel, HandshakeType, ProtocolVersion};

/// The longest handshake message that is put together, in bytes. The longest seen in practice are lists of authorities and post-quantum
/// chains, far below.
const MESSAGE_MAX: u32 = 256 * 1024;
/// Bytes of a handshake message's header: type and length.
const MESSAGE_HEADER_LEN: usize = 4;
/// The least contents of an encrypted record: a MAC or a tag, and something. Shorter alerts are broken rather than encrypted.
const ENCRYPTED_MIN: u16 = 16;
/// Bytes of foreign speech that are handed out: of an HTTP answer the first header fields and, behind them, words of its page.
const HEAD_MAX: usize = 4096;

/// Reads the records of one side of a connection.
#[derive(Clone, Debug)]
pub(crate) struct RecordReader {
    state: State,
    /// The next records are encrypted.
    protected: bool,
    /// Something was fed: SSL 2.0 is possible only before.
    started: bool,
    /// Bytes were lost, and no whole message has been seen since: a record may begin within a message, or be encrypted.
    doubt: bool,
    /// Offset in the stream of the next byte.
    at: u64,
    /// The packet of the last piece.
    last: Option<Mark>,
    header: [u8; HEADER_LEN],
    header_len: usize,
    record_start: Start,
    message_start: Start,
    /// The incomplete handshake message with its header, or an SSL 2.0 record.
    buffer: Vec<u8>,
    /// Bytes of a handshake message that are passed over.
    skip: u32,
    /// The contents of an alert or ChangeCipherSpec record.
    small: [u8; 4],
}

impl Default for RecordReader {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordReader {
    /// A reader before the first byte of a stream.
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Header,
            protected: false,
            started: false,
            doubt: false,
            at: 0,
            last: None,
            header: [0; HEADER_LEN],
            header_len: 0,
            record_start: Start { at: 0, frame: 0 },
            message_start: Start { at: 0, frame: 0 },
            buffer: Vec::new(),
            skip: 0,
            small: [0; 4],
        }
    }

    /// Bytes that wait for the rest of their message.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Takes the next bytes of the stream. `span.at` is the place of the first one, `span.mark` the packet that brought them.
    pub(crate) fn feed(&mut self, bytes: &[u8], span: Span, out: &mut impl FnMut(Item<'_>) -> Flow) {
        self.at = span.at;
        self.last = Some(span.mark);
        if self.state == State::Lost && looks_like_tls_record(bytes) {
            self.state = State::Header;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Header => self.take_header(rest, span, out),
                State::Body(body) => self.take_body(body, rest, span, out),
                State::NotTls | State::Lost => &[],
            };
        }
        self.at = span.at.saturating_add(bytes.len() as u64);
    }

    fn take_header<'b>(&mut self, bytes: &'b [u8], span: Span, out: &mut impl FnMut(Item<'_>) -> Flow) -> &'b [u8] {
        if self.header_len == 0 {
            self.record_start = Start {
                at: self.at,
                frame: span.first_frame,
            };
        }
        let (taken, rest) = split(bytes, HEADER_LEN.saturating_sub(self.header_len));
        for (place, byte) in self.header.iter_mut().skip(self.header_len).zip(taken) {
            *place = *byte;
        }
        self.header_len = self.header_len.saturating_add(taken.len());
        self.at = self.at.saturating_add(taken.len() as u64);
        if self.header_len < HEADER_LEN {
            return rest;
        }
        self.header_len = 0;
        let first = !std::mem::replace(&mut self.started, true);
        if let Some(header) = Header::parse(self.header) {
            self.begin(header, span, out);
        } else if first && let Some(length) = sslv2_length(self.header) {
            // Three of the five bytes are contents already: the header of such a record has two.
            self.buffer.clear();
            self.buffer.extend(self.header.iter().skip(2));
            self.state = State::Body(Body {
                content_type: 0,
                version: ProtocolVersion::SSL2,
                length,
                left: length.saturating_sub(3),
                kind: Kind::Sslv2,
            });
        } else {
            let mut head = self.header.to_vec();
            head.extend(rest.iter().take(HEAD_MAX - HEADER_LEN));
            self.not_tls(&head, span.mark, out);
        }
        rest
    }

    fn not_tls(&mut self, head: &[u8], mark: Mark, out: &mut impl FnMut(Item<'_>) -> Flow) {
        let end = self.record_start.at.saturating_add(head.len() as u64);
        let span = self.record_start.span(end, mark);
        self.state = State::NotTls;
        self.emit(Item::NotTls { head, span }, out);
    }

    /// Decides what the record that begins here is good for.
    fn begin(&mut self, header: Header, span: Span, out: &mut impl FnMut(Item<'_>) -> Flow) {
        let Header {
            content_type, length, ..
        } = header;
        let span = self.record_start.span(self.at, span.mark);
        let mut malformed = None;
        let kind = if length > LENGTH_MAX {
            self.emit(Item::Oversized { length, span }, out);
            Kind::Silent
        } else if self.protected {
            Kind::Opaque
        } else {
            match (content_type, length) {
                (HANDSHAKE, _) => Kind::Handshake,
                (ALERT, 2 | 4) => Kind::Alert,
                (CHANGE_CIPHER_SPEC, 1) => Kind::ChangeCipherSpec,
                (ALERT | CHANGE_CIPHER_SPEC, ..ENCRYPTED_MIN) => {
                    malformed = Some(Malformed {
                        what: if content_type == ALERT {
                            "alert"
                        } else {
                            "change_cipher_spec"
                        },
                        at: 0,
                        why: Reason::Value {
                            found: u32::from(length),
                        },
                    });
                    Kind::Silent
                }
                _ => Kind::Opaque,
            }
        };
        // Nothing may come between the pieces of a message (RFC 9846 §5.1); an alert that ends the connection does.
        if !matches!(kind, Kind::Handshake | Kind::Alert) {
            malformed = self.unfinished().filter(|_| !self.doubt).or(malformed);
            self.buffer.clear();
            self.skip = 0;
        }
        if let Some(malformed) = malformed {
            self.emit(Item::Malformed { malformed, span }, out);
        }
        let body = Body {
            content_type,
            version: header.version,
            length,
            left: length,
            kind,
        };
        if length == 0 {
            self.complete(body, span.mark, out);
        } else {
            self.state = State::Body(body);
        }
    }

    /// What is missing of the handshake message in the buffer.
    fn unfinished(&self) -> Option<Malformed> {
        let have = self.buffer.len() as u32;
        (have > 0).then(|| Malformed {
            what: "handshake message",
            at: 0,
            why: Reason::Short {
                need: message_length(&self.buffer).map_or(MESSAGE_HEADER_LEN as u32, with_header),
                have,
            },
        })
    }

    fn take_body<'b>(
        &mut self,
        mut body: Body,
        bytes: &'b [u8],
        span: Span,
        out: &mut impl FnMut(Item<'_>) -> Flow,
    ) -> &'b [u8] {
        let (taken, rest) = split(bytes, usize::from(body.left));
        let offset = usize::from(body.length.saturating_sub(body.left));
        if body.kind == Kind::Handshake {
            body.kind = self.take_handshake(taken, span, out);
        }
        match body.kind {
            Kind::Alert | Kind::ChangeCipherSpec => {
                for (place, byte) in self.small.iter_mut().skip(offset).zip(taken) {
                    *place = *byte;
                }
            }
            Kind::Sslv2 => self.buffer.extend_from_slice(taken),
            Kind::Opaque | Kind::Handshake | Kind::Silent => {}
        }
        // `taken` is never longer than `left`, a u16.
        body.left = body.left.saturating_sub(taken.len() as u16);
        self.at = self.at.saturating_add(taken.len() as u64);
        self.state = State::Body(body);
        if body.left == 0 {
            self.complete(body, span.mark, out);
        }
        rest
    }

    /// Takes a piece of a handshake record. Answers what to do with the rest of the record.
    fn take_handshake(&mut self, mut bytes: &[u8], span: Span, out: &mut impl FnMut(Item<'_>) -> Flow) -> Kind {
        let mut at = self.at;
        let contents = self.record_start.at.saturating_add(HEADER_LEN as u64);
        loop {
            if self.skip > 0 {
                let (passed, rest) = split(bytes, self.skip as usize);
                self.skip = self.skip.saturating_sub(passed.len() as u32);
                at = at.saturating_add(passed.len() as u64);
                bytes = rest;
            }
            let Some(&first) = bytes.first() else {
                return Kind::Handshake;
            };
            if self.buffer.is_empty() {
                self.message_start = Start {
                    at,
                    frame: span.first_frame,
                };
                if HandshakeType(first).name().is_none() {
                    return self.no_message(at == contents, u32::from(first), span.mark, out);
                }
            }
            // The common case: the whole message is here.
            if self.buffer.is_empty()
                && let Some(length) = message_length(bytes)
                && let Some((message, rest)) = bytes.split_at_checked(with_header(length) as usize)
            {
                at = at.saturating_add(message.len() as u64);
                self.emit_message(message, at, span.mark, out);
                bytes = rest;
                continue;
            }
            let target = message_length(&self.buffer).map_or(MESSAGE_HEADER_LEN, |length| with_header(length) as usize);
            let (taken, rest) = split(bytes, target.saturating_sub(self.buffer.len()));
            self.buffer.extend_from_slice(taken);
            at = at.saturating_add(taken.len() as u64);
            bytes = rest;
            let Some(length) = message_length(&self.buffer) else {
                continue;
            };
            if self.buffer.len() == MESSAGE_HEADER_LEN && (length > MESSAGE_MAX || self.doubt && length > 0xffff) {
                if self.doubt && self.message_start.at == contents {
                    self.buffer.clear();
                    return Kind::Opaque;
                }
                let malformed = Malformed {
                    what: "handshake message",
                    at: 1,
                    why: Reason::TooLong { max: MESSAGE_MAX },
                };
                let span = self.message_start.span(at, span.mark);
                self.emit(Item::Malformed { malformed, span }, out);
                self.buffer.clear();
                self.skip = length;
            } else if self.buffer.len() == with_header(length) as usize {
                let message = std::mem::take(&mut self.buffer);
                self.emit_message(&message, at, span.mark, out);
            }
        }
    }

    /// A byte that begins no handshake message: at the start of a record the mark of an encrypted one, elsewhere a fault.
    fn no_message(&mut self, at_start: bool, found: u32, mark: Mark, out: &mut impl FnMut(Item<'_>) -> Flow) -> Kind {
        if at_start {
            return Kind::Opaque;
        }
        if !self.doubt {
            let malformed = Malformed {
                what: "msg_type",
                at: 0,
                why: Reason::Value { found },
            };
            let span = self.message_start.span(self.message_start.at.saturating_add(1), mark);
            self.emit(Item::Malformed { malformed, span }, out);
        }
        Kind::Silent
    }

    fn emit_message(&mut self, message: &[u8], end: u64, mark: Mark, out: &mut impl FnMut(Item<'_>) -> Flow) {
        let Some((&[kind, ..], body)) = message.split_first_chunk::<MESSAGE_HEADER_LEN>() else {
            return;
        };
        self.doubt = false;
        let item = Item::Handshake {
            kind: HandshakeType(kind),
            body,
            span: self.message_start.span(end, mark),
        };
        self.emit(item, out);
    }

    /// Hands out a record whose last byte was reached.
    fn complete(&mut self, body: Body, mark: Mark, out: &mut impl FnMut(Item<'_>) -> Flow) {
        self.state = State::Header;
        let span = self.record_start.span(self.at, mark);
        match body.kind {
            Kind::Handshake | Kind::Silent => {}
            Kind::Alert => {
                for alert in self.small.chunks_exact(2).take(usize::from(body.length / 2)) {
                    let &[level, description] = alert else { continue };
                    let item = Item::Alert {
                        level: AlertLevel(level),
                        description: AlertDescription(description),
                        record_version: body.version,
                        span,
                    };
                    if out(item) == Flow::Protect {
                        self.protected = true;
                    }
                }
            }
            Kind::ChangeCipherSpec => {
                let [value, ..] = self.small;
                if value == 1 {
                    self.emit(Item::ChangeCipherSpec { span }, out);
                } else {
                    let malformed = Malformed {
                        what: "change_cipher_spec",
                        at: 0,
                        why: Reason::Value {
                            found: u32::from(value),
                        },
                    };
                    self.emit(Item::Malformed { malformed, span }, out);
                }
            }
            Kind::Opaque => {
                let item = Item::Opaque {
                    content_type: body.content_type,
                    length: body.length,
                    span,
                };
                self.emit(item, out);
            }
            Kind::Sslv2 => {
                let kept = std::mem::take(&mut self.buffer);
                self.emit(Item::Sslv2ClientHello { body: &kept, span }, out);
            }
        }
    }

    fn emit(&mut self, item: Item<'_>, out: &mut impl FnMut(Item<'_>) -> Flow) {
        if out(item) == Flow::Protect {
            self.protected = true;
        }
    }
}

/// The first `count` bytes, or as many as there are, and the rest.
fn split(bytes: &[u8], count: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(count).unwrap_or((bytes, &[]))
}

/// The length of a handshake message's body, where its header is whole.
fn message_length(message: &[u8]) -> Option<u32> {
    let &[_, high, middle, low] = message.first_chunk()?;
    Some(u32::from_be_bytes([0, high, middle, low]))
}

/// The length of a handshake message with its header. A body's length has 24 bits: no overflow.
const fn with_header(length: u32) -> u32 {
    length.saturating_add(MESSAGE_HEADER_LEN as u32)
}

#[cfg(test)]
mod tests;
