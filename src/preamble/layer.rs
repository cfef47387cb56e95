//! One protocol among those that lie within each other: its messages, cut out of the bytes of both sides.

use super::automaton::{Automaton, Frame};
use super::notes::Preamble;
use super::protocol::Protocol;
use crate::evidence::{Pair, Side, Span};

/// Bytes of a message that are heard; of a longer one the rest is passed over.
pub(super) const HEARD_MAX: usize = 2_048;

/// One protocol.
#[derive(Debug)]
pub(super) struct Layer {
    /// Knows it.
    pub(super) automaton: Box<dyn Automaton>,
    /// What was noted of it.
    pub(super) preamble: Preamble,
    /// What is left of a long message.
    pub(super) skip: Pair<Skip>,
    /// Bytes of a side since something of TLS was said.
    pub(super) heard: Pair<u64>,
    /// TLS comes in packets of this protocol.
    pub(super) wraps: bool,
    /// Bytes of TLS that are left in the packet.
    pub(super) wrapped: Pair<u64>,
}

/// What is passed over of a message that is longer than what is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Skip {
    /// Nothing: the next byte begins a message.
    #[default]
    Nothing,
    /// So many bytes.
    Bytes(u64),
    /// All up to a line feed.
    Line,
}

impl Layer {
    /// Before its first message, of which `span` is a part.
    pub(super) fn new(protocol: Protocol, automaton: Box<dyn Automaton>, span: &Span) -> Self {
        Self {
            automaton,
            preamble: Preamble::new(protocol, span.first_frame),
            skip: Pair::default(),
            heard: Pair::default(),
            wraps: false,
            wrapped: Pair::default(),
        }
    }

    /// How many of the bytes are passed over, if the message before them is not at its end.
    pub(super) fn pass_over(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let passed = match self.skip[side] {
            Skip::Nothing => return None,
            Skip::Bytes(left) => {
                let passed = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let left = left.saturating_sub(passed as u64);
                self.skip[side] = if left == 0 { Skip::Nothing } else { Skip::Bytes(left) };
                passed
            }
            Skip::Line => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.skip[side] = Skip::Nothing;
                    end.saturating_add(1)
                }
                None => bytes.len(),
            },
        };
        self.heard[side] = self.heard[side].saturating_add(passed as u64);
        Some(passed)
    }

    /// The message that the bytes begin with, as far as it is heard, and what is to be passed over behind it; `None` where more is needed.
    pub(super) fn message<'b>(&self, side: Side, bytes: &'b [u8]) -> Result<Option<(&'b [u8], Skip)>, NotMine> {
        let full = bytes.get(..HEARD_MAX);
        Ok(match self.automaton.frame(side, bytes) {
            Frame::NotMine => return Err(NotMine),
            Frame::More if full.is_some() => return Err(NotMine),
            Frame::More => None,
            Frame::Line => {
                let end = bytes.iter().take(HEARD_MAX).position(|byte| *byte == b'\n');
                match end.and_then(|end| bytes.get(..=end)) {
                    Some(line) => Some((line, Skip::Nothing)),
                    None => full.map(|full| (full, Skip::Line)),
                }
            }
            Frame::Bytes(length) => {
                let heard = usize::try_from(length).unwrap_or(usize::MAX).clamp(1, HEARD_MAX);
                let left = length.saturating_sub(heard as u64);
                let skip = if left == 0 { Skip::Nothing } else { Skip::Bytes(left) };
                bytes.get(..heard).map(|message| (message, skip))
            }
        })
    }
}

/// Bytes that a protocol's messages cannot be.
pub(super) struct NotMine;
