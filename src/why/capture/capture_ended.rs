//! The capture ends while the handshake is going on.

use crate::why::prelude::*;

/// Seconds of silence up to which a handshake may simply be waiting.
const STILL_GOING: f64 = 5.0;

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
        if seen.completed() || !tried || !matches!(seen.end().act, Act::Silence) || seen.tcp.started_midway() {
            return;
        }
        let watched = seen.silence_watched().unwrap_or_default();
        if watched > STILL_GOING && !seen.is_silent() || seen.tcp.established() && seen.is_silent() {
            return;
        }
        let sentence = format!(
            "The capture ends {} after the last packet of this handshake; how it went on is not in it.",
            span_of_time(watched)
        );
        findings.push(
            Finding::new(self, if seen.spoke_tls() { 95 } else { 80 }, sentence)
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
