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
                .infer(if seen.asks_its_user() {
                    "A browser leaves where a client certificate is asked for, and comes back with another connection once its user has \
                     chosen one."
                } else {
                    "Cancelled by a user or a timeout, a scanner, a browser's spare connection: each looks like this."
                })
                .remedy(
                    AtFault::Client,
                    "the client's log of that second tells whether it meant to",
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
    fn a_client_that_leaves_before_any_answer_gave_up_by_itself() {
        let seen = connected().client_hello(|hello| hello).fin(Client).fin(Server).seen();
        let finding = judged(&ClientAbandoned, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(finding.at_fault, AtFault::Unknown);
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("client-abandoned", AbortedBy::Client)
        );
    }

    #[test]
    fn user_canceled_is_a_client_that_leaves() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 1, 90)
            .fin(Client)
            .seen();
        assert!(judged(&ClientAbandoned, &seen).is_some());
    }

    #[test]
    fn of_a_browser_at_a_certificate_request_it_is_told_that_it_asks_its_user() {
        let left = |stack| {
            let mut seen = connected()
                .client_hello(Hello::tls12)
                .server_flight_asking(&[b"leaf"])
                .fin(Client)
                .seen();
            set_stack(&mut seen, stack);
            judged(&ClientAbandoned, &seen).unwrap().inferred.unwrap()
        };
        assert!(left(crate::tls::ClientStack::BoringSsl).contains("its user"));
        assert!(!left(crate::tls::ClientStack::Go).contains("its user"));
    }

    #[test]
    fn a_client_that_leaves_after_the_handshake_has_abandoned_nothing() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .sealed(Client, &[80])
            .fin(Client)
            .seen();
        assert!(judged(&ClientAbandoned, &seen).is_none());
    }

    #[test]
    fn a_client_that_never_said_hello_has_abandoned_nothing() {
        assert!(judged(&ClientAbandoned, &connected().fin(Client).seen()).is_none());
    }

    #[test]
    fn a_defect_of_the_certificate_outranks_it() {
        let root = Authority::root("Shop Root");
        let leaf = Leaf::named("shop.example").with(valid(2020, 2025)).signed_by(&root);
        let seen = connected()
            .client_hello(|hello| hello.tls12().suites(&[0x009c]))
            .server_flight_unsigned(&[&leaf])
            .fin(Client)
            .seen();
        let verdict = context().trusting(&root).verdict(&seen);
        assert_eq!(name_of(&verdict), "certificate-expired");
        assert!(!mentions(&verdict, "client-abandoned"));
    }
}
