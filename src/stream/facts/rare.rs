//! What most connections never have: resets, segments sent again in vain, copies that contradict each other, urgent data, lost bytes.

use std::fmt::{self, Write};

use super::stamp::Stamp;
use crate::evidence::{Mark, Side};
use crate::net::IcmpError;

/// A reset, with what tells whether it came from the host whose address it bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    /// The packet.
    pub(crate) mark: Mark,
    /// Its time to live or hop limit.
    pub(crate) ttl: u8,
    /// Its IPv4 identification; 0 for IPv6.
    pub(crate) ip_id: u16,
    /// Its window, not scaled.
    pub(crate) window: u16,
    /// The receiver acted upon it, as far as the capture tells: the sequence number fits or, before the connection was open, it
    /// acknowledges the SYN; and nothing that came afterwards shows that the connection lives on. True where the capture cannot tell.
    pub(crate) believed: bool,
    /// It carried an acknowledgement.
    pub(crate) has_ack: bool,
    /// The IPv4 identification of the last other packet before it that bears the same address, SYNs apart.
    pub(crate) ip_id_before: Option<u16>,
    /// The first packet other than a reset that came after it though its receiver had to believe it: the sender does not know of it.
    pub(crate) went_on: Option<Mark>,
}

/// Why a reset was sent, in its own payload (RFC 9293 §3.5.3), or by the device that captured it in the frame's trailer. Shown with its quotation
/// marks, and with the numbers by which Wireshark finds both sides of the device's connection (`f5ethtrailer.flowid`).
#[derive(Clone, Debug, Default)]
pub(crate) struct ResetWords {
    /// Other than printable ASCII is shown as dots.
    pub(in crate::stream) text: Box<[u8]>,
    /// The device's numbers for this flow and for that on its other side.
    pub(in crate::stream) flows: Option<(u64, u64)>,
}

impl fmt::Display for ResetWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in &self.text {
            f.write_char(if matches!(byte, 0x20..=0x7e) {
                char::from(*byte)
            } else {
                '.'
            })?;
        }
        f.write_char('"')?;
        match self.flows {
            Some((flow, 0)) => write!(f, ", flow {flow:#x}"),
            Some((flow, peer)) => write!(f, ", flow {flow:#x}, its other side {peer:#x}"),
            None => Ok(()),
        }
    }
}

/// An ICMP error about a segment of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IcmpSeen {
    /// The first packet that brought it; `from` is the side whose segment did not get through.
    pub(crate) mark: Mark,
    /// What it says.
    pub(crate) error: IcmpError,
    /// How many packets brought one of its kind.
    pub(crate) times: u32,
}

/// How the sequence number of a reset fits what its receiver expects (RFC 9293 §3.10.7.4, RFC 5961 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::stream) enum Fit {
    /// Outside of the window: every receiver passes it over.
    Outside,
    /// In the window, and not the next number: receivers ask with a challenge ACK and go on, old ones close.
    Window,
    /// The next number, or one that may have been the next when it arrived.
    Exact,
}

/// A segment that was sent again and again without being acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retransmission {
    /// Offset of its first byte that is not acknowledged.
    pub(crate) offset: u64,
    /// Bytes of the longest copy.
    pub(crate) len: u32,
    /// How often it was repeated: captured copies without the first.
    pub(crate) times: u32,
    /// The first repetition.
    pub(crate) first: Mark,
    /// The latest repetition.
    pub(crate) last: Mark,
    /// A copy was as long as the maximum segment size allows: what a path with a smaller MTU drops.
    pub(crate) full_size: bool,
}

/// Two copies of the same bytes of a stream that are not the same. Hosts and devices on the path may have read different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// Offset of the first byte that differs.
    pub(crate) at: u64,
    /// From there to the last byte that differs.
    pub(crate) len: u32,
    /// The frame of the first copy, which is the one that counts; where it is still known.
    pub(crate) first_frame: Option<u64>,
    /// The packet of the second.
    pub(crate) second: Mark,
    /// How many packets contradict an earlier one; the other values are those of the first of them.
    pub(crate) count: u32,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.second.from.as_str();
        let last = self.at.saturating_add(self.len.into()).saturating_sub(1);
        write!(
            f,
            "bytes {} to {last} of the {whose}'s stream once more, and not the same: they count ",
            self.at
        )?;
        match self.first_frame {
            Some(frame) => write!(f, "as in frame {frame}")?,
            None => f.write_str("as they came first")?,
        }
        if self.count > 1 {
            write!(f, "; so in {} packets", self.count)?;
        }
        Ok(())
    }
}

