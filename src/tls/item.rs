//! What a side's stream holds, piece by piece: the vocabulary of [`RecordReader`](super::RecordReader).

use super::Malformed;
use crate::evidence::Span;
use crate::registry::{AlertDescription, AlertLevel, HandshakeType, ProtocolVersion};

/// One thing that was read from a stream. A span covers the message for handshake messages, else the record with its header; its mark is the
/// packet that completed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A whole handshake message in the clear.
    Handshake {
        /// Its type.
        kind: HandshakeType,
        /// Its body, without the four bytes of header.
        body: &'a [u8],
        /// Where it stands.
        span: Span,
    },
    /// An alert in the clear. A record may hold two.
    Alert {
        /// How severe the sender calls it.
        level: AlertLevel,
        /// What it is about.
        description: AlertDescription,
        /// The version field of its record.
        record_version: ProtocolVersion,
        /// The record.
        span: Span,
    },
    /// A ChangeCipherSpec record in the clear.
    ChangeCipherSpec {
        /// The record.
        span: Span,
    },
    /// A record whose contents cannot be read: application data, or anything after [`Flow::Protect`].
    ///
    /// Also a record in the clear that cannot be what its type says because its contents are encrypted, which happens where the
    /// ChangeCipherSpec before it is not in the capture.
    Opaque {
        /// The record's type: 23 for application data and for nearly everything of TLS 1.3.
        content_type: u8,
        /// The record's length field.
        length: u16,
        /// The record.
        span: Span,
    },
    /// The CLIENT-HELLO of SSL 2.0 at the start of a stream.
    Sslv2ClientHello {
        /// The record's contents, from the message type on.
        body: &'a [u8],
        /// The record.
        span: Span,
    },
    /// Bytes where a record should begin that are none. Nothing follows it.
    NotTls {
        /// The first of them, at most 4,096.
        head: &'a [u8],
        /// From the first of them to the last that was at hand.
        span: Span,
    },
    /// A record longer than any version allows (RFC 5246 §6.2.3). Its contents are passed over.
    Oversized {
        /// The record's length field.
        length: u16,
        /// The record's header.
        span: Span,
    },
    /// A record or message that breaks the rules of its layer.
    Malformed {
        /// What is wrong.
        malformed: Malformed,
        /// The record or message, as far as it was read.
        span: Span,
    },
    /// Bytes that the capture lacks, where something readable was or may have been.
    Lost {
        /// Offset of the first lost byte in the stream of its side.
        at: u64,
        /// How many are lost.
        len: u64,
        /// The type of the record they were in, where that is known.
        content_type: Option<u8>,
        /// The handshake message they were in, where that is known.
        message: Option<HandshakeType>,
    },
    /// The stream ended within a record or a handshake message.
    Partial(Partial),
}

/// Something that began and whose end is not in the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    /// The record's type.
    pub(crate) content_type: u8,
    /// The record's length field; `None` where the stream ended within the header or between two records.
    pub(crate) length: Option<u16>,
    /// Bytes of the record's contents that are there.
    pub(crate) have: u16,
    /// The handshake message that is incomplete, the length of its body, and how many bytes of that are there.
    pub(crate) message: Option<(HandshakeType, u32, u32)>,
    /// From the first byte of the record or message to the last that is there.
    pub(crate) span: Span,
}

/// What whoever takes the items tells the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on.
    Go,
    /// From the next record on this side encrypts: its ChangeCipherSpec just came, up to TLS 1.2.
    ///
    /// In TLS 1.3 that record means nothing (RFC 9846 §5): a client may send it before its second ClientHello, which is in the clear.
    Protect,
}
