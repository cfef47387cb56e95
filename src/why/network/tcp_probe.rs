//! A connection that carried no byte: a health check, a scan, a pre-connect. Not a failure.

use crate::why::prelude::*;

/// Connected and closed without a byte, or never quite connected.
pub(crate) struct TcpProbe;

impl Cause for TcpProbe {
    fn id(&self) -> CauseId {
        CauseId("tcp-probe")
    }

    fn page(&self) -> &'static str {
        include_str!("tcp_probe.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let server = &seen.tcp.side(Side::Server);
        if !seen.is_silent() || seen.tcp.refused().is_some() || seen.tcp.started_midway() {
            return;
        }
        let Some(syn_ack) = server.syn() else { return };
        // A server that resets an accepted connection before any byte is no probe.
        let ending = seen.tcp.first_ending();
        if ending.is_some_and(|ending| ending.from == Side::Server && (ending.kind == EndingKind::Rst)) {
            return;
        }
        let (what, last) = match (seen.tcp.established(), ending) {
            (true, Some(ending)) => ("connected and closed without a byte", ending.mark),
            (true, None) => ("connected and never sent a byte", seen.closing()),
            (false, _) => ("never completed the TCP handshake after the SYN-ACK", seen.closing()),
        };
        let sentence = format!(
            "{} {what}: a health check, a scan or a pre-connect. Nobody tried TLS.",
            seen.client.address
        );
        findings.push(
            Finding::new(self, 95, sentence)
                .at_fault(AtFault::Nobody)
                .outcome(Outcome::NotAttempted)
                .prove(syn_ack, "SYN-ACK")
                .prove(last, "the end; no byte of payload from either side"),
        );
    }
}
