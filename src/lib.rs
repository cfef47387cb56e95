//! Reads packet captures offline and says why each TLS handshake failed.
//!
//! The program `tlswhy` is this library with arguments, a terminal and signals around it; it uses nothing but what is documented here.
//!
//! # Three steps
//!
//! 1. An [`Analysis`] is made from [`Options`]: the trust stores that stand in for the clients' ([`TrustStore`]), the moment at which
//!    certificates are judged, the number of threads. Nothing is read from the system; whoever calls brings trust stores as bytes.
//! 2. [`Analysis::read`] takes one [`Source`] after the other: a file, a folder, standard input, or any reader. An [`Error`] concerns
//!    that source alone, and the analysis goes on with the next. What is damaged within a capture is no error: it is told in
//!    [`report::Capture::problems`].
//! 3. [`Analysis::finish`] judges, and returns a [`Report`]. Nothing is judged before, because a certificate that one chain lacks may
//!    be in the last capture.
//!
//! A [`Report`] keeps facts and renders one [`report::Connection`] at a time, so that a report of many failures need not be in memory
//! as a whole. It is a `Serialize` of the published contract, whose rules and JSON Schema are in `docs/`; [`report::text`],
//! [`report::line`], [`report::json`] and [`report::ndjson`] write it, with a [`report::Filter`] that chooses what is shown.
//!
//! ```
//! use tlswhy::{Analysis, Options, Source, TrustStore};
//!
//! let mut options = Options::default();
//! options.trust = vec![TrustStore::mozilla()];
//! let mut analysis = Analysis::new(options);
//!
//! analysis.read(Source::Path("fixtures/no-shared-cipher".into()))?;
//! let bytes = std::fs::read("fixtures/sound/not-tls13.pcap")?;
//! analysis.read(Source::Reader { name: "from memory".to_owned(), reader: Box::new(std::io::Cursor::new(bytes)) })?;
//!
//! let report = analysis.finish();
//! for connection in report.connections() {
//!     if let Some(cause) = &connection.cause {
//!         println!("{}, stream {:?}: {}: {}", connection.capture, connection.stream, cause.id, cause.sentence);
//!     }
//! }
//! assert!(report.summary().failed > 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be relied on
//!
//! - The same input and options give the same report, whatever [`Options::threads`] is. Time is the captures', never the clock's.
//! - No captured byte makes the library panic; what cannot be read is a value in the report.
//! - [`causes`] lists every cause that a verdict can name. Their names, the keys of the JSON and its words change only together with
//!   [`report::SCHEMA`]; new causes may be added.
//! - Types that may grow are `#[non_exhaustive]`: set the fields of a default, as above.
//!
//! # What it does not do
//!
//! It does not capture, decrypt, or ask anything of a network. It follows TLS over TCP; of DTLS, QUIC and EAP nothing is read yet, though
//! the contract has words for them. In TLS 1.3 certificates and most alerts are encrypted: what is said of them is inferred from the
//! sizes, order and direction of records, and marked so.

// Captured bytes are hostile: nothing indexes, unwraps or panics on them, and only the program prints.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::todo,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod capture;
mod connection;
mod error;
mod evidence;
mod net;
mod pipeline;
mod preamble;
mod registry;
pub mod report;
mod stream;
mod tls;
mod why;
mod x509;

/// Entry points of the fuzz targets in `fuzz/`. Not for anybody else, and no part of what is promised.
#[doc(hidden)]
pub mod internal {
    pub use crate::capture::fuzz_capture;
    pub use crate::net::fuzz_packet;
    pub use crate::preamble::fuzz_preamble;
    pub use crate::stream::fuzz_tcp;
    pub use crate::tls::fuzz_tls_stream;
    pub use crate::x509::{fuzz_certificates, fuzz_revocation};
}

pub use capture::{Glob, Source};
pub use error::Error;
pub use pipeline::{Analysis, CauseInfo, Intermediates, Limits, Options, Progress, TrustStore, causes};
pub use report::Report;
