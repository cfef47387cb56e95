//! What was read, and what came out of it in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::timestamp::Timestamp;
use super::words::{Outcome, Protocol};

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Generator {
    /// `tlswhy`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Default for Generator {
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A set of trust anchors that certificates were judged with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trust {
    /// Its name: `mozilla`, `system`, the name that it was given, or a file's path.
    pub name: String,
    /// Its version, where it has one.
    pub version: Option<String>,
    /// The day of that version, such as `2026-10-23`.
    pub date: Option<String>,
    /// True where it counts in addition to each of the others; those stand each by itself.
    pub added: bool,
    /// How many anchors it holds.
    pub anchors: u64,
    /// How many it held once, which count for packets from before their removal.
    pub removed: u64,
    /// SHA-256 over the certificates of the anchors that it holds.
    pub sha256: String,
}

/// One capture that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capture {
    /// Its path as it was given or found; `-` for standard input.
    pub path: String,
    /// The name of the set that it was judged in.
    pub set: String,
    /// Its format, such as `pcapng`.
    pub format: String,
    /// Bytes of the file that were read, as it lies on the disk.
    pub bytes: u64,
    /// Packets read, as Wireshark counts frames.
    pub packets: u64,
    /// The earliest packet's time.
    pub first: Option<Timestamp>,
    /// The latest packet's time.
    pub last: Option<Timestamp>,
    /// SHA-256 of the file, where it was asked for.
    pub sha256: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<CaptureProblem>,
    /// What people wrote into it, in its order.
    pub comments: Vec<Comment>,
    /// Names of addresses that it brings along.
    pub names: Vec<AddressName>,
    /// Names of its interfaces.
    pub interfaces: Vec<String>,
    /// How many blocks of secrets, such as key logs, it brings along. They are not shown.
    pub secrets: u64,
    /// What became of its fragmented IP packets.
    pub fragments: Fragments,
    /// What is known of the clock that stamped it; `None` where it seems right and was left alone.
    pub clock: Option<Clock>,
    /// Connections of protocols that are not read yet, in the order of their first packets.
    pub unread: Vec<Unread>,
    /// Packets of which it holds only the beginning. Told in the text report; not a part of the JSON, where each connection says what
    /// it lacks.
    #[serde(skip)]
    pub cut_packets: u64,
}

/// Connections of a protocol that is not read yet: they are counted, by the port that they went to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unread {
    /// [`Protocol::Dtls`] or [`Protocol::Quic`].
    pub protocol: Protocol,
    /// The server's port over UDP.
    pub port: u16,
    /// How many connections; of one capture no more than 65,536 are told apart.
    pub connections: u64,
    /// The frame in which the first of them begins.
    pub first_frame: u64,
}

/// A damaged place in a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CaptureProblem {
    /// Where, in bytes from the capture's start.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// How many bytes were passed over because of it.
    pub skipped: u64,
    /// How bad it is.
    #[serde(skip)]
    pub kind: ProblemKind,
}

/// How bad a problem of a capture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Something cannot be read.
    #[default]
    Damage,
    /// Only the last record is cut, as in every capture that was stopped by a signal: a note, not damage.
    CutAtEnd,
    /// Nothing is wrong, but there was more than is kept.
    Limit,
}

/// What became of the fragmented IP packets of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fragments {
    /// Packets that were put together.
    pub completed: u64,
    /// Packets of which a part is not in the capture.
    pub incomplete: u64,
    /// Fragments that say something else than earlier ones do of the same bytes. The first one counts; an honest sender makes none.
    pub contradictory: u64,
}

/// A comment in a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comment {
    /// The frame that it is about; `None` where it is about the capture or an interface.
    pub frame: Option<u64>,
    /// Its words.
    pub text: String,
}

/// The name of an address, as the capture gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AddressName {
    /// The address.
    pub address: String,
    /// Its name.
    pub name: String,
}

/// Counts over the whole input, whatever is shown of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Connections that matter to TLS.
    pub connections: u64,
    /// Those that completed their handshake.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those whose end cannot be told.
    pub undetermined: u64,
    /// Those where nobody tried.
    pub not_attempted: u64,
    /// Flows that were counted only: without payload, or without a whole message of TLS.
    pub half_open: u64,
    /// How often each cause was the verdict.
    pub causes: BTreeMap<String, u64>,
    /// Limits on memory that were reached, in input order; what each cost.
    pub limits_reached: Vec<LimitReached>,
}

/// What is known of the clock that stamped a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Clock {
    /// Seconds to add to its times, by what servers say and by their certificates; `None` where nothing tells.
    pub suggested_s: Option<i64>,
    /// What that rests on, in words.
    pub sign: Option<String>,
    /// Seconds that were added where certificates were judged.
    pub applied_s: i64,
}

/// A limit on memory that was reached, and what was given up for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LimitReached {
    /// Which one: the field of [`crate::Limits`], and the option behind `--max-`.
    pub limit: String,
    /// Its value: a number of flows, or bytes.
    pub value: u64,
    /// The capture that reached it; `None` where it is one for the whole input.
    pub capture: Option<String>,
    /// How often something was given up.
    pub count: u64,
    /// What was given up, in words.
    pub what: String,
}

impl Summary {
    /// Counts one more connection.
    pub fn count(&mut self, outcome: Outcome, cause: Option<&str>) {
        self.connections += 1;
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Undetermined => self.undetermined += 1,
            Outcome::NotAttempted => self.not_attempted += 1,
        }
        if let Some(cause) = cause {
            *self.causes.entry(cause.to_owned()).or_default() += 1;
        }
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.completed += other.completed;
        self.failed += other.failed;
        self.undetermined += other.undetermined;
        self.not_attempted += other.not_attempted;
        self.half_open += other.half_open;
        for (cause, count) in &other.causes {
            *self.causes.entry(cause.clone()).or_default() += count;
        }
        self.limits_reached.extend_from_slice(&other.limits_reached);
    }
}

/// What was judged together: one capture, or a rotated series of them. Told in the text report; not a part of the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CaptureSet {
    /// Its name, as in [`Capture::set`].
    pub(crate) name: String,
    /// Counts over its connections.
    pub(crate) summary: Summary,
    /// What its packets carried besides TLS.
    pub(crate) traffic: Traffic,
}

/// What the packets carried besides TLS: what a report without a TLS connection has to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// TCP flows.
    pub(crate) tcp_flows: u64,
    /// TCP flows whose beginning lies before the capture.
    pub(crate) began_before: u64,
    /// Other protocols that were recognised, by port.
    pub(crate) spoken: Vec<Spoken>,
}

/// A protocol other than TLS that some flows spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Its name for people: `plain HTTP`.
    pub(crate) protocol: String,
    /// The server's port.
    pub(crate) port: u16,
    /// How many flows spoke it there.
    pub(crate) flows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_add_up() {
        let mut summary = Summary::default();
        summary.count(Outcome::Failed, Some("tcp-refused"));
        summary.count(Outcome::Completed, None);
        let mut total = Summary {
            half_open: 2,
            ..Summary::default()
        };
        total.add(&summary);
        total.add(&summary);
        assert_eq!(
            (total.connections, total.completed, total.failed, total.half_open),
            (4, 2, 2, 2)
        );
        assert_eq!(total.causes["tcp-refused"], 2);
    }

    #[test]
    fn the_kind_of_a_problem_is_no_part_of_the_json() {
        let json = serde_json::to_string(&CaptureProblem::default()).unwrap();
        assert_eq!(json, r#"{"offset":0,"what":"","skipped":0}"#);
    }
}
