//! Where in a stream the reader stands.

use crate::evidence::{Mark, Span};
use crate::registry::ProtocolVersion;

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Before or within a record's header.
    Header,
    /// Within a record's contents.
    Body(Body),
    /// No TLS from here on.
    NotTls,
    /// Waiting for a piece that begins with a record.
    Lost,
}

/// A record whose contents are being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) content_type: u8,
    pub(super) version: ProtocolVersion,
    pub(super) length: u16,
    pub(super) left: u16,
    pub(super) kind: Kind,
}

/// What is done with a record's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Handshake,
    Alert,
    ChangeCipherSpec,
    Opaque,
    Sslv2,
    /// Passed over in silence: something was said about it already.
    Silent,
}

/// Where something began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) at: u64,
    pub(super) frame: u64,
}

impl Start {
    /// From here to `end`, completed by the packet `mark`.
    pub(super) fn span(self, end: u64, mark: Mark) -> Span {
        Span {
            mark,
            first_frame: self.frame,
            at: self.at,
            len: u32::try_from(end.saturating_sub(self.at)).unwrap_or(u32::MAX),
        }
    }
}
