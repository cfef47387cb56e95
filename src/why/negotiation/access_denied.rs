//! A policy refuses the client, though nothing is wrong with what it sent.

use crate::registry::HandshakeType;
use crate::why::prelude::*;

/// access_denied in answer to the hello, or a refusal after the server's own flight although it asked for no certificate.
pub(crate) struct AccessDenied;

impl Cause for AccessDenied {
    fn id(&self) -> CauseId {
        CauseId("access-denied")
    }

    fn page(&self) -> &'static str {
        include_str!("access_denied.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("server-closed"), CauseId("internal-error")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if alert.span.from() != Side::Server || seen.completed() {
            return;
        }
        let finding = if seen.refusal_of_the_hello().is_some() {
            if alert.description != AlertDescription::ACCESS_DENIED {
                return;
            }
            let name = seen.server_name();
            let is_served = match name {
                Some(name) => context.server(seen).names.contains_key(name),
                None => context.server(seen).serves_nameless(),
            };
            let sentence = format!(
                "{} refuses the client with access_denied in answer to the ClientHello: a rule, not a defect of the hello.",
                server_called(seen)
            );
            Finding::new(self, if is_served { 85 } else { 60 }, sentence)
                .prove_offer(seen, "ClientHello")
                .but_not(
                    CauseId("sni-unrecognized"),
                    "rustls until 0.23 says the same where it has no certificate for the name",
                )
        } else {
            let asked = seen.certificate_request.is_seen();
            if asked || !refuses_after_its_flight(seen, alert.description) {
                return;
            }
            let sentence = format!(
                "{} refuses the client after its own flight with {}, although it asked for no certificate: a rule of the application, not \
                 a defect of the handshake.",
                server_called(seen),
                alert.description
            );
            let done = seen.message(Side::Server, HandshakeType::SERVER_HELLO_DONE);
            let finding = Finding::new(self, 86, sentence);
            match done {
                Some(done) => finding.prove_span(&done.span, "ServerHelloDone, and no CertificateRequest before it"),
                None => finding,
            }
        };
        findings.push(
            finding
                .at_fault(AtFault::Server)
                .prove_span(&alert.span, told(alert))
                .remedy(
                    AtFault::Server,
                    "find the rule in the server's log of that second: addresses, names, client libraries (JA3), a callback of the application \
                     (Go: VerifyConnection)",
                    None,
                )
                .remedy(AtFault::Client, "see whether another client, or another address, gets through", Some(s_client(seen, ""))),
        );
    }
}

/// True where the server's flight is whole (TLS ≤ 1.2) and its alert speaks of a certificate that the client was never asked for.
fn refuses_after_its_flight(seen: &Observed, description: AlertDescription) -> bool {
    let speaks_of_one = matches!(
        description,
        AlertDescription::BAD_CERTIFICATE
            | AlertDescription::CERTIFICATE_UNKNOWN
            | AlertDescription::ACCESS_DENIED
            | AlertDescription::UNKNOWN_CA
    );
    let showed_none = seen.message(Side::Client, HandshakeType::CERTIFICATE).is_none();
    speaks_of_one && showed_none && seen.server_hello_done() && matches!(seen.certificate_request, Seen::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn refused(description: u8) -> Observed {
        connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, description)
            .fin(Server)
            .seen()
    }

    #[test]
    fn a_name_that_is_served_to_others_leaves_a_rule() {
        let world = || context().server_serves(&["shop.example"]);
        let finding = world().judged(&AccessDenied, &refused(49)).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert_eq!(world().chosen(&refused(49)), "access-denied");
    }

    #[test]
    fn a_name_of_which_nothing_is_known_may_be_what_is_missing() {
        assert_eq!(confidence(&AccessDenied, &refused(49)), Some(Confidence::Possible));
        assert_eq!(chosen(&refused(49)), "sni-unrecognized");
    }

    #[test]
    fn another_refusal_of_the_hello_is_none() {
        assert!(judged(&AccessDenied, &refused(40)).is_none());
    }

    #[test]
    fn a_refusal_for_a_certificate_that_nobody_asked_for_is_the_applications() {
        let after = |scene: Scene| {
            scene
                .client_key_exchange()
                .finished(Client)
                .alert(Server, 2, 42)
                .fin(Server)
                .seen()
        };
        let hello = || connected().client_hello(Hello::tls12);
        let seen = after(hello().server_flight(&[b"leaf"]));
        assert_eq!(confidence(&AccessDenied, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "access-denied");
        let asked = after(hello().server_flight_asking(&[b"leaf"]).certificate(Client, &[]));
        assert!(judged(&AccessDenied, &asked).is_none());
    }
}
