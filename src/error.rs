//! What can go wrong at the edge: a source that cannot be opened, is no capture, or an option that cannot be honoured.
//!
//! Nothing of a protocol is ever an [`Error`]: a broken handshake is a finding, a damaged capture a problem in the report.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a source or an option could not be used. Concerns that one source or option alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened or listed.
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading stopped with an error of the system before any packet.
    Read {
        /// The path as it was given; `-` for standard input.
        path: PathBuf,
        /// Bytes from the start of the file.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are no capture that is known.
    NotACapture {
        /// The path as it was given; `-` for standard input.
        path: PathBuf,
        /// What was found instead, in words.
        found: String,
    },
    /// A certificate file holds nothing that can be used.
    Trust {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An option has a value that cannot be used.
    Option {
        /// The option's name, such as `--at`.
        name: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
}

impl Error {
    /// The path that the error is about, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Open { path, .. }
            | Self::Read { path, .. }
            | Self::NotACapture { path, .. }
            | Self::Trust { path, .. } => Some(path),
            Self::Option { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, source } => write!(f, "{}: cannot open: {source}", path.display()),
            Self::Read { path, offset, source } => {
                write!(f, "{}: cannot read at byte {offset}: {source}", path.display())
            }
            Self::NotACapture { path, found } => write!(f, "{}: not a capture: {found}", path.display()),
            Self::Trust { path, reason } => write!(f, "{}: no usable certificates: {reason}", path.display()),
            Self::Option { name, reason } => write!(f, "{name}: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Read { source, .. } => Some(source),
            Self::NotACapture { .. } | Self::Trust { .. } | Self::Option { .. } => None,
        }
    }
}
