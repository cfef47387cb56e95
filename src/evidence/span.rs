//! Who sent something, and in which frames and bytes it stands.

use super::Time;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The end that opened the connection.
    Client,
    /// The end that was called.
    Server,
}

impl Side {
    /// The other end.
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// 0 for the client, 1 for the server: where tests keep both sides in an array.
    #[cfg(test)]
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }

    /// The word that the JSON contract uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// Which capture of the input, counted from 0 in input order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CaptureId(pub(crate) u32);

/// One packet: its number as Wireshark counts (from 1), its time where the format has one, and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The capture that holds the packet.
    pub(crate) capture: CaptureId,
    /// `frame.number` in Wireshark, counted from 1.
    pub(crate) frame: u64,
    /// The capture's time of the packet; `None` where the format has none.
    pub(crate) time: Option<Time>,
    /// Who sent it.
    pub(crate) from: Side,
}

/// The bytes that a value was read from: a range of one side's stream, and the frames that carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The packet that completed the bytes.
    pub(crate) mark: Mark,
    /// The first frame that carried a part of them.
    pub(crate) first_frame: u64,
    /// Offset of the first byte in the stream of its side, counted from 0.
    pub(crate) at: u64,
    /// Number of bytes.
    pub(crate) len: u32,
}

impl Span {
    /// Who sent the bytes.
    pub(crate) const fn from(&self) -> Side {
        self.mark.from
    }
}
