//! A reset that bears an end's address and was sent by somebody else.

use crate::connection::Misfit;
use crate::why::prelude::*;

/// So many points are a reason to say so; with six there is no other reading.
const DOUBTFUL: u8 = 3;

/// A firewall, an intrusion prevention system or a censor on the path ended the connection.
pub(crate) struct InjectedReset;

impl Cause for InjectedReset {
    fn id(&self) -> CauseId {
        CauseId("injected-reset")
    }

    fn page(&self) -> &'static str {
        include_str!("injected_reset.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("reset-after-client-hello"),
            CauseId("server-closed"),
            CauseId("client-abandoned"),
            CauseId("no-server-response"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let end = seen.end();
        let (Some(side), Act::Reset) = (end.by, end.act) else {
            return;
        };
        let facts = seen.tcp.side(side);
        let Some(reset) = facts.first_rst().filter(|reset| reset.mark.frame == end.mark.frame) else {
            return;
        };
        if seen.completed() || seen.tcp.refused().is_some() {
            return;
        }
        let misfits = seen.misfits_of_reset(side);
        let score: u8 = misfits.iter().map(Misfit::points).sum();
        if score < DOUBTFUL {
            return;
        }
        let weight = match score {
            ..=3 => 70,
            4..=5 => 85,
            _ => 95,
        };
        let whose = match side {
            Side::Server => server_called(seen),
            Side::Client => seen.client.to_string(),
        };
        let place = match &seen.offer {
            Seen::Seen(offer) if offer.span.first_frame < reset.mark.frame => {
                let after = between(&offer.span.mark, &reset.mark).map(span_of_time);
                let after = after.map(|after| format!("{after} ")).unwrap_or_default();
                let answered = seen
                    .answer
                    .as_ref()
                    .seen()
                    .is_some_and(|answer| answer.span.mark.frame < reset.mark.frame);
                format!(
                    "{after}after the {}",
                    if answered {
                        "ClientHello, in the midst of the handshake"
                    } else {
                        "ClientHello"
                    }
                )
            }
            _ => "before anything was said".to_owned(),
        };
        let signs = misfits
            .iter()
            .map(|misfit| misfit.to_string())
            .collect::<Vec<_>>()
            .join("; ");
        let sentence = format!(
            "A reset in the name of {whose} ended the connection {place}, but does not look like that host's: {signs}."
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Middlebox)
            .aborted_by(AbortedBy::Network);
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len));
        }
        finding = finding.prove(
            reset.mark,
            format!("RST, TTL {}, IP-ID {}, window {}", reset.ttl, reset.ip_id, reset.window),
        );
        for misfit in &misfits {
            finding = finding.prove(
                misfit.elsewhere().unwrap_or(reset.mark),
                format!("{misfit}: {} points", misfit.points()),
            );
        }
        finding = finding.prove(
            reset.mark,
            format!("together {score} points; 3 are a reason to doubt a reset, 6 leave no other reading"),
        );
        let mut inferred = "A firewall, an intrusion prevention system or a censor on the path wrote it.".to_owned();
        if let Some(others) = others_served(seen, context) {
            inferred.push_str(&format!(
                " The same server completed handshakes for other names ({others}): what resets acts on the name."
            ));
        }
        finding = finding
            .infer(inferred)
            .remedy(
                AtFault::Network,
                "look for this name and address in the rules and logs of the firewalls on the way; capture on both sides of each",
                None,
            )
            .remedy(
                AtFault::Client,
                "see whether another name passes at the same address",
                Some(format!("openssl s_client -connect {} -servername example.com", seen.server)),
            );
        if weight < 95 && side == Side::Server && seen.offer.is_seen() {
            finding = finding.but_not(
                CauseId("reset-after-client-hello"),
                "a load balancer or a proxy in front of the server may send such resets too",
            );
        }
        findings.push(finding);
    }
}

/// The names that this server did serve, where the name of this connection is not among them.
pub(super) fn others_served(seen: &Observed, context: &Context<'_>) -> Option<String> {
    let served = &context.server(seen).names;
    let name = seen.server_name()?;
    (!served.is_empty() && !served.contains_key(name)).then(|| list(served.keys(), 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn hello() -> Scene {
        connected().client_hello(|hello| hello.name("shop.example")).ack(Server)
    }

    #[test]
    fn a_reset_that_its_host_does_not_know_of_is_anothers() {
        let seen = hello()
            .ip_id(4_660)
            .reset_with_ttl(Server, 47)
            .wait(0.2)
            .server_hello(0x0303, 0xc02f)
            .reset(Client)
            .seen();
        let finding = judged(&InjectedReset, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (95, AtFault::Middlebox));
        assert!(finding.sentence.contains("TTL 47"), "{}", finding.sentence);
        assert!(
            finding
                .evidence
                .iter()
                .any(|proof| proof.text.contains("together 9 points"))
        );
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("injected-reset", AbortedBy::Network)
        );
    }

    #[test]
    fn a_strange_time_to_live_alone_makes_it_possible() {
        let seen = hello().reset_with_ttl(Server, 119).seen();
        let finding = judged(&InjectedReset, &seen).unwrap();
        assert_eq!(finding.weight, 70);
        assert_eq!(finding.alternatives[0].cause, CauseId("reset-after-client-hello"));
        assert_eq!(chosen(&seen), "injected-reset");
    }

    #[test]
    fn a_reset_like_all_other_packets_is_the_hosts() {
        let seen = hello().reset(Server).seen();
        assert!(judged(&InjectedReset, &seen).is_none());
        assert_eq!(chosen(&seen), "reset-after-client-hello");
    }

    #[test]
    fn one_weak_sign_is_not_enough() {
        assert!(judged(&InjectedReset, &hello().reset_with_ttl(Server, 51).seen()).is_none());
    }

    #[test]
    fn a_reset_in_the_clients_name_may_be_injected_too() {
        let seen = hello()
            .server_flight(&[b"leaf"])
            .reset_with_ttl(Client, 120)
            .ack(Client)
            .seen();
        let finding = judged(&InjectedReset, &seen).unwrap();
        assert_eq!(finding.weight, 95);
        assert!(finding.sentence.contains("10.0.0.1:50000"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "injected-reset");
    }

    #[test]
    fn a_reset_behind_an_alert_ends_nothing() {
        let seen = hello().alert(Server, 2, 40).reset_with_ttl(Server, 119).seen();
        assert!(judged(&InjectedReset, &seen).is_none());
    }

    #[test]
    fn a_reset_of_a_connection_that_worked_is_no_failure() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .reset_with_ttl(Server, 119)
            .seen();
        assert!(judged(&InjectedReset, &seen).is_none());
    }

    #[test]
    fn where_other_names_pass_it_acts_on_the_name() {
        let seen = hello().reset_with_ttl(Server, 119).seen();
        let finding = context()
            .server_serves(&["www.example"])
            .judged(&InjectedReset, &seen)
            .unwrap();
        assert!(finding.inferred.unwrap().contains("www.example"));
        let same = context()
            .server_serves(&["shop.example"])
            .judged(&InjectedReset, &seen)
            .unwrap();
        assert!(!same.inferred.unwrap().contains("acts on the name"));
    }
}