/// [`Reset`] as it is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptReset {
    pub(super) stamp: Stamp,
    /// Offset behind all that its apparent sender had sent by then, a FIN included.
    sent_to: u64,
    pub(super) words: ResetWords,
    pub(super) fit: Fit,
    /// The connection lived on.
    refuted: bool,
    ttl: u8,
    has_ack: bool,
    ip_id: u16,
    ip_id_before: Option<u16>,
    window: u16,
    went_on: Option<Stamp>,
}

impl KeptReset {
    /// `sent_to`: offset behind all that its apparent sender had sent, a FIN included.
    pub(super) fn new(reset: &Reset, stamp: Stamp, fit: Fit, sent_to: u64, words: ResetWords) -> Self {
        Self {
            stamp,
            sent_to,
            words,
            fit,
            refuted: false,
            ttl: reset.ttl,
            has_ack: reset.has_ack,
            ip_id: reset.ip_id,
            ip_id_before: reset.ip_id_before,
            window: reset.window,
            went_on: None,
        }
    }

    pub(super) const fn believed(&self) -> bool {
        !self.refuted && !matches!(self.fit, Fit::Outside)
    }

    /// Nothing but later packets could show that the receiver did not act upon it.
    pub(super) const fn closes(&self) -> bool {
        !self.refuted && matches!(self.fit, Fit::Exact)
    }

    /// Its apparent sender sends another packet: it did not reset anything, so the receiver will not have guessed the number either.
    pub(super) fn sender_goes_on(&mut self, with: Option<Stamp>) {
        if self.closes() && self.went_on.is_none() {
            self.went_on = with;
        }
        self.refuted |= self.fit == Fit::Window;
    }

    /// The receiver acknowledges everything before `to`: what was sent after the reset was taken, so the connection lives.
    pub(super) const fn receiver_took(&mut self, to: u64) {
        if to > self.sent_to {
            self.refuted = true;
        }
    }

    pub(super) fn told(&self, side: Side) -> Reset {
        Reset {
            mark: self.stamp.mark(side),
            ttl: self.ttl,
            ip_id: self.ip_id,
            window: self.window,
            believed: self.believed(),
            has_ack: self.has_ack,
            ip_id_before: self.ip_id_before,
            went_on: self.went_on.map(|stamp| stamp.mark(side)),
        }
    }
}

/// [`IcmpSeen`] as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptIcmp {
    pub(super) stamp: Stamp,
    pub(super) error: IcmpError,
    pub(super) times: u32,
}

/// [`Retransmission`] as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptRetransmission {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) times: u32,
    pub(super) first: Stamp,
    pub(super) last: Stamp,
    pub(super) full_size: bool,
}

/// [`Contradiction`] as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptContradiction {
    pub(super) at: u64,
    pub(super) len: u32,
    pub(super) count: u32,
    pub(super) first_frame: Option<u64>,
    pub(super) second: Stamp,
}

/// Bytes that are missing and that the peer had not acknowledged when they were given up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unacknowledged {
    pub(super) bytes: u64,
    /// Offset behind the last of them.
    pub(super) end: u64,
}

/// The rare things of one side. A reset is the least rare of them: the others lie behind boxes of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    /// The first reset that was believed; else the first of the others.
    pub(super) reset: Option<KeptReset>,
    /// Resets whose number lies ahead of everything that their apparent sender had sent.
    pub(super) guessed_resets: u16,
    /// The first error that says that this side's segments do not get through, and the first that says that they are too long.
    pub(super) undelivered: Option<Box<KeptIcmp>>,
    pub(super) too_big: Option<Box<KeptIcmp>>,
    /// The lowest segment that was repeated and is not acknowledged.
    pub(super) unacked: Option<Box<KeptRetransmission>>,
    /// The first pair of copies that differ.
    pub(super) contradiction: Option<Box<KeptContradiction>>,
    /// The first packet with urgent data near the stream's beginning.
    pub(super) urgent: Option<Stamp>,
    /// What was lost, maybe by the network.
    pub(super) unacknowledged: Unacknowledged,
}
