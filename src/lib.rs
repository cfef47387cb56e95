//! Reads packet captures offline and says why each TLS handshake failed.

mod error;
mod evidence;
mod net;
mod registry;
mod stream;
mod tls;
mod x509;

pub use error::Error;
