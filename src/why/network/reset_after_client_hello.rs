//! The ClientHello was answered by a reset.

use crate::why::prelude::*;

/// RST in answer to the hello, and not one byte of TLS from the server.
pub(crate) struct ResetAfterClientHello;

impl Cause for ResetAfterClientHello {
    fn id(&self) -> CauseId {
        CauseId("reset-after-client-hello")
    }

    fn page(&self) -> &'static str {
        include_str!("reset_after_client_hello.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("server-closed")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        if !matches!(seen.first[Side::Server.index()], First::Nothing | First::Tls(_)) {
            return;
        }
        let Some(reset) = seen.tcp.side(Side::Server).first_rst() else {
            return;
        };
        let first_bytes = seen.tcp.side(Side::Server).first_payload();
        let client_left = seen.tcp.side(Side::Client).first_ending();
        if reset.mark.frame < offer.span.first_frame
            || first_bytes.is_some_and(|bytes| bytes.frame < reset.mark.frame)
            || client_left.is_some_and(|ending| ending.mark.frame < reset.mark.frame)
        {
            return;
        }
        let after = between(&offer.span.mark, &reset.mark).map(span_of_time);
        let sentence = format!(
            "{} reset the connection {}after the ClientHello, without a byte of TLS.",
            server_called(seen),
            after.as_ref().map(|after| format!("{after} ")).unwrap_or_default()
        );
        let usual = seen.tcp.side(Side::Server).ttl;
        let mut finding = Finding::new(self, 88, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server)
            .prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len))
            .prove(reset.mark, format!("RST, TTL {}", reset.ttl))
            .remedy(
                AtFault::Server,
                "look at the server's own log of that second; Windows: System log, Schannel 36871, 36874, 36888",
                None,
            )
            .remedy(
                AtFault::Server,
                "check that a certificate is bound for this name; Windows: list the bindings",
                Some("netsh http show sslcert".to_owned()),
            );
        if let Some(usual) = usual.filter(|usual| *usual != reset.ttl) {
            finding.weight = 60;
            finding.inferred = Some(format!(
                "The reset has TTL {} where the server's other packets have TTL {usual}: a device on the path may have sent it.",
                reset.ttl
            ));
            finding.at_fault = AtFault::Network;
            finding.aborted_by = Some(AbortedBy::Network);
        }
        findings.push(finding);
    }
}
