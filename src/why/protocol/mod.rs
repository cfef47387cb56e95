//! A side calls the other's messages wrong, or itself unable.

mod decode_error;
mod internal_error;

pub(super) use decode_error::DecodeError;
pub(super) use internal_error::InternalError;
