//! What every layer cites: when ([`Time`]), who ([`Side`]), where ([`Span`]), and whether a thing was seen at all ([`Seen`]).
//!
//! These types carry no knowledge of a protocol. Everything above uses them, they use nothing.

mod pair;
mod seen;
mod span;
mod time;

pub(crate) use pair::Pair;
pub(crate) use seen::{Hidden, Seen};
pub(crate) use span::{CaptureId, Mark, Side, Span};
pub(crate) use time::Time;
