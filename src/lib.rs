//! Reads packet captures offline and says why each TLS handshake failed.

mod capture;
mod error;
mod evidence;
mod net;

pub use capture::Source;
pub use error::Error;
