//! It was the server's turn, and it said no more.

use super::stall::Stall;
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
        let Some(stall) = Stall::of(Side::Server, seen, PATIENCE) else {
            return;
        };
        let sentence = format!(
            "{} stopped {}; {} waited {} for it.",
            server_called(seen),
            stall.turn.after,
            seen.client.address,
            span_of_time(stall.waited)
        );
        let weight = match (stall.is_gone(), stall.turn.is_sure) {
            (true, _) => 75,
            (false, true) => 82,
            (false, false) => 60,
        };
        findings.push(
            stall
                .told(Finding::new(self, weight, sentence))
                .infer(if stall.is_gone() {
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
