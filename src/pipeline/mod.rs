//! A stand-in for the pipeline: it opens each source and looks at its magic, so that the program around it can be built and tested.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::Error;
use crate::report::{Capture, Connection, Connections, Generator, Report, Summary};

/// What an analysis does.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Threads; 0 = all cores.
    pub threads: usize,
    /// Trust anchors.
    pub trust: Vec<TrustStore>,
    /// The moment that certificates are judged at, in nanoseconds since 1970 UTC; `None` = each packet's.
    pub at: Option<i64>,
    /// Keep sound connections.
    pub all: bool,
    /// SHA-256 of each capture.
    pub hash: bool,
}

/// A set of trust anchors.
#[derive(Clone, Debug)]
pub struct TrustStore;

impl TrustStore {
    /// Mozilla's.
    pub const fn mozilla() -> Self {
        Self
    }

    /// From PEM or DER.
    ///
    /// # Errors
    /// Where there is no certificate in it.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.starts_with(b"-----BEGIN CERTIFICATE") {
            return Ok(Self);
        }
        Err(Error::Trust {
            path: PathBuf::from(name),
            reason: "it holds no certificate".to_owned(),
        })
    }
}

/// Where a capture comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A file or folder.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// How far the reading has come.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Packets read.
    pub packets: u64,
    /// The capture that is being read.
    pub capture: String,
}

/// An analysis.
#[derive(Debug)]
pub struct Analysis {
    stop: Arc<AtomicBool>,
    captures: Vec<Capture>,
}

impl Analysis {
    /// A new one.
    pub fn new(_options: Options) -> Self {
        Self {
            stop: Arc::default(),
            captures: Vec::new(),
        }
    }

    /// Tells `f` how far the reading has come.
    #[must_use]
    pub fn on_progress(self, _f: impl FnMut(&Progress) + Send + 'static) -> Self {
        self
    }

    /// Setting this ends the reading.
    pub fn stopper(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Reads a source.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(&mut self, source: Source) -> Result<(), Error> {
        let mut start = Vec::new();
        let path = match source {
            Source::Path(path) => path,
            Source::Stdin => PathBuf::from("-"),
        };
        let read = if path.as_os_str() == "-" {
            std::io::stdin().take(4).read_to_end(&mut start)
        } else {
            File::open(&path).and_then(|file| file.take(4).read_to_end(&mut start))
        };
        read.map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?;
        if !matches!(start.as_slice(), [0x0a, 0x0d, 0x0d, 0x0a] | [0xd4, 0xc3, 0xb2, 0xa1]) {
            return Err(Error::NotACapture {
                path,
                found: "unknown magic".to_owned(),
            });
        }
        let path = path.display().to_string();
        self.captures.push(Capture {
            set: path.clone(),
            path,
            ..Capture::default()
        });
        Ok(())
    }

    /// The report.
    pub fn finish(self) -> Report {
        Report {
            generator: Generator::default(),
            options: serde_json::json!({}),
            trust: Vec::new(),
            partial: false,
            captures: self.captures,
            sets: Vec::new(),
            passed_over: 0,
            summary: Summary::default(),
            connections: Box::new(Nothing),
        }
    }
}

struct Nothing;

impl Connections for Nothing {
    fn len(&self) -> usize {
        0
    }

    fn render(&self, _index: usize) -> Connection {
        Connection::default()
    }
}

/// A cause of the catalogue.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CauseInfo {
    /// Its name.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its page in Markdown.
    pub page: &'static str,
}

/// The catalogue.
pub fn causes() -> impl Iterator<Item = CauseInfo> {
    [CauseInfo {
        id: "missing-intermediate",
        title: "The server does not send its intermediate certificate",
        page: "# The server does not send its intermediate certificate\n\n## Fix\n\nServe it:\n\n```\nssl_certificate fullchain.pem;\n```\n",
    }]
    .into_iter()
}
