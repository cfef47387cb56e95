//! It was the server's turn, and it said no more.

use crate::why::prelude::*;

/// Seconds after which nobody waits for the rest of an answer any more.
const PATIENCE: f64 = 3.0;

/// The server stopped in the middle of the handshake: until the client gave up, or as long as it was watched.
pub(crate) struct StalledByServer;

impl Cause for StalledByServer {
    fn id(&self) -> CauseId {
        CauseId("stalled-by-server")
    }

    fn page(&self) -> &'static str {
        include_str!("stalled_by_server.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.completed() || seen.fatal_alert().is_some() || seen.tcp.one_sided().is_some() {
            return;
        }
        let Some(turn) = seen.turn().filter(|turn| turn.of == Side::Server) else {
            return;
        };
        let waited = seen.waited_since(turn.since);
        let end = seen.end();
        let (by, how) = match (end.by, end.act) {
            (Some(Side::Client), Act::Fin) => (AbortedBy::Client, "the client closes"),
            (Some(Side::Client), Act::Reset) => (AbortedBy::Client, "the client resets the connection"),
            (Some(Side::Client), Act::Alert(_)) => (AbortedBy::Client, "the client says goodbye"),
            (None, Act::Silence) if seen.unfinished.is_empty() => (AbortedBy::Nobody, "the last packet"),
            _ => return,
        };
        if waited < PATIENCE || by == AbortedBy::Nobody && waited <= STILL_GOING {
            return;
        }
        let again = seen.tcp.side(Side::Client).unacked_retransmission();
        let again = again.filter(|again| again.times >= 2);
        let is_gone = again.is_some();
        let sentence = format!(
            "{} stopped {}; {} waited {} for it.",
            server_called(seen),
            turn.after,
            seen.client.address,
            span_of_time(waited)
        );
        let weight = match (is_gone, turn.is_sure) {
            (true, _) => 75,
            (false, true) => 82,
            (false, false) => 60,
        };
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if is_gone { AtFault::Unknown } else { AtFault::Server })
            .aborted_by(if is_gone { AbortedBy::Network } else { by })
            .prove(turn.since, turn.what)
            .prove(end.mark, format!("{how}, {} later", span_of_time(waited)));
        if let Some(again) = again {
            finding = finding.prove(again.last, super::path_mtu::told_again(&again));
        }
        findings.push(
            finding
                .infer(if is_gone {
                    "Nothing of the server is heard any more: it died, or the path lost its state."
                } else {
                    "It may look up the client's certificate (OCSP, CRL, a directory), wait for a key in hardware or for what is behind it."
                })
                .remedy(
                    AtFault::Server,
                    "look at what the server did in these seconds: a look-up of the client's certificate, a hardware key, a busy worker",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn answered() -> Scene {
        let chain = Issued::to("shop.example");
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .client_key_exchange()
            .finished(Client)
    }

    #[test]
    fn a_server_that_never_finishes_stalls() {
        let seen = answered().ack(Server).wait(30.0).fin(Client).seen();
        let finding = judged(&StalledByServer, &seen).unwrap();
        assert_eq!((finding.weight, finding.aborted_by), (82, Some(AbortedBy::Client)));
        assert!(finding.sentence.contains("30.0 s"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "stalled-by-server");
        assert_eq!(chosen(&answered().ack(Server).wait(30.0).seen()), "stalled-by-server");
    }

    #[test]
    fn a_client_that_does_not_wait_has_left_by_itself() {
        let seen = answered().ack(Server).wait(0.4).fin(Client).seen();
        assert!(judged(&StalledByServer, &seen).is_none());
        assert_eq!(chosen(&seen), "client-abandoned");
    }

    #[test]
    fn a_server_that_closes_has_not_stalled() {
        let seen = answered().ack(Server).wait(30.0).fin(Server).seen();
        assert!(judged(&StalledByServer, &seen).is_none());
    }

    #[test]
    fn a_server_that_stops_after_its_hello_stalls() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .ack(Client)
            .wait(30.0)
            .fin(Client)
            .seen();
        assert_eq!(chosen(&seen), "stalled-by-server");
    }

    #[test]
    fn a_server_that_never_began_is_mute() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .ack(Server)
            .wait(30.0)
            .fin(Client)
            .seen();
        assert!(judged(&StalledByServer, &seen).is_none());
        assert_eq!(chosen(&seen), "no-server-response");
    }

    #[test]
    fn a_server_that_does_not_acknowledge_either_is_gone() {
        let lost = |scene: Scene| scene.wait(2.0).repeat(Client, &[1; 20]);
        let seen = lost(lost(lost(answered()))).wait(20.0).seen();
        let finding = judged(&StalledByServer, &seen).unwrap();
        assert_eq!((finding.weight, finding.aborted_by), (75, Some(AbortedBy::Network)));
    }

    #[test]
    fn under_the_keys_of_tls_1_3_a_client_without_an_answer_to_its_certificate_waits() {
        let sealed = |client: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 120, 2_000, 281, 53])
                .sealed(Client, client)
                .ack(Server)
                .wait(20.0)
                .seen()
        };
        assert_eq!(chosen(&sealed(&[1_200, 281, 53])), "stalled-by-server");
        // Nothing has to be said to a Finished alone.
        assert!(judged(&StalledByServer, &sealed(&[53])).is_none());
    }
}
