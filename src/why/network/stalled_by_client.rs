//! It was the client's turn, and it said no more.

use super::stall::Stall;
use crate::why::prelude::*;

/// Seconds after which a server's timer may have run out.
const TIMER: f64 = 4.5;

/// Seconds after which a server has waited for the rest of a ClientHello, which it cannot judge before it is whole.
const REST: f64 = 1.0;

/// The client stopped in the middle of the handshake: until the server's timer, or as long as it was watched.
pub(crate) struct StalledByClient;

impl Cause for StalledByClient {
    fn id(&self) -> CauseId {
        CauseId("stalled-by-client")
    }

    fn page(&self) -> &'static str {
        include_str!("stalled_by_client.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-closed"),
            CauseId("closed-after-client-hello"),
            CauseId("reset-after-client-hello"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let patience = if seen.begun_hello().is_some() { REST } else { TIMER };
        let Some(stall) = Stall::of(Side::Client, seen, patience) else {
            return;
        };
        let sentence = format!(
            "{} stopped {}; {} waited {} for it.",
            seen.client.address,
            stall.turn.after,
            server_called(seen),
            span_of_time(stall.waited)
        );
        let weight = match (stall.is_gone(), stall.turn.is_sure) {
            (true, _) => 70,
            (false, true) => 82,
            (false, false) => 60,
        };
        let asked =
            seen.certificate_request.is_seen() || seen.sealed().is_some_and(|sealed| sealed.asks_for_certificate);
        findings.push(
            stall
                .told(Finding::new(self, weight, sentence))
                .infer(if stall.is_gone() {
                    "Nothing of the client is heard any more: it is gone, or the path lost its state."
                } else if asked {
                    "The server asked for a certificate: somebody may be asked to choose one, or for the PIN of a card."
                } else {
                    "It may wait for a person, look up a status or an issuer of the certificate (OCSP, CRL, AIA), or be suspended."
                })
                .remedy(AtFault::Client, "find out what the client did in these seconds: a prompt, a look-up, a process that hangs", None)
                .remedy(
                    AtFault::Server,
                    "a longer timeout only helps where people are to answer; until when it waits is its own setting",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn flight() -> Scene {
        let chain = Issued::to("shop.example");
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .ack(Client)
    }

    #[test]
    fn a_client_that_never_answers_the_flight_stalls() {
        let seen = flight().wait(60.0).fin(Server).seen();
        let finding = judged(&StalledByClient, &seen).unwrap();
        assert_eq!((finding.weight, finding.aborted_by), (82, Some(AbortedBy::Server)));
        assert!(finding.sentence.contains("60.0 s"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "stalled-by-client");
        let seen = flight().wait(60.0).seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome, verdict.aborted_by),
            ("stalled-by-client", Outcome::Failed, AbortedBy::Nobody)
        );
    }

    #[test]
    fn a_server_that_closes_at_once_did_not_wait() {
        let seen = flight().wait(0.5).fin(Server).seen();
        assert!(judged(&StalledByClient, &seen).is_none());
        assert_eq!(chosen(&seen), "server-closed");
    }

    #[test]
    fn a_client_that_leaves_has_not_stalled() {
        let chain = Issued::to("shop.example");
        // Without a signature that could be wrong.
        let flight = connected()
            .client_hello(|hello| hello.tls12().suites(&[0x002f]))
            .server_hello(0x0303, 0x002f)
            .certificate(Server, &chain.whole())
            .server_hello_done();
        let seen = flight.wait(20.0).fin(Client).seen();
        assert!(judged(&StalledByClient, &seen).is_none());
        assert_eq!(chosen(&seen), "client-abandoned");
    }

    #[test]
    fn a_capture_that_ends_soon_tells_nothing() {
        assert_eq!(chosen(&flight().wait(3.0).seen()), "capture-ended");
    }

    #[test]
    fn after_the_clients_answer_it_is_the_servers_turn() {
        let seen = flight()
            .client_key_exchange()
            .finished(Client)
            .ack(Server)
            .wait(60.0)
            .seen();
        assert!(judged(&StalledByClient, &seen).is_none());
    }

    #[test]
    fn half_a_hello_is_waited_for() {
        let hello = Scene::hello_bytes(|hello| hello);
        let half = || connected().say(Client, &hello[..100]).ack(Server);
        for seconds in [2.0, 30.0] {
            assert_eq!(chosen(&half().wait(seconds).fin(Server).seen()), "stalled-by-client");
            assert_eq!(chosen(&half().wait(seconds).reset(Server).seen()), "stalled-by-client");
        }
        assert!(judged(&StalledByClient, &half().wait(0.3).fin(Server).seen()).is_none());
    }

    #[test]
    fn under_the_keys_of_tls_1_3_sizes_tell_whose_turn_it_is() {
        let flight = |sizes: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, sizes)
                .ack(Client)
                .wait(20.0)
                .seen()
        };
        assert_eq!(
            judged(&StalledByClient, &flight(&[40, 2_000, 281, 53])).unwrap().weight,
            82
        );
        // All in one record: nobody can tell whether it is all.
        assert_eq!(judged(&StalledByClient, &flight(&[2_300])).unwrap().weight, 60);
    }

    #[test]
    fn a_client_of_which_nothing_is_heard_may_be_cut_off() {
        let lost = |scene: Scene| scene.wait(1.0).repeat_from(Server, 0, &[22, 3, 3, 0, 90]);
        let sent = connected().client_hello(Hello::tls12).server_flight(&[b"leaf"]);
        let seen = lost(lost(lost(sent))).wait(60.0).seen();
        let finding = judged(&StalledByClient, &seen).unwrap();
        assert_eq!((finding.weight, finding.aborted_by), (70, Some(AbortedBy::Network)));
    }
}
