//! The only arbiter: which of the findings is the verdict.

use crate::connection::{Act, ClientReply, Observed, ServerReply};
use crate::evidence::{Mark, Side};
use crate::registry::HandshakeType;
use crate::why::{AbortedBy, CAUSES, CauseId, Confidence, Finding, Outcome, Step, cause};

/// What is said of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// Whose act ended it.
    pub(crate) aborted_by: AbortedBy,
    /// How far it had come.
    pub(crate) step: Step,
    /// The packet with which it failed.
    pub(crate) failed_at: Option<Mark>,
    /// The reason, if there is something to explain.
    pub(crate) cause: Option<Finding>,
    /// Weaker findings that were not replaced by the cause.
    pub(crate) findings: Vec<Finding>,
}

/// Drops what is outranked, orders by weight, place in [`CAUSES`] and first frame, and takes the first.
pub(crate) fn choose(seen: &Observed, mut findings: Vec<Finding>) -> Verdict {
    findings.retain(|finding| Confidence::of_weight(finding.weight).is_some() && !finding.evidence.is_empty());
    let outranked: Vec<CauseId> = findings
        .iter()
        .filter_map(|finding| cause(finding.cause))
        .flat_map(|cause| cause.outranks().iter().copied())
        .collect();
    findings.retain(|finding| !outranked.contains(&finding.cause));
    findings.sort_by_key(|finding| {
        let place = CAUSES.iter().position(|cause| cause.id() == finding.cause);
        let frame = finding.evidence.first().map(|evidence| evidence.mark.frame);
        (std::cmp::Reverse(finding.weight), place, frame)
    });
    let mut findings = findings.into_iter();
    let chosen = findings.next();
    let end = seen.end();
    let (outcome, aborted_by) = match &chosen {
        Some(finding) => (
            finding.outcome,
            finding
                .aborted_by
                .unwrap_or_else(|| end.by.map_or(AbortedBy::Nobody, AbortedBy::from)),
        ),
        None if seen.completed() => (Outcome::Completed, AbortedBy::Nobody),
        // TLS was asked for within another protocol, and never began.
        None if seen.asked_for_tls.is_some() && !seen.spoke_tls() => {
            (Outcome::Failed, end.by.map_or(AbortedBy::Nobody, AbortedBy::from))
        }
        None if !seen.spoke_tls() => (Outcome::NotAttempted, AbortedBy::Nobody),
        None => (Outcome::Undetermined, AbortedBy::Nobody),
    };
    let failed = matches!(outcome, Outcome::Failed | Outcome::Undetermined);
    Verdict {
        outcome,
        aborted_by,
        step: step(seen),
        failed_at: (failed && !matches!(end.act, Act::Silence)).then_some(end.mark),
        cause: chosen,
        findings: findings.collect(),
    }
}

/// The last step that was reached.
fn step(seen: &Observed) -> Step {
    if seen.completed() {
        return Step::Completed;
    }
    if !seen.tcp.established() && !seen.tcp.started_midway() {
        return Step::TcpConnect;
    }
    if !seen.spoke_tls() {
        return if seen.is_silent() {
            Step::TcpConnect
        } else {
            Step::Preamble
        };
    }
    if seen.answer.as_ref().seen().is_none() {
        return if seen.offer.is_seen() {
            Step::ClientHello
        } else {
            Step::Unknown
        };
    }
    if let Some(sealed) = seen.sealed() {
        return match (sealed.client, sealed.server) {
            (
                ClientReply::Accepted {
                    empty_certificate,
                    certificate,
                    ..
                },
                ServerReply::Refused(_),
            ) if empty_certificate.is_some() || certificate.is_some() => Step::ClientCertificate,
            (ClientReply::Accepted { .. }, _) => Step::ClientFinished,
            (ClientReply::Refused(_), _) => Step::ServerCertificate,
            (ClientReply::Nothing, _) if sealed.flight.is_empty() => Step::ServerHello,
            (ClientReply::Nothing, _) => Step::ServerFinished,
        };
    }
    let said = |side: Side, kind: HandshakeType| seen.message(side, kind).is_some();
    if said(Side::Client, HandshakeType::CERTIFICATE) {
        Step::ClientCertificate
    } else if said(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE) || seen.change_cipher_spec[0].is_some() {
        Step::ClientFinished
    } else if said(Side::Server, HandshakeType::CERTIFICATE) {
        Step::ServerCertificate
    } else {
        Step::ServerHello
    }
}
