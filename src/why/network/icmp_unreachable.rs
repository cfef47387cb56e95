//! A router, a firewall or the host itself answered with an ICMP error.

use crate::why::prelude::*;

/// No sane host begins with a time to live so low: who does traces the route.
const TRACES: u8 = 32;

/// An ICMP error says that the packets of one side do not get through, and nothing got through afterwards.
pub(crate) struct IcmpUnreachable;

impl Cause for IcmpUnreachable {
    fn id(&self) -> CauseId {
        CauseId("icmp-unreachable")
    }

    fn page(&self) -> &'static str {
        include_str!("icmp_unreachable.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("tcp-unanswered"),
            CauseId("no-server-response"),
            CauseId("large-client-hello-lost"),
            CauseId("server-flight-lost"),
            CauseId("stalled-by-client"),
            CauseId("stalled-by-server"),
            CauseId("client-abandoned"),
            CauseId("capture-ended"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let told = [Side::Client, Side::Server]
            .into_iter()
            .filter_map(|side| Some((side, seen.tcp.side(side).undelivered()?)));
        let Some((side, refused)) = told.min_by_key(|(_, refused)| refused.mark.frame) else {
            return;
        };
        let (own, peer) = (seen.tcp.side(side), seen.tcp.side(side.peer()));
        // An error that did not last is none: routes change while TCP tries again (RFC 5461).
        let went_on = peer.last_packet().is_some_and(|last| last.frame > refused.mark.frame);
        // A SYN-ACK to a forged address comes back like this, and nobody tried anything.
        let tried = side == Side::Client || seen.spoke_tls();
        let traces = refused.error.is_expired() && own.ttl.is_some_and(|ttl| ttl < TRACES);
        if went_on || !tried || traces || seen.completed() || seen.fatal_alert().is_some() {
            return;
        }
        let whom = match side {
            Side::Client => server_called(seen),
            Side::Server => seen.client.to_string(),
        };
        let what = if !own.was_acked {
            "SYN"
        } else if seen.answer.is_seen() {
            "handshake"
        } else {
            "ClientHello"
        };
        let by_itself = refused.error.from
            == if side == Side::Client {
                seen.server.address
            } else {
                seen.client.address
            };
        let sentence = format!(
            "{}{} answered the {what} for {whom} with {}: the packets do not get there.",
            refused.error.from,
            if by_itself {
                ", the host itself or a filter in front of it,"
            } else {
                ""
            },
            refused.error,
        );
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Network)
            .aborted_by(AbortedBy::Network);
        if let Some(syn) = own.syn() {
            finding = finding.prove(syn, if side == Side::Client { "SYN" } else { "SYN-ACK" });
        }
        let times = if refused.times > 1 {
            format!(", {} times", refused.times)
        } else {
            String::new()
        };
        findings.push(
            finding
                .prove_by_path(
                    refused.mark,
                    format!("{} from {}{times}", refused.error, refused.error.from),
                )
                .remedy(
                    AtFault::Network,
                    format!("look at the routes and filter rules of {}", refused.error.from),
                    Some("nft list ruleset | grep -i reject".to_owned()),
                )
                .remedy(
                    AtFault::Network,
                    "see how far packets get, and who answers",
                    Some(format!("tcptraceroute {} {}", seen.server.address, seen.server.port)),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_syn_that_a_router_sends_back_is_undelivered() {
        let seen = scene().syn().icmp(Client, 3, 1, 1).seen();
        let finding = judged(&IcmpUnreachable, &seen).unwrap();
        assert!(
            finding.sentence.contains("10.0.0.254") && finding.sentence.contains("ICMP host unreachable (3/1)"),
            "{}",
            finding.sentence
        );
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome, verdict.aborted_by),
            ("icmp-unreachable", Outcome::Failed, AbortedBy::Network)
        );
    }

    #[test]
    fn it_explains_the_silence_that_follows() {
        let seen = scene()
            .syn()
            .icmp(Client, 3, 13, 1)
            .wait(1.0)
            .syn()
            .wait(2.0)
            .syn()
            .wait(5.0)
            .seen();
        assert_eq!(chosen(&seen), "icmp-unreachable");
    }

    #[test]
    fn a_hello_that_is_sent_back_is_undelivered() {
        let hello = Scene::hello_bytes(|hello| hello);
        let sent = connected().say(Client, &hello).icmp(Client, 3, 10, hello.len() as i64);
        let seen = sent.wait(3.0).repeat(Client, &hello).wait(9.0).seen();
        let finding = judged(&IcmpUnreachable, &seen).unwrap();
        assert!(finding.sentence.contains("ClientHello"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "icmp-unreachable");
    }

    #[test]
    fn an_error_that_did_not_last_is_none() {
        let seen = scene()
            .syn()
            .icmp(Client, 3, 1, 1)
            .wait(1.0)
            .syn()
            .syn_ack()
            .ack(Client)
            .seen();
        assert!(judged(&IcmpUnreachable, &seen).is_none());
    }

    #[test]
    fn packets_that_are_too_long_are_another_matter() {
        let seen = scene().syn().icmp(Client, 3, 4, 1).seen();
        assert!(judged(&IcmpUnreachable, &seen).is_none());
    }

    #[test]
    fn who_traces_the_route_is_told_of_every_hop() {
        let traces = |ttl| scene().ttl(Client, ttl).syn().icmp(Client, 11, 0, 1).seen();
        assert!(judged(&IcmpUnreachable, &traces(3)).is_none());
        assert!(judged(&IcmpUnreachable, &traces(64)).is_some());
    }

    #[test]
    fn an_answer_to_a_forged_address_is_nobodys_failure() {
        let seen = scene().syn().syn_ack().icmp(Server, 3, 1, 1).wait(9.0).seen();
        assert!(judged(&IcmpUnreachable, &seen).is_none());
        assert_eq!(chosen(&seen), "tcp-probe");
    }

    #[test]
    fn an_error_about_what_was_never_sent_is_forged() {
        let seen = connected()
            .client_hello(|hello| hello)
            .icmp(Client, 3, 3, -90_000)
            .seen();
        assert!(judged(&IcmpUnreachable, &seen).is_none());
    }
}
