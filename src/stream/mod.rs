//! Segments → what each side said and did.

mod numbering;

pub(crate) use numbering::Conversation;
