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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn internal_error_of_the_server_is_its_own() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Server, 2, 80)
            .fin(Server)
            .seen();
        let finding = judged(&InternalError, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(finding.at_fault, AtFault::Server);
        assert_eq!(chosen(&seen), "internal-error");
    }

    #[test]
    fn in_answer_to_the_hello_a_missing_certificate_for_the_name_says_the_same() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 80)
            .fin(Server)
            .seen();
        let finding = judged(&InternalError, &seen).unwrap();
        assert!(
            finding
                .alternatives
                .iter()
                .any(|other| other.cause == CauseId("sni-unrecognized"))
        );
        let verdict = context().server_serves(&["www.shop.example"]).verdict(&seen);
        assert_eq!(name_of(&verdict), "sni-unrecognized");
    }

    #[test]
    fn a_client_that_finds_a_defect_may_call_it_internal() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(|hello| hello.tls12().name("other.example"))
            .server_flight(&chain.whole())
            .alert(Client, 2, 80)
            .seen();
        let verdict = context().trusting(&chain.root).verdict(&seen);
        assert_eq!(name_of(&verdict), "hostname-mismatch");
        assert!(!mentions(&verdict, "internal-error"));
    }

    #[test]
    fn other_alerts_are_none() {
        let seen = connected().client_hello(|hello| hello).alert(Server, 2, 40).seen();
        assert!(judged(&InternalError, &seen).is_none());
    }
}
