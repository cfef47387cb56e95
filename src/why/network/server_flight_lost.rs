//! The server's certificates take more than one packet, and the long ones do not get through.

use super::path_mtu;
use crate::why::prelude::*;

/// Full segments of the server's answer are lost on the way to the client, short ones arrive.
pub(crate) struct ServerFlightLost;

impl Cause for ServerFlightLost {
    fn id(&self) -> CauseId {
        CauseId("server-flight-lost")
    }

    fn page(&self) -> &'static str {
        include_str!("server_flight_lost.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("no-server-response"),
            CauseId("stalled-by-client"),
            CauseId("stalled-by-server"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("capture-gap"),
            CauseId("capture-ended"),
            CauseId("server-certificate-rejected"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let server = seen.tcp.side(Side::Server);
        let began = server.sent_to.max(server.payload_bytes) > seen.before_tls[Side::Server];
        let hello = seen.offer.is_seen() || matches!(seen.first[Side::Client], First::Tls(_));
        if !began || !hello || seen.completed() || seen.fatal_alert().is_some() || seen.tcp.started_midway() {
            return;
        }
        let found = lost_behind_us(seen).or_else(|| lost_before_us(seen));
        let Some(mut finding) = found else { return };
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len));
        }
        findings.push(finding);
    }
}

/// True where the client was still there after the server had begun its answer: then the path lives.
fn client_is_alive(seen: &Observed) -> bool {
    let said = seen.tcp.side(Side::Server).first_payload();
    let heard = seen.tcp.side(Side::Client).last_packet();
    said.zip(heard).is_some_and(|(said, heard)| heard.frame > said.frame)
}

/// Captured before the place of the loss: the server repeats a full segment in vain.
fn lost_behind_us(seen: &Observed) -> Option<Finding> {
    let server = seen.tcp.side(Side::Server);
    let again = server
        .unacked_retransmission()
        .filter(|again| again.times >= 2 && again.full_size)?;
    let told_so = server.too_big().is_some();
    if !client_is_alive(seen) && !told_so {
        return None;
    }
    let sentence = format!(
        "{} sent a segment of {} bytes of its answer {} times, and {} never acknowledged it, though shorter packets arrive: \
         the path drops long ones (path MTU).",
        server_called(seen),
        again.len,
        again.times + 1,
        seen.client.address,
    );
    let finding = Finding::new(&ServerFlightLost, 90, sentence).prove(again.last, path_mtu::told_again(&again));
    Some(path_mtu::finish(finding, seen, Side::Server))
}

/// Captured behind the place of the loss: there are holes where the full segments should be, and the client says that it lacks them.
fn lost_before_us(seen: &Observed) -> Option<Finding> {
    let server = seen.tcp.side(Side::Server);
    let missing = server.lost_on_the_way();
    let came = server.first_payload()?;
    let waited = seen.waited_since(came);
    // A segment that is lost by chance comes again within a second.
    if missing < path_mtu::LONG || waited < path_mtu::PATIENCE || !client_is_alive(seen) {
        return None;
    }
    let sentence = format!(
        "{missing} bytes of the answer of {} never arrived in {}, though shorter packets of it did: the path drops long ones \
         (path MTU).",
        server_called(seen),
        span_of_time(waited),
    );
    let heard = seen.tcp.side(Side::Client).last_packet().unwrap_or(came);
    let finding = Finding::new(&ServerFlightLost, 85, sentence)
        .prove(came, "the server's first data that arrived")
        .prove(heard, path_mtu::told_acknowledged(seen, Side::Server))
        .but_not(
            CauseId("capture-gap"),
            "the client acknowledges none of what is missing",
        );
    Some(path_mtu::finish(finding, seen, Side::Server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    /// A full segment: the beginning of a ServerHello that is longer.
    const FULL: [u8; 1_448] = {
        let mut bytes = [0; 1_448];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (22, 3, 3, 0x20);
        (bytes[5], bytes[7]) = (2, 0x1f);
        bytes
    };

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12)
    }

    #[test]
    fn full_segments_that_the_client_never_acknowledges_are_too_long_for_the_path() {
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Server, 0, &FULL);
        let sent = hello().say(Server, &FULL).say(Server, &[1; 300]).ack_only(Client, 0);
        let seen = again(again(again(sent))).wait(5.0).seen();
        let finding = judged(&ServerFlightLost, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (90, AtFault::Network));
        assert!(finding.sentence.contains("MTU"), "{}", finding.sentence);
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome, verdict.aborted_by),
            ("server-flight-lost", Outcome::Failed, AbortedBy::Network)
        );
    }

    #[test]
    fn a_client_that_is_gone_acknowledges_nothing_either() {
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Server, 0, &FULL);
        let seen = again(again(again(hello().say(Server, &FULL)))).wait(5.0).seen();
        assert!(judged(&ServerFlightLost, &seen).is_none());
    }

    #[test]
    fn short_segments_are_not_lost_for_their_length() {
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Server, 0, &[0xce; 200]);
        let seen = again(again(again(hello().say(Server, &[0xce; 200]).ack_only(Client, 0))))
            .wait(5.0)
            .seen();
        assert!(judged(&ServerFlightLost, &seen).is_none());
    }

    /// As the client sees it: of the server's flight only the end arrives.
    fn holed() -> Scene {
        hello()
            .ack(Server)
            .off_camera(|scene| scene.say(Server, &FULL).say(Server, &FULL))
            .say(Server, &[1; 700])
    }

    #[test]
    fn seen_from_the_client_the_full_segments_never_come() {
        let seen = holed().ack_only(Client, 0).wait(6.0).ack_only(Client, 0).seen();
        let finding = judged(&ServerFlightLost, &seen).unwrap();
        assert!(finding.sentence.starts_with("2896 bytes"), "{}", finding.sentence);
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome),
            ("server-flight-lost", Outcome::Failed)
        );
    }

    #[test]
    fn a_hole_that_the_client_acknowledges_is_the_captures() {
        let seen = holed().ack(Client).wait(6.0).seen();
        assert!(judged(&ServerFlightLost, &seen).is_none());
        assert_eq!(chosen(&seen), "capture-gap");
    }

    #[test]
    fn a_hole_of_a_moment_may_still_be_filled() {
        let seen = holed().ack_only(Client, 0).wait(0.2).seen();
        assert!(judged(&ServerFlightLost, &seen).is_none());
    }
}
