//! What is told about an analysis: the types of the contract, and the writers that show them.
//!
//! A [`Report`] keeps facts and verdicts in the form in which they were found; [`Report::connections`] renders one [`Connection`] at a time, so
//! that twenty thousand failures need no document in memory. The writers share that one view: [`json`] and [`ndjson`] for programs, [`text`] for
//! people, [`mod@line`] for `grep`. A [`Filter`] chooses what they show; the counts in [`Summary`] always cover everything that was read.
//!
//! Nothing here judges, reads files, or asks the system for anything: the width of the terminal, its colours and the reader's time zone come in
//! as values.

mod certificates;
mod contract;
mod filter;
mod input;
mod inventory;
pub mod json;
pub mod line;
pub mod ndjson;
mod render;
pub mod text;
mod timeline;
mod timestamp;
mod verdict;
mod words;

use std::{fmt, io};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

pub use certificates::{CertificateInfo, CertificateOrigin, Certificates};
pub use contract::{
    Alert, Answer, CipherSuite, CodePoint, Connection, Encapsulation, Endpoint, NotVisible, Offer, Place, Preamble,
    Tcp, TimelineEvent,
};
pub use filter::{BadHost, Filter, Host};
pub use input::{
    AddressName, Capture, CaptureProblem, Clock, Comment, Fragments, Generator, LimitReached, ProblemKind, Summary,
    Trust, Unread,
};
pub(crate) use input::{CaptureSet, Spoken, Traffic};
pub use inventory::{Expiring, Inventory, PemFile, ServedChain, ServedPlace};
pub(crate) use render::render;
pub use timestamp::{BadTimestamp, Times, Timestamp, Zone};
pub use verdict::{Alternative, Cause, Evidence, Finding, LogLine, Remedy, RuledOut};
pub use words::{
    AbortedBy, AlertLevel, AlertVisibility, AtFault, CertificateVisibility, Confidence, Decryption, Ech, NotVisibleWhy,
    Outcome, Party, PreambleResult, Protocol, Severity, Step, Transport,
};

/// The name and version of the contract. A change that breaks a reader changes it.
pub const SCHEMA: &str = "tlswhy/1";

/// Where a report takes its connections from. The same index gives the same connection every time.
pub(crate) trait Connections: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// The connection at `index`, which is less than [`Connections::len`].
    fn render(&self, index: usize) -> Connection;

    /// Renders every connection, has `work` turn each into bytes, and gives these to `take` in their order. A source with threads to spare
    /// does the first two side by side.
    ///
    /// # Errors
    /// The first error of `take`, which ends the walk.
    fn write_each(&self, work: Work<'_>, take: Take<'_>) -> io::Result<()> {
        (0..self.len()).try_for_each(|index| take(&work(index, self.render(index))))
    }
}

/// Turns the connection at an index into bytes.
pub(crate) type Work<'a> = &'a (dyn Fn(usize, Connection) -> Vec<u8> + Sync);
/// Receives bytes in order.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// The result of an analysis.
pub struct Report {
    pub(crate) generator: Generator,
    /// The effective options.
    pub(crate) options: serde_json::Value,
    pub(crate) trust: Vec<Trust>,
    pub(crate) partial: bool,
    pub(crate) captures: Vec<Capture>,
    /// Told in the text report only. May be empty: then one header stands for the whole input.
    pub(crate) sets: Vec<CaptureSet>,
    /// Files in folders that are no captures.
    pub(crate) passed_over: u64,
    pub(crate) summary: Summary,
    pub(crate) connections: Box<dyn Connections>,
    pub(crate) inventory: Option<Inventory>,
}

impl Report {
    /// The program that made it.
    pub const fn generator(&self) -> &Generator {
        &self.generator
    }

    /// The options that were in effect, defaults included.
    pub const fn options(&self) -> &serde_json::Value {
        &self.options
    }

    /// The trust anchors that certificates were judged with.
    pub fn trust(&self) -> &[Trust] {
        &self.trust
    }

    /// True where the reading was stopped before the input's end.
    pub const fn partial(&self) -> bool {
        self.partial
    }

    /// The captures that were read, in input order.
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// Counts over the whole input.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Who served which certificates; `None` unless [`Options::inventory`](crate::Options::inventory) asked for it.
    pub const fn inventory(&self) -> Option<&Inventory> {
        self.inventory.as_ref()
    }

    /// The connections in the order of their first frames, each rendered when it is asked for.
    pub fn connections(&self) -> impl Iterator<Item = Connection> + '_ {
        (0..self.connections.len()).map(|index| self.connections.render(index))
    }

    /// Writes the connections that `filter` lets through, each as the bytes that `work` makes of it.
    pub(crate) fn write_shown(
        &self,
        filter: &Filter,
        work: &(dyn Fn(&Connection) -> Vec<u8> + Sync),
        take: Take<'_>,
    ) -> io::Result<()> {
        let work = |_, connection: Connection| {
            if filter.shows(&connection) {
                work(&connection)
            } else {
                Vec::new()
            }
        };
        self.connections
            .write_each(&work, &mut |bytes| if bytes.is_empty() { Ok(()) } else { take(bytes) })
    }

    /// The connections that `filter` lets through.
    pub(crate) fn shown<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = Connection> + 'a {
        self.connections().filter(|connection| filter.shows(connection))
    }

    /// The first packet's time of a capture.
    pub(crate) fn start_of(&self, capture: &str) -> Option<Timestamp> {
        self.captures
            .iter()
            .find(|known| known.path == capture)
            .and_then(|known| known.first)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("captures", &self.captures.len())
            .field("connections", &self.connections.len())
            .field("partial", &self.partial)
            .finish_non_exhaustive()
    }
}

/// The document of the contract with every connection that the report holds. [`json::write`] shows a choice of them.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let every = Filter {
            all: true,
            ..Filter::default()
        };
        Document {
            report: self,
            filter: &every,
        }
        .serialize(serializer)
    }
}

/// A report with a choice of connections, as one document.
struct Document<'a> {
    report: &'a Report,
    filter: &'a Filter,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.report;
        let mut document = serializer.serialize_struct("Report", 8)?;
        document.serialize_field("schema", SCHEMA)?;
        document.serialize_field("generator", &report.generator)?;
        document.serialize_field("options", &report.options)?;
        document.serialize_field("trust", &report.trust)?;
        document.serialize_field("partial", &report.partial)?;
        document.serialize_field("captures", &report.captures)?;
        document.serialize_field("connections", &Shown(self))?;
        document.serialize_field("summary", &report.summary)?;
        document.end()
    }
}

/// The connections of a document, serialised one by one.
struct Shown<'a>(&'a Document<'a>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.report.shown(self.0.filter))
    }
}

#[cfg(test)]
pub(crate) mod testing;
