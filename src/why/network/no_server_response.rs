//! The ClientHello was sent, and nothing ever came back.

use super::path_mtu::told_again;
use crate::why::prelude::*;

/// Seconds of silence after which a server counts as mute: longer than a browser's race between addresses.
const PATIENCE: f64 = 0.9;
/// Seconds after which nobody waits for an answer any more.
const LONG: f64 = 3.0;

/// Delivered or not, the hello got no answer.
pub(crate) struct NoServerResponse;

impl Cause for NoServerResponse {
    fn id(&self) -> CauseId {
        CauseId("no-server-response")
    }

    fn page(&self) -> &'static str {
        include_str!("no_server_response.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("capture-ended")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let (client, server) = (&seen.tcp.side(Side::Client), &seen.tcp.side(Side::Server));
        // A hello whose first segment never arrived cannot be read; that something was sent is enough.
        let Some(sent) = seen
            .offer
            .as_ref()
            .seen()
            .map(|offer| offer.span.mark)
            .or_else(|| client.first_payload())
        else {
            return;
        };
        if matches!(seen.first[Side::Client], First::Other(..))
            || seen.tcp.one_sided().is_some()
            || seen.tcp.started_midway()
        {
            return;
        }
        if !seen.is_silent_within(Side::Server)
            || server.first_ending().is_some_and(|ending| {
                client
                    .first_ending()
                    .is_none_or(|left| ending.mark.frame < left.mark.frame)
            })
        {
            return;
        }
        let left = client.first_ending().map(|ending| ending.mark);
        let until = left.unwrap_or_else(|| seen.closing());
        let waited = between(&sent, &until).unwrap_or_default()
            + if left.is_none() {
                seen.silence_watched().unwrap_or_default()
            } else {
                0.0
            };
        let again = client.unacked_retransmission();
        let repeated = again.map_or(0, |again| again.times);
        let delivered = client.acked >= client.payload_bytes && client.payload_bytes > 0;
        if waited < PATIENCE && repeated < 2 {
            return;
        }
        // A server that has received a part of a hello waits for the rest, and rightly so; a client that repeats nothing is gone.
        let rest_is_due = !seen.offer.is_seen() && seen.unfinished.iter().any(|part| part.span.from() == Side::Client);
        if rest_is_due && seen.holes.is_empty() && (delivered || repeated == 0) {
            return;
        }
        let (sentence, party, aborted_by) = if delivered {
            (
                format!(
                    "{} received the ClientHello and never answered it: {} of silence.",
                    server_called(seen),
                    span_of_time(waited)
                ),
                AtFault::Server,
                if left.is_some() {
                    AbortedBy::Client
                } else {
                    AbortedBy::Server
                },
            )
        } else {
            (
                format!(
                    "The ClientHello for {} was sent {} in {} and never acknowledged: it is dropped on the way, or its answers are.",
                    server_called(seen),
                    if repeated > 0 {
                        format!("{} times", repeated + 1)
                    } else {
                        "once".to_owned()
                    },
                    span_of_time(waited)
                ),
                AtFault::Network,
                AbortedBy::Network,
            )
        };
        let mut finding = Finding::new(self, if waited < LONG { 80 } else { 86 }, sentence)
            .at_fault(party)
            .aborted_by(aborted_by);
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len));
        } else {
            finding = finding.prove(sent, "the client's first data");
        }
        if let Some(again) = again {
            finding = finding.prove(again.last, told_again(&again));
        }
        finding = if delivered {
            finding.remedy(
                AtFault::Server,
                "the service accepts connections and does not speak: look at its workers, its backlog, and what it waits for",
                None,
            )
        } else {
            finding.remedy(
                AtFault::Network,
                "capture on both sides of the firewall; a device that drops by server name passes another name",
                Some(s_client(seen, "")),
            )
        };
        findings.push(finding.prove(
            until,
            if left.is_some() {
                "the client gives up"
            } else {
                "the last packet"
            },
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_hello_that_was_acknowledged_and_never_answered_is_the_servers() {
        let seen = connected().client_hello(|hello| hello).ack(Server).wait(10.0).seen();
        let finding = judged(&NoServerResponse, &seen).unwrap();
        assert_eq!(
            (finding.at_fault, finding.aborted_by),
            (AtFault::Server, Some(AbortedBy::Server))
        );
        assert_eq!(chosen(&seen), "no-server-response");
    }

    #[test]
    fn a_client_that_gives_up_waiting_does_not_hide_it() {
        let seen = connected()
            .client_hello(|hello| hello)
            .ack(Server)
            .wait(30.0)
            .fin(Client)
            .seen();
        let finding = judged(&NoServerResponse, &seen).unwrap();
        assert_eq!(finding.aborted_by, Some(AbortedBy::Client));
        assert_eq!(chosen(&seen), "no-server-response");
    }

    #[test]
    fn a_hello_that_is_never_acknowledged_is_dropped_on_the_way() {
        let hello = Scene::hello_bytes(|hello| hello);
        let seen = connected()
            .say(Client, &hello)
            .wait(0.3)
            .repeat(Client, &hello)
            .wait(0.6)
            .repeat(Client, &hello)
            .seen();
        let finding = judged(&NoServerResponse, &seen).unwrap();
        assert_eq!(
            (finding.at_fault, finding.aborted_by),
            (AtFault::Network, Some(AbortedBy::Network))
        );
        assert!(finding.sentence.contains("3 times"), "{}", finding.sentence);
        assert!(finding.evidence.iter().any(
            |evidence| evidence.text.contains("were sent again 2 times since frame 5") && evidence.mark.frame == 6
        ));
    }

    #[test]
    fn half_a_second_without_an_answer_is_no_silence() {
        let seen = connected().client_hello(|hello| hello).ack(Server).wait(0.5).seen();
        assert!(judged(&NoServerResponse, &seen).is_none());
        assert_eq!(chosen(&seen), "capture-ended");
    }

    #[test]
    fn an_answer_that_comes_late_is_an_answer() {
        let seen = connected()
            .client_hello(|hello| hello)
            .ack(Server)
            .wait(20.0)
            .server_hello(0x0303, 0xc02f)
            .seen();
        assert!(judged(&NoServerResponse, &seen).is_none());
    }

    #[test]
    fn a_server_whose_packets_were_not_captured_is_not_mute() {
        let seen = scene()
            .syn()
            .off_camera(Scene::syn_ack)
            .ack(Client)
            .client_hello(|hello| hello)
            .off_camera(|scene| scene.server_hello(0x0303, 0xc02f))
            .ack(Client)
            .wait(10.0)
            .fin(Client)
            .seen();
        assert!(judged(&NoServerResponse, &seen).is_none());
    }
}
