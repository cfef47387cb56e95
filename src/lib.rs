//! Reads packet captures offline and says why each TLS handshake failed.

mod error;
mod evidence;
mod net;
mod stream;

pub use error::Error;
