//! What both ways of stopping in the middle of a handshake have in common.

use super::path_mtu::told_again;
use crate::connection::Turn;
use crate::stream::Retransmission;
use crate::why::prelude::*;

/// Times that the waiting side said the same again before the silent one counts as gone.
const UNHEARD: u32 = 2;

/// A side that said no more although it was its turn, while the other waited for it.
pub(super) struct Stall {
    pub(super) turn: Turn,
    /// Seconds.
    pub(super) waited: f64,
    end: Mark,
    aborted_by: AbortedBy,
    how: String,
    /// What the waiting side said again and again, and nothing of the silent one acknowledged.
    unheard: Option<Retransmission>,
}

impl Stall {
    /// Where `silent` kept the other side waiting: for `patience` seconds at least before it gave up, or until the end of the capture.
    pub(super) fn of(silent: Side, seen: &Observed, patience: f64) -> Option<Self> {
        if seen.completed() || seen.fatal_alert().is_some() || seen.tcp.one_sided().is_some() {
            return None;
        }
        let turn = seen.turn().filter(|turn| turn.of == silent)?;
        let waiting = silent.peer();
        let end = seen.end();
        let gave_up = |how| {
            Some((
                AbortedBy::from(waiting),
                format!("the {} {how}", waiting.as_str()),
                patience,
            ))
        };
        let (aborted_by, how, patience) = match (end.by, end.act) {
            (Some(by), Act::Fin) if by == waiting => gave_up("closes"),
            (Some(by), Act::Reset) if by == waiting => gave_up("resets the connection"),
            (Some(by), Act::Alert(_)) if by == waiting => gave_up("says goodbye"),
            // A capture that was cut down to its beginning looks the same.
            (None, Act::Silence) if seen.unfinished.is_empty() => {
                Some((AbortedBy::Nobody, "the last packet".to_owned(), STILL_GOING))
            }
            _ => None,
        }?;
        let waited = seen.waited_since(turn.since);
        let unheard = seen.tcp.side(waiting).unacked_retransmission();
        (waited >= patience).then(|| Self {
            turn,
            waited,
            end: end.mark,
            aborted_by,
            how,
            unheard: unheard.filter(|again| again.times >= UNHEARD),
        })
    }

    /// Nothing of the silent side is heard any more, not even an acknowledgement.
    pub(super) fn is_gone(&self) -> bool {
        self.unheard.is_some()
    }

    /// Who is at fault, who ended it, and the evidence.
    pub(super) fn told(&self, finding: Finding) -> Finding {
        let (at_fault, aborted_by) = match (self.is_gone(), self.turn.of) {
            (true, _) => (AtFault::Unknown, AbortedBy::Network),
            (false, Side::Client) => (AtFault::Client, self.aborted_by),
            (false, Side::Server) => (AtFault::Server, self.aborted_by),
        };
        let finding = finding
            .at_fault(at_fault)
            .aborted_by(aborted_by)
            .prove(self.turn.since, self.turn.what)
            .prove(self.end, format!("{}, {} later", self.how, span_of_time(self.waited)));
        match &self.unheard {
            Some(again) => finding.prove(again.last, told_again(again)),
            None => finding,
        }
    }
}
