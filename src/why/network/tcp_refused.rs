//! The SYN was answered by a reset.

use crate::why::prelude::*;

/// Nothing listens there, or a firewall rejects.
pub(crate) struct TcpRefused;

impl Cause for TcpRefused {
    fn id(&self) -> CauseId {
        CauseId("tcp-refused")
    }

    fn page(&self) -> &'static str {
        include_str!("tcp_refused.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(refused) = seen.tcp.refused() else { return };
        let sentence = format!(
            "{} answered the SYN with RST: nothing listens on port {}, or a firewall rejects the connection.",
            seen.server, seen.server.port
        );
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server);
        if let Some(syn) = seen.tcp.side(Side::Client).syn() {
            finding = finding.prove(syn, format!("SYN to port {}", seen.server.port));
        }
        findings.push(
            finding
                .prove(refused, "RST instead of SYN-ACK")
                .remedy(
                    AtFault::Server,
                    "start the service, or bind it to this address and port",
                    Some(format!("ss -ltnp 'sport = :{}'", seen.server.port)),
                )
                .remedy(
                    AtFault::Client,
                    "check that the port is the right one; a firewall may also answer with reject",
                    None,
                ),
        );
    }
}
