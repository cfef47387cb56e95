//! What a cause says when it has found itself.

use crate::connection::Observed;
use crate::evidence::{Mark, Span};
use crate::why::{AbortedBy, AtFault, Cause, CauseId, Outcome, Severity};

/// One thing in the packets that supports a finding.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// The packet that completed it.
    pub(crate) mark: Mark,
    /// The first of its frames.
    pub(crate) first_frame: u64,
    /// What is there, with the actual values.
    pub(crate) text: String,
    /// It stands in another connection.
    pub(crate) elsewhere: bool,
    /// Neither side sent it: a router or firewall did.
    pub(crate) by_path: bool,
}

/// Something to do.
#[derive(Clone, Debug)]
pub(crate) struct Remedy {
    /// On whose side.
    pub(crate) side: AtFault,
    /// What to do.
    pub(crate) text: String,
    /// A command or directive that does or checks it.
    pub(crate) command: Option<String>,
}

/// Another reading, and why it was not chosen.
#[derive(Clone, Debug)]
pub(crate) struct Alternative {
    /// The other cause.
    pub(crate) cause: CauseId,
    /// Why it stands back.
    pub(crate) why_not: String,
}

/// A cause that was found, with its proof.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Which cause.
    pub(crate) cause: CauseId,
    /// 0–100: how sure; see [`Confidence::of_weight`](crate::why::Confidence::of_weight).
    pub(crate) weight: u8,
    /// Who has to change something.
    pub(crate) at_fault: AtFault,
    /// The answer in one or two sentences.
    pub(crate) sentence: String,
    /// What is inferred beyond the packets, where something is.
    pub(crate) inferred: Option<String>,
    /// What proves it. Never empty in a verdict.
    pub(crate) evidence: Vec<Evidence>,
    /// What to do.
    pub(crate) remedies: Vec<Remedy>,
    /// Readings that were considered.
    pub(crate) alternatives: Vec<Alternative>,
    /// The outcome, where it is not simply a failure.
    pub(crate) outcome: Outcome,
    /// Who ended it, where that is not whose act came first.
    pub(crate) aborted_by: Option<AbortedBy>,
    /// It is a remark, of this gravity: worth knowing, but no reason for what happened; told beside the verdict, never as the verdict.
    pub(crate) remark: Option<Severity>,
}

impl Finding {
    /// A finding of this cause with a weight of 0–100; everything else is to be filled in.
    pub(crate) fn new(cause: &dyn Cause, weight: u8, sentence: impl Into<String>) -> Self {
        Self {
            cause: cause.id(),
            weight: weight.min(100),
            at_fault: AtFault::Unknown,
            sentence: sentence.into(),
            inferred: None,
            evidence: Vec::new(),
            remedies: Vec::new(),
            alternatives: Vec::new(),
            outcome: Outcome::Failed,
            aborted_by: None,
            remark: None,
        }
    }

    /// Makes it a remark: worth knowing, but no reason for what happened.
    pub(crate) fn into_remark(self) -> Self {
        self.remark_of(Severity::Note)
    }

    /// Makes it a remark that somebody has to act on: no reason for what happened, but wrong in itself.
    pub(crate) fn into_warning(self) -> Self {
        self.remark_of(Severity::Warning)
    }

    /// True where it is told beside the verdict only.
    pub(crate) const fn is_remark(&self) -> bool {
        self.remark.is_some()
    }

    fn remark_of(mut self, severity: Severity) -> Self {
        self.remark = Some(severity);
        self
    }

    /// Says who has to change something.
    pub(crate) fn at_fault(mut self, party: AtFault) -> Self {
        self.at_fault = party;
        self
    }

    /// Adds a packet as proof.
    pub(crate) fn prove(mut self, mark: Mark, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            mark,
            first_frame: mark.frame,
            text: text.into(),
            elsewhere: false,
            by_path: false,
        });
        self
    }

    /// Adds a packet as proof that neither side sent, but a router or firewall between them.
    pub(crate) fn prove_by_path(mut self, mark: Mark, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            mark,
            first_frame: mark.frame,
            text: text.into(),
            elsewhere: false,
            by_path: true,
        });
        self
    }

    /// Adds a range of bytes as proof.
    pub(crate) fn prove_span(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            mark: span.mark,
            first_frame: span.first_frame,
            text: text.into(),
            elsewhere: false,
            by_path: false,
        });
        self
    }

    /// Adds a packet of another connection as proof.
    pub(crate) fn prove_elsewhere(mut self, mark: Mark, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            mark,
            first_frame: mark.frame,
            text: text.into(),
            elsewhere: true,
            by_path: false,
        });
        self
    }

    /// Says what is inferred beyond the packets.
    pub(crate) fn infer(mut self, text: impl Into<String>) -> Self {
        self.inferred = Some(text.into());
        self
    }

    /// Adds something to do.
    pub(crate) fn remedy(mut self, side: AtFault, text: impl Into<String>, command: Option<String>) -> Self {
        self.remedies.push(Remedy {
            side,
            text: text.into(),
            command,
        });
        self
    }

    /// Names another reading.
    pub(crate) fn but_not(mut self, cause: CauseId, why_not: impl Into<String>) -> Self {
        self.alternatives.push(Alternative {
            cause,
            why_not: why_not.into(),
        });
        self
    }

    /// Sets the outcome.
    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says who ended it.
    pub(crate) fn aborted_by(mut self, who: AbortedBy) -> Self {
        self.aborted_by = Some(who);
        self
    }

    /// The offer as proof, told by `text`.
    pub(crate) fn prove_offer(self, seen: &Observed, text: impl Into<String>) -> Self {
        match seen.offer.as_ref().seen() {
            Some(offer) => self.prove_span(&offer.span, text),
            None => self,
        }
    }
}
