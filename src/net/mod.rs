//! One captured packet → one TCP segment: link types, IP, TCP headers. Pure: bytes in, values out.

mod segment;

pub(crate) use segment::{Flags, FlowKey, Segment};
