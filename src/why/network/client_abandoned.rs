//! The client left in the middle of the handshake, without an alert.

use crate::why::prelude::*;

/// Cancelled, a scanner, a browser that comes back with another connection; and what is no failure: a connection that lost a race, a check.
pub(crate) struct ClientAbandoned;

impl Cause for ClientAbandoned {
    fn id(&self) -> CauseId {
        CauseId("client-abandoned")
    }

    fn page(&self) -> &'static str {
        include_str!("client_abandoned.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let begun = seen.begun_hello();
        if seen.completed() || !seen.offer.is_seen() && begun.is_none() {
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
        let answer = seen.answer.as_ref().seen();
        let server = server_called(seen);
        let place = match answer {
            _ if begun.is_some() => format!("in the midst of its ClientHello to {server}"),
            _ if seen.answered_before(end.mark) => format!("after the server's flight of {server}"),
            Some(answer) if answer.span.mark.frame < end.mark.frame => format!("after the ServerHello of {server}"),
            _ => format!("before {server} had answered"),
        };
        let act = format!("{} {how} {place}", seen.client.address);
        let left = matches!(end.act, Act::Fin | Act::Reset).then_some(end.mark);
        let winner = left.and_then(|left| context.lost_to(seen, left));
        let every = left.and_then(|_| context.leaves_every(seen));
        let mut finding = match (winner, every) {
            (Some(winner), _) => lost(self, seen, &winner, &act, end.mark),
            (None, Some((seconds, times))) if seen.server_name().is_none() => Finding::new(
                self,
                80,
                format!(
                    "{act}, as it does once in {}, {times} times here, and never with data: a health check.",
                    span_of_time(seconds)
                ),
            )
            .at_fault(AtFault::Nobody)
            .outcome(Outcome::NotAttempted)
            .infer("A check that only wants to see whether TLS is spoken asks for no name and does not stay."),
            (None, every) => Finding::new(
                self,
                if how == "gave up with an alert" { 35 } else { 70 },
                match late(seen, end.mark) {
                    Some(waited) => format!(
                        "{act}. It had waited {}, and the server answered afterwards.",
                        span_of_time(waited)
                    ),
                    None => format!("{act}, without saying why."),
                },
            )
            .at_fault(AtFault::Unknown)
            .infer(guess(seen, every))
            .remedy(
                AtFault::Client,
                "the client's log of that second tells whether it meant to",
                None,
            ),
        };
        if winner.is_none() && seen.closes_upon_the_flight() {
            finding = finding.but_not(
                CauseId("server-certificate-rejected"),
                "Node.js and aiohttp refuse a certificate in the same way, and the packets do not tell them from others",
            );
        }
        if let Some((begun, (_, len, have))) = begun.and_then(|begun| Some((begun, begun.message?))) {
            finding = finding.prove_span(&begun.span, format!("{have} of the {len} bytes of a ClientHello"));
        }
        if let Some(answer) = answer {
            finding = finding.prove_span(&answer.span, format!("ServerHello, {}", answer.value.version));
        }
        finding = finding.prove(end.mark, format!("the client {how}"));
        if let Some(winner) = winner {
            finding = prove_winner(finding, seen, &winner);
        }
        findings.push(finding);
    }
}

/// Seconds that the client waited for a ServerHello that came when it had left.
fn late(seen: &Observed, left: Mark) -> Option<f64> {
    let answer = seen.answer.as_ref().seen()?.span.mark;
    let waited = between(&seen.offer.as_ref().seen()?.span.mark, &left)?;
    (answer.frame > left.frame).then_some(waited)
}

/// Of several that the client began side by side it kept another one: nobody failed.
fn lost(cause: &ClientAbandoned, seen: &Observed, winner: &Winner, act: &str, left: Mark) -> Finding {
    let Winner {
        client,
        server,
        arrival,
    } = winner;
    let is_own = *client == seen.client.address;
    let after = between(&arrival.through, &left).map_or_else(String::new, |after| format!("{} ", span_of_time(after)));
    let sentence = if is_own {
        format!(
            "{act}, {after}after another connection that it had begun beside it, to {server}, came through: it needed only one."
        )
    } else {
        format!(
            "{act}, {after}after a connection like it that began beside it, from {client} to {server}, came through: who tries both \
             versions of IP needs only one."
        )
    };
    // What is left before the flight refuses nothing.
    let weight = match (is_own, seen.answered_before(left)) {
        (true, false) => 85,
        (true, true) => 75,
        (false, _) => 65,
    };
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(AtFault::Nobody)
        .outcome(Outcome::NotAttempted)
        .infer(
            "A client that tries several addresses at once (RFC 8305), or opens connections ahead of need, closes those that it does not \
             need, however far they have come.",
        );
    if seen.answered_before(left) {
        finding.but_not(
            CauseId("server-certificate-rejected"),
            "a program that refuses a certificate in silence leaves in the same way, but hardly at that moment",
        )
    } else {
        finding
    }
}

/// What it may have been, where nothing tells.
fn guess(seen: &Observed, every: Option<(f64, usize)>) -> String {
    if seen.asks_its_user() {
        return "A browser leaves where a client certificate is asked for, and comes back with another connection once its user has chosen one."
            .to_owned();
    }
    match every {
        Some((seconds, times)) => format!(
            "It does so once in {}, {times} times here, and never sends data: a check does that, and so does a program that tries again and \
             again, and each time refuses the certificate in silence.",
            span_of_time(seconds)
        ),
        None if seen.closes_upon_the_flight() => {
            "Cancelled by a user or a timeout, a scanner, a spare connection, or Node.js or aiohttp, which refuse a certificate in silence: \
             each looks like this."
                .to_owned()
        }
        None => "Cancelled by a user or a timeout, a scanner, a browser's spare connection: each looks like this."
            .to_owned(),
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
    fn who_leaves_in_the_midst_of_its_hello_has_abandoned_it() {
        let hello = Scene::hello_bytes(|hello| hello);
        let left = connected().say(Client, &hello[..100]).reset(Client).seen();
        let verdict = context().verdict(&left);
        assert_eq!(
            (name_of(&verdict), verdict.outcome, verdict.aborted_by),
            ("client-abandoned", Outcome::Failed, AbortedBy::Client)
        );
        let sentence = verdict.cause.unwrap().sentence;
        assert!(sentence.contains("in the midst of its ClientHello"), "{sentence}");
        // A header alone, or bytes that begin none, are not yet TLS.
        for said in [&hello[..4], &[22, 9, 9, 2, 0, 1, 0, 1, 252, 3, 3, 0][..]] {
            let seen = connected().say(Client, said).reset(Client).seen();
            assert!(judged(&ClientAbandoned, &seen).is_none(), "{said:?}");
        }
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

    /// Left in the middle of the handshake after the server's flight, or before it.
    fn left(at: f64, saw_flight: bool) -> Observed {
        let scene = scene().behind_frame(900).wait(at).connect().client_hello(|hello| hello);
        if saw_flight {
            let answered = scene.server_hello(0x0304, 0x1301);
            answered.sealed(Server, &[40, 2_000, 281, 53]).fin(Client).seen()
        } else {
            scene.wait(0.02).reset(Client).seen()
        }
    }

    /// A connection that begins at noon, and carries data.
    fn kept(scene: Scene) -> crate::connection::Closed {
        scene
            .connect()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .sealed(Client, &[53, 120])
            .sealed(Server, &[255, 800])
            .closed()
    }

    #[test]
    fn who_lost_a_race_has_not_failed() {
        for saw_flight in [false, true] {
            let lost = left(0.03, saw_flight);
            let verdict = context().beside_at_the_server(&[kept(scene())]).verdict(&lost);
            let finding = verdict.cause.unwrap();
            assert_eq!(
                (verdict.outcome, finding.at_fault, verdict.aborted_by),
                (Outcome::NotAttempted, AtFault::Nobody, AbortedBy::Client)
            );
            assert!(
                finding.sentence.contains("ms after another connection"),
                "{}",
                finding.sentence
            );
            let shown = |elsewhere: &&crate::why::Evidence| elsewhere.elsewhere && elsewhere.mark.frame == 7;
            let evidence = finding.evidence.iter().find(shown).unwrap();
            assert!(
                evidence.text.contains("to 10.0.0.2:443, begun 30.0 ms before this one"),
                "{}",
                evidence.text
            );
            // Whoever leaves before the other came through, and tries again, has failed.
            let alone = context().beside_at_the_server(&[kept(scene().wait(0.2))]);
            assert_eq!(alone.verdict(&lost).outcome, Outcome::Failed);
        }
    }

    #[test]
    fn an_answer_that_comes_too_late_is_told_to_have_come_too_late() {
        let said = |scene: Scene| judged(&ClientAbandoned, &scene.seen()).unwrap().sentence;
        let hello = || connected().client_hello(Hello::tls12);
        let late = said(hello().fin(Client).server_flight(&[b"leaf"]));
        assert!(
            late.contains("before shop.example (10.0.0.2:443) had answered"),
            "{late}"
        );
        let waited = said(hello().wait(6.0).fin(Client).server_flight(&[b"leaf"]));
        assert!(
            waited.contains("It had waited 6.0 s, and the server answered afterwards"),
            "{waited}"
        );
        let read = said(hello().server_flight(&[b"leaf"]).fin(Client));
        assert!(
            read.contains("after the server's flight") && !read.contains("afterwards"),
            "{read}"
        );
    }

    #[test]
    fn over_the_other_version_of_ip_it_is_only_possible() {
        let six = kept(scene().hosts("fd00::1", "fd00::2"));
        let finding = context()
            .beside_elsewhere(&[six])
            .judged(&ClientAbandoned, &left(0.03, false));
        let sentence = finding.as_ref().unwrap().sentence.clone();
        assert!(sentence.contains("from fd00::1 to [fd00::2]:443"), "{sentence}");
        assert_eq!(sure(finding), Some(Confidence::Possible));
        let own = context().beside_at_the_server(&[kept(scene())]);
        assert_eq!(
            sure(own.judged(&ClientAbandoned, &left(0.03, false))),
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn a_defect_or_an_alert_speaks_against_a_race() {
        let own = Leaf::named("shop.example").with(valid(2020, 2025)).self_signed();
        let hello = |scene: Scene| {
            let scene = scene.connect().client_hello(|hello| hello.tls12().suites(&[0x009c]));
            scene.server_flight_unsigned(&[&own])
        };
        let winner = || hello(scene()).finished_by_both().sealed(Client, &[80]).closed();
        let loser = |end: fn(Scene) -> Scene| end(hello(scene().behind_frame(900).wait(0.06))).seen();
        let said = |seen: &Observed| context().beside_at_the_server(&[winner()]).verdict(seen);
        let verdict = said(&loser(|scene| scene.fin(Client)));
        assert_eq!(
            (name_of(&verdict), verdict.outcome),
            ("certificate-expired", Outcome::Failed)
        );
        let verdict = said(&loser(|scene| scene.alert(Client, 2, 45).fin(Client)));
        assert_eq!(
            (name_of(&verdict), verdict.outcome),
            ("certificate-expired", Outcome::Failed)
        );
        let verdict = said(&loser(|scene| scene.alert(Client, 1, 0).fin(Client)));
        assert!(!verdict.cause.unwrap().sentence.contains("another connection"));
    }

    #[test]
    fn programs_that_refuse_in_silence_race_too() {
        let mut lost = left(0.03, true);
        set_stack(&mut lost, crate::tls::ClientStack::GnuTls);
        assert_eq!(chosen(&lost), "server-certificate-rejected");
        let world = context().beside_at_the_server(&[kept(scene())]);
        assert_eq!(world.verdict(&lost).outcome, Outcome::NotAttempted);
    }

    /// A hello, the server's flight, and a close, at each of these seconds after noon.
    fn breaks_off(at: &[f64], hello: fn(Hello) -> Hello) -> Vec<Observed> {
        let one = |at: &f64| {
            let flight = scene()
                .wait(*at)
                .connect()
                .client_hello(hello)
                .server_hello(0x0304, 0x1301);
            flight.sealed(Server, &[40, 2_000, 281, 53]).fin(Client).seen()
        };
        at.iter().map(one).collect()
    }

    #[test]
    fn who_breaks_off_at_regular_intervals_and_asks_for_no_name_checks() {
        let said = |all: &[Observed]| {
            let all: Vec<&Observed> = all.iter().collect();
            context().beside(&all).verdict(all[0])
        };
        let checks = said(&breaks_off(&[0.0, 10.0, 20.1, 30.0], Hello::nameless));
        assert_eq!(
            (name_of(&checks), checks.outcome),
            ("client-abandoned", Outcome::NotAttempted)
        );
        let sentence = checks.cause.unwrap().sentence;
        assert!(sentence.contains("once in 10.0 s, 4 times here"), "{sentence}");
        // Too few, or now and then: nobody can tell.
        for at in [&[0.0, 10.0, 20.0][..], &[0.0, 10.0, 14.0, 40.0]] {
            assert_eq!(said(&breaks_off(at, Hello::nameless)).outcome, Outcome::Failed);
        }
    }

    #[test]
    fn who_asks_for_a_name_again_and_again_may_be_refusing() {
        let all = breaks_off(&[0.0, 10.0, 20.0, 30.0], |hello| hello);
        let all: Vec<&Observed> = all.iter().collect();
        let verdict = context().beside(&all).verdict(all[0]);
        assert_eq!(verdict.outcome, Outcome::Failed);
        let inferred = verdict.cause.unwrap().inferred.unwrap();
        assert!(inferred.contains("once in 10.0 s, 4 times here"), "{inferred}");
    }

    #[test]
    fn who_sends_data_at_other_times_does_not_check() {
        let all = breaks_off(&[0.0, 10.0, 20.0, 30.0], Hello::nameless);
        let all: Vec<&Observed> = all.iter().collect();
        let nameless = connected()
            .client_hello(|hello| hello.tls12().nameless())
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .sealed(Client, &[80])
            .closed();
        let world = context().beside(&all).beside_at_the_server(&[nameless]);
        assert_eq!(world.verdict(all[0]).outcome, Outcome::Failed);
    }
}
