//! Reads packet captures offline and says why each TLS handshake failed.

mod capture;
mod connection;
mod error;
mod evidence;
mod net;
mod pipeline;
mod registry;
pub mod report;
mod stream;
mod tls;
mod why;
mod x509;

pub use capture::Source;
pub use error::Error;
pub use pipeline::{Analysis, CauseInfo, Options, Progress, TrustStore, causes};
pub use report::Report;
