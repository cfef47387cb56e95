//! A side says that something within itself failed.

use crate::why::prelude::*;

/// internal_error.
pub(crate) struct InternalError;

impl Cause for InternalError {
    fn id(&self) -> CauseId {
        CauseId("internal-error")
    }

    fn page(&self) -> &'static str {
        include_str!("internal_error.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if alert.description != AlertDescription::INTERNAL_ERROR || seen.completed() {
            return;
        }
        let sender = alert.span.from();
        let to_the_hello = seen.refusal_of_the_hello().is_some();
        let sentence = format!(
            "The {} gave up with internal_error {}: the reason is in its own log only.",
            sender.as_str(),
            if to_the_hello {
                "on the ClientHello"
            } else {
                "in the middle of the handshake"
            }
        );
        let party = if sender == Side::Server {
            AtFault::Server
        } else {
            AtFault::Client
        };
        let mut finding = Finding::new(self, if to_the_hello { 50 } else { 62 }, sentence).at_fault(party);
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, "ClientHello");
        }
        if to_the_hello {
            finding = finding.but_not(
                CauseId("sni-unrecognized"),
                "a Go server without a certificate for the name says the same; other names to it would show",
            );
        }
        findings.push(
            finding.prove_span(&alert.span, told(alert)).remedy(
                party,
                "read its log of that second: a key or certificate that cannot be loaded, a callback that failed, a self-test",
                None,
            ),
        );
    }
}
