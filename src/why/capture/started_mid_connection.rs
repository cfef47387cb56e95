//! The capture begins inside the connection.

use crate::why::prelude::*;

/// No SYN, no hello: the handshake was before the first packet.
pub(crate) struct StartedMidConnection;

impl Cause for StartedMidConnection {
    fn id(&self) -> CauseId {
        CauseId("started-mid-connection")
    }

    fn page(&self) -> &'static str {
        include_str!("started_mid_connection.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if !seen.tcp.started_midway() || seen.offer.is_seen() || !seen.spoke_tls() || seen.completed() {
            return;
        }
        // Application data both ways: a connection that was set up before the capture began, and worked.
        if [Side::Client, Side::Server].iter().all(|side| seen.sent_data(*side)) {
            return;
        }
        findings.push(
            Finding::new(self, 95, "The capture begins inside this connection: its handshake, or the first part of it, is not in the packets.")
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), "the first packet continues a connection: no SYN before it")
                .remedy(AtFault::Capture, "start the capture before the client connects", None),
        );
    }
}
