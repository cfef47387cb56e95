//! The capture ends while the handshake is going on.

use crate::why::prelude::*;

/// Nothing ended the connection but the file.
pub(crate) struct CaptureEnded;

impl Cause for CaptureEnded {
    fn id(&self) -> CauseId {
        CauseId("capture-ended")
    }

    fn page(&self) -> &'static str {
        include_str!("capture_ended.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        // One SYN is no attempt that could be told from a scan; a repeated one waits for its answer.
        let tried = seen.spoke_tls() || seen.tcp.side(Side::Client).syn_count > 1 && seen.is_silent();
        if seen.completed() || !tried || !matches!(seen.end().act, Act::Silence) {
            return;
        }
        // A capture that was cut down to some packets ends early too, long before its last packet.
        let cut_down = seen.offer.is_seen() && (seen.tcp.started_midway() || !seen.unfinished.is_empty());
        let watched = seen.silence_watched().unwrap_or_default();
        let waits = watched <= STILL_GOING || seen.is_silent();
        if !cut_down && (!waits || seen.tcp.started_midway()) || seen.tcp.established() && seen.is_silent() {
            return;
        }
        let (weight, sentence) = if waits {
            let after = span_of_time(watched);
            let sentence = format!(
                "The capture ends {after} after the last packet of this handshake; how it went on is not in it."
            );
            (if seen.spoke_tls() { 95 } else { 80 }, sentence)
        } else {
            (
                88,
                "The capture holds the beginning of this handshake only; how it went on is not in it.".to_owned(),
            )
        };
        findings.push(
            Finding::new(self, weight, sentence)
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.closing(), "the last packet of the connection")
                .remedy(
                    AtFault::Capture,
                    "let the capture run until the connection has ended",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_handshake_that_is_going_on_when_the_capture_ends_is_open() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .wait(0.2)
            .seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome),
            ("capture-ended", Outcome::Undetermined)
        );
        assert_eq!(verdict.aborted_by, AbortedBy::Nobody);
    }

    #[test]
    fn a_handshake_that_was_watched_in_silence_has_another_cause() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .wait(30.0)
            .seen();
        assert!(judged(&CaptureEnded, &seen).is_none());
    }

    #[test]
    fn a_handshake_that_somebody_ended_did_not_end_with_the_capture() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .fin(Client)
            .seen();
        assert!(judged(&CaptureEnded, &seen).is_none());
    }

    #[test]
    fn a_handshake_that_was_completed_is_not_open() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .seen();
        assert!(judged(&CaptureEnded, &seen).is_none());
    }
}
