//! The client left in the middle of the handshake, without an alert.

use crate::why::prelude::*;

/// Cancelled, a scanner, a browser that comes back with another connection.
pub(crate) struct ClientAbandoned;

impl Cause for ClientAbandoned {
    fn id(&self) -> CauseId {
        CauseId("client-abandoned")
    }

    fn page(&self) -> &'static str {
        include_str!("client_abandoned.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.completed() || !seen.offer.is_seen() {
            return;
        }
        let end = seen.end();
        let how = match (end.by, end.act) {
            (Some(Side::Client), Act::Fin) => "closed the connection",
            (Some(Side::Client), Act::Reset) => "reset the connection",
            (Some(Side::Client), Act::Alert(alert)) if alert.description == AlertDescription::CLOSE_NOTIFY => {
                "said close_notify and left"
            }
            (Some(Side::Client), Act::Alert(alert)) if alert.description == AlertDescription::USER_CANCELED => {
                "cancelled the handshake"
            }
            (Some(Side::Client), Act::Alert(_)) => "gave up with an alert",
            _ => return,
        };
        let place = match (
            seen.answer.is_seen(),
            seen.server_hello_done() || seen.sealed().is_some(),
        ) {
            (_, true) => "after the server's flight",
            (true, false) => "after the ServerHello",
            (false, false) => "before the server had answered",
        };
        let sentence = format!(
            "{} {how} {place} of {}, without saying why.",
            seen.client.address,
            server_called(seen)
        );
        let mut finding = Finding::new(self, if how == "gave up with an alert" { 35 } else { 70 }, sentence)
            .at_fault(AtFault::Unknown);
        if let Seen::Seen(answer) = &seen.answer {
            finding = finding.prove_span(&answer.span, format!("ServerHello, {}", answer.value.version));
        }
        findings.push(
            finding
                .prove(end.mark, format!("the client {how}"))
                .infer(
                    "Cancelled by a user or a timeout, a scanner, a browser's spare connection: each looks like this.",
                )
                .remedy(
                    AtFault::Client,
                    "the client's log of that second tells whether it meant to",
                    None,
                ),
        );
    }
}
