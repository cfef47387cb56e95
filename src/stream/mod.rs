//! Segments → what each side of a connection said and did. Pure: segments in, ordered bytes, gaps and facts out.

mod assembler;
mod facts;
mod fuzz;
mod numbering;
mod tcp;

pub(crate) use assembler::{GapCause, Sink};
pub(crate) use facts::{EndingKind, Reset, ResetWords, Retransmission, TcpFacts};
pub use fuzz::fuzz_tcp;
pub(crate) use numbering::Conversation;
pub(crate) use tcp::Tcp;
