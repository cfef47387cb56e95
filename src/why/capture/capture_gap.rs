//! Bytes of the handshake are missing from the capture, though the peer received them.

use crate::evidence::Hidden;
use crate::why::prelude::*;

/// A hole where the handshake was.
pub(crate) struct CaptureGap;

impl Cause for CaptureGap {
    fn id(&self) -> CauseId {
        CauseId("capture-gap")
    }

    fn page(&self) -> &'static str {
        include_str!("capture_gap.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let holed = |side: &Side| matches!(seen.lost[side.index()], Some(Hidden::Gap | Hidden::Snaplen));
        let Some(side) = [Side::Client, Side::Server].into_iter().find(holed) else {
            return;
        };
        if seen.completed() || seen.fatal_alert().is_some() || seen.tcp.all_gaps().bytes == 0 {
            return;
        }
        let cut = seen.lost[side.index()] == Some(Hidden::Snaplen);
        let sentence = format!(
            "{} bytes of the {}'s side are not in the capture{}, so the handshake cannot be followed.",
            seen.tcp.all_gaps().bytes,
            side.as_str(),
            if cut {
                ": the packets were cut"
            } else {
                ", though the other side received them"
            }
        );
        // Data both ways afterwards: whatever the hole hid, the connection worked.
        let went_on = [Side::Client, Side::Server].iter().all(|side| seen.sent_data(*side));
        if went_on {
            return;
        }
        findings.push(
            Finding::new(self, 90, sentence)
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), "the connection begins")
                .prove(seen.closing(), "and ends with a hole between")
                .remedy(
                    AtFault::Capture,
                    "capture whole packets with a larger buffer",
                    Some("tcpdump -s 0 -B 65536 -w FILE".to_owned()),
                ),
        );
    }
}
