//! What is missing: holes in a stream, a beginning before the capture, an end within a record.

use super::{
    Flow, HANDSHAKE, HandshakeType, Item, Kind, MESSAGE_HEADER_LEN, RecordReader, State, message_length, with_header,
};
use crate::tls::Partial;
use crate::tls::header::may_be_header;

impl RecordReader {
    /// The next byte may stand anywhere: the connection began before the capture.
    pub(crate) fn desync(&mut self) {
        if self.state != State::NotTls {
            self.lose_place();
        }
    }

    fn lose_place(&mut self) {
        self.state = State::Lost;
        self.started = true;
        self.doubt = true;
        self.header_len = 0;
        self.buffer.clear();
        self.skip = 0;
    }

    /// Bytes of the stream that the capture lacks.
    pub(crate) fn gap(&mut self, len: u64, out: &mut impl FnMut(Item<'_>) -> Flow) {
        let at = self.at;
        self.at = self.at.saturating_add(len);
        let (State::Header | State::Body(_), 1..) = (self.state, len) else {
            return;
        };
        let message = self.buffer.first().map(|&kind| HandshakeType(kind));
        let mut lost = Item::Lost {
            at,
            len,
            content_type: None,
            message,
        };
        let State::Body(mut body) = self.state else {
            self.emit(lost, out);
            self.lose_place();
            return;
        };
        if let Item::Lost {
            content_type, message, ..
        } = &mut lost
        {
            *content_type = Some(body.content_type);
            *message = message.filter(|_| body.kind == Kind::Handshake);
        }
        let inside = u16::try_from(len).ok().and_then(|len| body.left.checked_sub(len));
        match (body.kind, inside) {
            (Kind::Opaque | Kind::Silent, Some(_)) => {}
            (Kind::Handshake, Some(_)) => {
                self.emit(lost, out);
                if !self.lose_message(len) {
                    body.kind = Kind::Silent;
                }
            }
            (Kind::Alert | Kind::ChangeCipherSpec | Kind::Sslv2, Some(_)) => {
                self.emit(lost, out);
                self.buffer.clear();
                body.kind = Kind::Silent;
            }
            (kind, None) => {
                // That a record was there, and how long, is known from its header even where its end is lost.
                if let (Kind::Opaque, Some(mark)) = (kind, self.last) {
                    self.complete(body, mark, out);
                }
                self.emit(lost, out);
                self.lose_place();
                return;
            }
        }
        body.left = inside.unwrap_or_default();
        self.state = State::Body(body);
        if let (0, Some(mark)) = (body.left, self.last) {
            self.complete(body, mark, out);
        }
    }

    /// Loses bytes of handshake messages within one record. Answers whether it is still known where the next message begins.
    fn lose_message(&mut self, len: u64) -> bool {
        let missing = match message_length(&self.buffer) {
            Some(length) => u64::from(with_header(length)).saturating_sub(self.buffer.len() as u64),
            None => u64::from(self.skip),
        };
        self.buffer.clear();
        let known = missing.checked_sub(len);
        self.skip = known.and_then(|left| u32::try_from(left).ok()).unwrap_or_default();
        self.doubt |= known.is_none();
        known.is_some()
    }

    /// The stream ends here. Tells what is incomplete.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(Item<'_>) -> Flow) {
        let Some(mark) = self.last else { return };
        let state = std::mem::replace(&mut self.state, State::NotTls);
        let message = message_length(&self.buffer).and_then(|length| {
            let have = (self.buffer.len() as u32).saturating_sub(MESSAGE_HEADER_LEN as u32);
            Some((HandshakeType(*self.buffer.first()?), length, have))
        });
        let in_message = !self.buffer.is_empty();
        let (content_type, length, have, start) = match state {
            State::NotTls | State::Lost => return,
            State::Header if self.header_len > 0 => {
                let header = self.header;
                let begun = header.get(..self.header_len).unwrap_or_default();
                // An SSL 2.0 record may begin so too, but five bytes decide that and they are not here.
                let sslv2 = !self.started && begun.first().is_some_and(|byte| byte & 0x80 != 0);
                if !may_be_header(begun) && !sslv2 {
                    self.not_tls(begun, mark, out);
                    return;
                }
                (begun.first().copied().unwrap_or_default(), None, 0, self.record_start)
            }
            State::Header if in_message => (HANDSHAKE, None, 0, self.message_start),
            State::Header => return,
            State::Body(body) => {
                let start = match body.kind {
                    Kind::Handshake if in_message => self.message_start,
                    _ => self.record_start,
                };
                let have = body.length.saturating_sub(body.left);
                (body.content_type, Some(body.length), have, start)
            }
        };
        let partial = Partial {
            content_type,
            length,
            have,
            message: message.filter(|_| content_type == HANDSHAKE),
            span: start.span(self.at, mark),
        };
        self.emit(Item::Partial(partial), out);
    }
}
