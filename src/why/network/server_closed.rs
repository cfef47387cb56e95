//! The server hung up in the middle of the handshake.

use crate::why::prelude::*;

/// FIN or RST by the server after it had begun to answer, or close_notify instead of an answer.
pub(crate) struct ServerClosed;

impl Cause for ServerClosed {
    fn id(&self) -> CauseId {
        CauseId("server-closed")
    }

    fn page(&self) -> &'static str {
        include_str!("server_closed.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.completed() || seen.tcp.refused().is_some() {
            return;
        }
        let end = seen.end();
        if end.by != Some(Side::Server) {
            return;
        }
        let how = match end.act {
            Act::Fin => "closed the connection",
            Act::Reset => "reset the connection",
            Act::Alert(alert) if alert.description == AlertDescription::CLOSE_NOTIFY => "said close_notify",
            Act::HiddenAlert(_) => "sent an encrypted alert and closed",
            Act::Alert(_) => "gave up with an alert",
            Act::Silence => return,
        };
        let place = if seen.is_silent() {
            // A reset alone may be the last of an earlier connection.
            if !matches!(end.act, Act::Reset) || seen.tcp.side(Side::Server).syn().is_none() {
                return;
            }
            "right after accepting it, before any byte"
        } else if let Some(place) = seen.sealed().and_then(|sealed| in_the_reply(sealed.client, end.mark)) {
            place
        } else if seen.answer.is_seen() {
            "after its own ServerHello"
        } else if seen.offer.is_seen() && matches!(end.act, Act::Alert(_)) {
            "in answer to the ClientHello"
        } else {
            return;
        };
        let sentence = format!("{} {how} {place}, without saying why.", server_called(seen));
        let mut finding = Finding::new(self, if how == "gave up with an alert" { 35 } else { 72 }, sentence)
            .at_fault(AtFault::Server);
        if let Seen::Seen(answer) = &seen.answer {
            finding = finding.prove_span(&answer.span, format!("ServerHello, {}", answer.value.version));
        }
        let shown = match end.act {
            Act::Alert(alert) => told(&alert),
            _ => format!("the server {how}"),
        };
        findings.push(
            finding
                .prove(end.mark, shown)
                .remedy(
                    AtFault::Server,
                    "its log of that second: rules on client certificates, an unusable key, a limit or timeout of the load balancer",
                    None,
                ),
        );
    }
}

/// How far the client's reply to the flight had come in this packet of the server; `None` where it had not begun.
fn in_the_reply(reply: ClientReply, end: Mark) -> Option<&'static str> {
    let ClientReply::Accepted { finished, .. } = reply else {
        return None;
    };
    let began = reply.begins()?;
    if finished.mark.frame < end.frame {
        Some("after the client's Finished")
    } else {
        (began.frame < end.frame).then_some("after the client's Certificate")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn flight(chain: &Issued) -> Scene {
        connected().client_hello(Hello::tls12).server_flight(&chain.whole())
    }

    #[test]
    fn a_server_that_closes_after_its_own_hello_hung_up() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .fin(Server)
            .seen();
        let finding = judged(&ServerClosed, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(finding.at_fault, AtFault::Server);
        assert_eq!(chosen(&seen), "server-closed");
    }

    #[test]
    fn where_it_hangs_up_in_the_clients_reply_is_told() {
        let said = |end: fn(Scene) -> Scene| {
            let flight = connected().client_hello(|hello| hello).server_hello(0x0304, 0x1301);
            let seen = end(flight.sealed(Server, &[40, 2_000, 281, 53])).seen();
            judged(&ServerClosed, &seen).unwrap().sentence
        };
        let finished = said(|scene| scene.sealed(Client, &[25, 53]).fin(Server));
        assert!(finished.contains("after the client's Finished"), "{finished}");
        let shown = said(|scene| scene.sealed(Client, &[25]).fin(Server).sealed(Client, &[53]));
        assert!(shown.contains("after the client's Certificate"), "{shown}");
        let before = said(|scene| scene.fin(Server).sealed(Client, &[53]));
        assert!(before.contains("after its own ServerHello"), "{before}");
    }

    #[test]
    fn close_notify_instead_of_an_answer_is_hanging_up() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 1, 0)
            .fin(Server)
            .seen();
        let finding = judged(&ServerClosed, &seen).unwrap();
        assert!(finding.sentence.contains("close_notify"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "server-closed");
    }

    #[test]
    fn a_server_that_closes_after_the_handshake_may_do_so() {
        let chain = Issued::to("shop.example");
        let seen = flight(&chain).finished_by_both().fin(Server).fin(Client).seen();
        assert!(judged(&ServerClosed, &seen).is_none());
        assert_eq!(context().trusting(&chain.root).chosen(&seen), "");
    }

    #[test]
    fn a_server_that_follows_the_client_out_has_not_hung_up() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .fin(Client)
            .fin(Server)
            .seen();
        assert!(judged(&ServerClosed, &seen).is_none());
    }

    #[test]
    fn an_alert_that_says_why_outweighs_it() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0301]))
            .alert(Server, 2, 70)
            .fin(Server)
            .seen();
        assert_eq!(chosen(&seen), "version-mismatch");
    }
}
