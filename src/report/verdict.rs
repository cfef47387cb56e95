//! Why a connection ended as it did: the cause, its proof, and what to do about it.

use serde::Serialize;

use super::timestamp::Timestamp;
use super::words::{AtFault, Confidence, Party, Severity};

/// One cause, as it applies to one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// Its stable name, such as `missing-intermediate`.
    pub id: String,
    /// Its title, without jargon.
    pub title: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The weight of 0 to 100 behind that confidence.
    pub weight: u8,
    /// Whose side has to change something.
    pub at_fault: AtFault,
    /// What happened, with this connection's names and values.
    pub sentence: String,
    /// What the packets show.
    pub observed: String,
    /// What follows from it without being in the packets; `None` where nothing had to be inferred.
    pub inferred: Option<String>,
    /// The packets that prove it.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub remedies: Vec<Remedy>,
    /// What the two ends write into their logs for it.
    pub log: Vec<LogLine>,
    /// Causes that would look alike.
    pub alternatives: Vec<Alternative>,
    /// Causes that the packets exclude.
    pub ruled_out: Vec<RuledOut>,
    /// RFC sections and other sources.
    pub references: Vec<String>,
}

/// Something else that is worth knowing about a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is; in JSON its keys stand beside `severity`.
    #[serde(flatten)]
    pub cause: Cause,
    /// How much it matters.
    pub severity: Severity,
}

/// Packets that prove something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The capture's path.
    pub capture: String,
    /// The stream's number in it.
    pub stream: Option<u64>,
    /// The frames; empty where the proof is that nothing was sent.
    pub frames: Vec<u64>,
    /// Who sent them; `None` where nobody did, or both, or a router or firewall between them.
    pub from: Option<Party>,
    /// The time of the frame that completed it.
    pub time: Option<Timestamp>,
    /// What they show, with the actual values.
    pub text: String,
}

/// Something to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Remedy {
    /// On whose side.
    pub side: AtFault,
    /// What to do.
    pub text: String,
    /// A command that does it or checks it.
    pub command: Option<String>,
}

/// What one end writes into its log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogLine {
    /// Which end.
    pub side: Party,
    /// The words to search for.
    pub text: String,
}

/// A cause that would look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alternative {
    /// Its name.
    pub id: String,
    /// Why it was not chosen.
    pub why_not: String,
}

/// A cause that the packets exclude.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuledOut {
    /// Its name.
    pub id: String,
    /// What excludes it.
    pub because: String,
    /// The frames that show it.
    pub frames: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_the_keys_of_a_cause_and_its_severity() {
        let json = serde_json::to_value(Finding {
            severity: Severity::Warning,
            ..Finding::default()
        })
        .unwrap();
        let cause = serde_json::to_value(Cause::default()).unwrap();
        let (finding, cause) = (json.as_object().unwrap(), cause.as_object().unwrap());
        assert_eq!(finding.len(), cause.len() + 1);
        assert!(cause.keys().all(|key| finding.contains_key(key)));
        assert_eq!(finding["severity"], "warning");
    }
}
