//! The only arbiter: which of the findings is the verdict.

use crate::connection::{Act, ClientReply, Observed, ServerReply};
use crate::evidence::{Mark, Side};
use crate::registry::HandshakeType;
use crate::why::{AbortedBy, Alternative, CAUSES, CauseId, Confidence, Finding, Outcome, Step, cause};

/// What is said of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// Whose act ended it.
    pub(crate) aborted_by: AbortedBy,
    /// How far it had come.
    pub(crate) step: Step,
    /// The packet with which it failed.
    pub(crate) failed_at: Option<Mark>,
    /// The reason, if there is something to explain.
    pub(crate) cause: Option<Finding>,
    /// Weaker findings that were not replaced by the cause.
    pub(crate) findings: Vec<Finding>,
}

/// The weight from which a finding is told beside the verdict.
const LIKELY: u8 = 80;
/// The weight from which a finding silences vaguer ones, however likely they are.
const SILENCES: u8 = 50;

/// Drops what is outranked, orders by weight, place in [`CAUSES`] and first frame, and takes the first.
pub(crate) fn choose(seen: &Observed, mut findings: Vec<Finding>) -> Verdict {
    findings.retain(|finding| Confidence::of_weight(finding.weight).is_some() && !finding.evidence.is_empty());
    let (remarks, mut findings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.is_remark());
    // A mere possibility does not silence a vaguer cause that is more likely.
    let outranked: Vec<(CauseId, u8)> = findings
        .iter()
        .filter_map(|finding| Some((cause(finding.cause)?, finding.weight)))
        .flat_map(|(cause, weight)| cause.outranks().iter().map(move |vaguer| (*vaguer, weight)))
        .collect();
    findings.retain(|finding| {
        !outranked
            .iter()
            .any(|(vaguer, weight)| *vaguer == finding.cause && (*weight >= SILENCES || *weight >= finding.weight))
    });
    findings.sort_by_key(|finding| {
        let place = CAUSES.iter().position(|cause| cause.id() == finding.cause);
        let frame = finding.evidence.first().map(|evidence| evidence.mark.frame);
        (std::cmp::Reverse(finding.weight), place, frame)
    });
    let mut findings = findings.into_iter();
    let mut chosen = findings.next();
    // Who is likely too is told as a finding; who is merely possible, as another reading of the same.
    let (mut likely, possible): (Vec<Finding>, Vec<Finding>) = findings.partition(|finding| finding.weight >= LIKELY);
    if let Some(chosen) = &mut chosen {
        for other in possible.iter().filter(|other| other.weight >= SILENCES) {
            if chosen.alternatives.iter().all(|known| known.cause != other.cause) {
                chosen.alternatives.push(Alternative {
                    cause: other.cause,
                    why_not: "fits what is seen less well".to_owned(),
                });
            }
        }
    }
    likely.extend(remarks);
    // What was read of a side of which two copies differ is told with that doubt.
    let contradictions = seen.tcp.sides.iter().filter_map(|side| side.contradiction());
    chosen = contradictions.fold(chosen, |chosen, difference| {
        chosen.map(|finding| finding.prove(difference.second, difference.to_string()))
    });
    // A reset that says why tells more than any sign of it.
    for (side, reset) in seen.tcp.sides.iter().filter_map(|side| Some((side, side.first_rst()?))) {
        if let Some(words) = side.rst_words().filter(|_| reset.believed) {
            chosen = chosen.map(|finding| finding.prove(reset.mark, format!("the reset says {words}")));
        }
    }
    let end = seen.end();
    let (outcome, aborted_by) = match &chosen {
        Some(finding) => (
            finding.outcome,
            finding
                .aborted_by
                .unwrap_or_else(|| end.by.map_or(AbortedBy::Nobody, AbortedBy::from)),
        ),
        None if seen.completed() => (Outcome::Completed, AbortedBy::Nobody),
        // TLS was asked for within another protocol, and never began.
        None if seen.asked_for_tls() && !seen.spoke_tls() => {
            (Outcome::Failed, end.by.map_or(AbortedBy::Nobody, AbortedBy::from))
        }
        None if !seen.spoke_tls() && seen.begun_hello().is_none() => (Outcome::NotAttempted, AbortedBy::Nobody),
        None => (Outcome::Undetermined, AbortedBy::Nobody),
    };
    let failed = matches!(outcome, Outcome::Failed | Outcome::Undetermined);
    Verdict {
        outcome,
        aborted_by,
        step: step(seen),
        failed_at: (failed && !matches!(end.act, Act::Silence)).then_some(end.mark),
        cause: chosen,
        findings: likely,
    }
}

