//! Reads packet captures offline and says why each TLS handshake failed.

mod error;
mod evidence;
mod net;
mod pipeline;
pub mod report;

pub use error::Error;
pub use pipeline::{Analysis, CauseInfo, Options, Progress, Source, TrustStore, causes};
pub use report::Report;
