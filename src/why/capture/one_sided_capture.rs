//! Only one direction was captured.

use crate::why::prelude::*;

/// One side talks and acknowledges; the other is never seen.
pub(crate) struct OneSidedCapture;

impl Cause for OneSidedCapture {
    fn id(&self) -> CauseId {
        CauseId("one-sided-capture")
    }

    fn page(&self) -> &'static str {
        include_str!("one_sided_capture.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("no-server-response"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("capture-ended"),
            CauseId("started-mid-connection"),
            CauseId("capture-gap"),
            CauseId("tcp-probe"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(side) = seen.tcp.one_sided() else { return };
        if !seen.spoke_tls() || seen.fatal_alert().is_some() {
            return;
        }
        let sentence = format!(
            "Only the {}'s packets are in the capture; they acknowledge what the {} sent, so there was an answer that nobody recorded.",
            side.as_str(),
            side.peer().as_str()
        );
        findings.push(
            Finding::new(self, 96, sentence)
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), format!("every packet is the {}'s", side.as_str()))
                .prove(
                    seen.closing(),
                    "the last one; acknowledgements advance without data from the other side",
                )
                .remedy(
                    AtFault::Capture,
                    "mirror both directions of the port, or capture on the host itself",
                    Some("tcpdump -i any -s 0 -w FILE".to_owned()),
                ),
        );
    }
}