/// The last step that was reached.
fn step(seen: &Observed) -> Step {
    if seen.completed() {
        return Step::Completed;
    }
    if !seen.tcp.established() && !seen.tcp.started_midway() {
        return Step::TcpConnect;
    }
    if !seen.spoke_tls() {
        return if seen.is_silent() {
            Step::TcpConnect
        } else {
            Step::Preamble
        };
    }
    if seen.answer.as_ref().seen().is_none() {
        return if seen.offer.is_seen() {
            Step::ClientHello
        } else {
            Step::Unknown
        };
    }
    if let Some(sealed) = seen.sealed() {
        return match (sealed.client, sealed.server) {
            (
                ClientReply::Accepted {
                    empty_certificate,
                    certificate,
                    ..
                },
                ServerReply::Refused(_),
            ) if empty_certificate.is_some() || certificate.is_some() => Step::ClientCertificate,
            (ClientReply::Accepted { .. }, _) => Step::ClientFinished,
            (ClientReply::Refused(_), _) => Step::ServerCertificate,
            (ClientReply::Nothing, _) if sealed.flight.is_empty() || sealed.broken_off.is_some() => Step::ServerHello,
            (ClientReply::Nothing, _) => Step::ServerFinished,
        };
    }
    let said = |side: Side, kind: HandshakeType| seen.message(side, kind).is_some();
    if said(Side::Client, HandshakeType::CERTIFICATE) {
        Step::ClientCertificate
    } else if said(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE) || seen.change_cipher_spec[Side::Client].is_some()
    {
        Step::ClientFinished
    } else if said(Side::Server, HandshakeType::CERTIFICATE) {
        Step::ServerCertificate
    } else {
        Step::ServerHello
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    /// A finding of this cause that cites a frame.
    fn finding(id: &'static str, weight: u8, frame: u64) -> Finding {
        let seen = connected().seen();
        let mark = Mark {
            frame,
            ..seen.opening()
        };
        Finding::new(cause(CauseId(id)).expect("a cause"), weight, "").prove(mark, "")
    }

    /// The causes in the order in which they are told: verdict, findings, other readings.
    fn order(seen: &Observed, findings: Vec<Finding>) -> Vec<&'static str> {
        let verdict = choose(seen, findings);
        let told = verdict
            .cause
            .iter()
            .chain(&verdict.findings)
            .map(|finding| finding.cause);
        let others = verdict.cause.iter().flat_map(|finding| &finding.alternatives);
        told.chain(others.map(|other| other.cause))
            .map(|cause| cause.0)
            .collect()
    }

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12)
    }

    fn step_of(scene: Scene) -> Step {
        choose(&scene.seen(), Vec::new()).step
    }

    #[test]
    fn what_is_outranked_is_dropped_however_heavy() {
        let seen = hello().fin(Client).seen();
        let findings = vec![
            finding("client-abandoned", 99, 4),
            finding("certificate-expired", 60, 4),
        ];
        assert_eq!(order(&seen, findings), ["certificate-expired"]);
    }

    #[test]
    fn a_finding_too_weak_to_count_outranks_nothing() {
        let seen = hello().fin(Client).seen();
        let findings = vec![
            finding("client-abandoned", 70, 4),
            finding("certificate-expired", 29, 4),
        ];
        assert_eq!(order(&seen, findings), ["client-abandoned"]);
    }

    #[test]
    fn the_heavier_comes_first() {
        let seen = hello().seen();
        let findings = vec![
            finding("no-shared-cipher", 55, 4),
            finding("no-shared-group", 84, 5),
            finding("sni-unrecognized", 60, 6),
        ];
        assert_eq!(
            order(&seen, findings),
            ["no-shared-group", "sni-unrecognized", "no-shared-cipher"]
        );
    }

    #[test]
    fn a_remark_is_told_and_neither_chosen_nor_heard() {
        let seen = connected().client_hello(Hello::tls12).seen();
        let remark = finding("self-signed", 99, 5).into_remark();
        assert_eq!(
            order(
                &seen,
                vec![remark.clone(), finding("server-certificate-rejected", 60, 7)]
            ),
            ["server-certificate-rejected", "self-signed"]
        );
        let verdict = choose(&seen, vec![remark]);
        assert!(verdict.cause.is_none() && verdict.findings.len() == 1);
    }

    #[test]
    fn of_equal_weight_the_earlier_in_the_catalogue_comes_first() {
        let seen = hello().seen();
        let findings = vec![finding("sni-unrecognized", 60, 4), finding("no-shared-cipher", 60, 5)];
        assert_eq!(order(&seen, findings), ["no-shared-cipher", "sni-unrecognized"]);
    }

    #[test]
    fn of_one_cause_the_earlier_frame_comes_first() {
        let seen = hello().seen();
        let verdict = choose(
            &seen,
            vec![finding("decode-error", 60, 9), finding("decode-error", 60, 5)],
        );
        assert_eq!(verdict.cause.unwrap().evidence[0].mark.frame, 5);
    }

    #[test]
    fn a_finding_without_evidence_is_none() {
        let seen = hello().fin(Client).seen();
        let unproven = Finding {
            evidence: Vec::new(),
            ..finding("version-mismatch", 97, 4)
        };
        let verdict = choose(&seen, vec![unproven]);
        assert!(verdict.cause.is_none() && verdict.findings.is_empty());
        assert_eq!(verdict.outcome, Outcome::Undetermined);
    }

    #[test]
    fn who_ended_it_is_whose_act_came_first_unless_the_cause_knows_better() {
        let seen = hello().fin(Client).reset(Server).seen();
        assert_eq!(
            choose(&seen, vec![finding("client-abandoned", 70, 4)]).aborted_by,
            AbortedBy::Client
        );
        let by_network = finding("no-server-response", 86, 4).aborted_by(AbortedBy::Network);
        assert_eq!(choose(&seen, vec![by_network]).aborted_by, AbortedBy::Network);
    }

    #[test]
    fn nobody_ended_what_is_still_going_on() {
        let verdict = choose(&hello().seen(), vec![finding("capture-ended", 95, 4)]);
        assert_eq!((verdict.aborted_by, verdict.failed_at), (AbortedBy::Nobody, None));
    }

    #[test]
    fn it_failed_at_the_packet_that_ended_it() {
        let seen = hello().alert(Server, 2, 70).fin(Server).seen();
        let verdict = choose(&seen, vec![finding("version-mismatch", 97, 4)]);
        assert_eq!(verdict.failed_at.map(|mark| mark.frame), Some(5));
    }

    #[test]
    fn without_a_cause_the_packets_tell_the_outcome() {
        let complete = hello().server_flight(&[b"leaf"]).finished_by_both().seen();
        assert_eq!(choose(&complete, Vec::new()).outcome, Outcome::Completed);
        assert_eq!(choose(&connected().seen(), Vec::new()).outcome, Outcome::NotAttempted);
        assert_eq!(choose(&hello().seen(), Vec::new()).outcome, Outcome::Undetermined);
    }

    #[test]
    fn tls_that_was_asked_for_and_never_began_has_failed() {
        let seen = scene()
            .port(25)
            .connect()
            .say(Server, b"220 mail.example ESMTP\r\n")
            .say(Client, b"STARTTLS\r\n")
            .say(Server, b"454 not now\r\n")
            .fin(Client)
            .seen();
        let verdict = choose(&seen, Vec::new());
        assert_eq!(
            (verdict.outcome, verdict.aborted_by),
            (Outcome::Failed, AbortedBy::Client)
        );
    }

    #[test]
    fn the_step_is_the_last_one_that_was_reached() {
        assert_eq!(step_of(scene().syn()), Step::TcpConnect);
        assert_eq!(step_of(connected()), Step::TcpConnect);
        assert_eq!(
            step_of(connected().say(Client, b"GET / HTTP/1.1\r\n\r\n")),
            Step::Preamble
        );
        assert_eq!(step_of(hello().alert(Server, 2, 40)), Step::ClientHello);
        assert_eq!(step_of(hello().server_hello(0x0303, 0xc02f)), Step::ServerHello);
        assert_eq!(
            step_of(hello().server_flight(&[b"leaf"]).alert(Client, 2, 48)),
            Step::ServerCertificate
        );
        let flight = || hello().server_flight_asking(&[b"leaf"]);
        assert_eq!(
            step_of(flight().client_key_exchange().finished(Client)),
            Step::ClientFinished
        );
        assert_eq!(
            step_of(
                flight()
                    .certificate(Client, &[])
                    .client_key_exchange()
                    .alert(Server, 2, 40)
            ),
            Step::ClientCertificate
        );
        assert_eq!(
            step_of(hello().server_flight(&[b"leaf"]).finished_by_both()),
            Step::Completed
        );
    }

    #[test]
    fn under_the_keys_of_tls_1_3_sizes_tell_the_step() {
        let hello = || connected().client_hello(|hello| hello).server_hello(0x0304, 0x1301);
        assert_eq!(step_of(hello()), Step::ServerHello);
        assert_eq!(step_of(hello().sealed(Server, &[19]).fin(Server)), Step::ServerHello);
        let flight = || hello().sealed(Server, &[40, 2_000, 281, 53]);
        assert_eq!(step_of(flight()), Step::ServerFinished);
        assert_eq!(step_of(flight().sealed(Client, &[19])), Step::ServerCertificate);
        assert_eq!(step_of(flight().sealed(Client, &[53])), Step::ClientFinished);
        assert_eq!(
            step_of(flight().sealed(Client, &[25, 53]).sealed(Server, &[19])),
            Step::ClientCertificate
        );
        assert_eq!(
            step_of(flight().sealed(Client, &[53]).sealed(Server, &[255])),
            Step::Completed
        );
    }

    #[test]
    fn the_beginning_of_a_connection_that_is_not_in_the_capture_is_unknown() {
        let scene = scene()
            .off_camera(|scene| scene.connect().client_hello(|hello| hello))
            .alert(Server, 2, 40);
        assert_eq!(step_of(scene), Step::Unknown);
    }
}
