//! A message that can be read says what it must not say.

use super::reaction::Reaction;
use super::{GENERIC, fault_of};
use crate::connection::Breach;
use crate::registry::HandshakeType;
use crate::why::prelude::*;

/// A value that the protocol forbids, or illegal_parameter by a side that found one.
pub(crate) struct IllegalParameter;

/// The alerts for such values.
const OWN: &[AlertDescription] = &[AlertDescription::ILLEGAL_PARAMETER];

impl Cause for IllegalParameter {
    fn id(&self) -> CauseId {
        CauseId("illegal-parameter")
    }

    fn page(&self) -> &'static str {
        include_str!("illegal_parameter.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let heaviest = |culprit: Side| {
            let reaction = Reaction::to(culprit, seen)?;
            let before = |breach: &&Breach| breach.by() == culprit && breach.span.mark.frame <= reaction.mark.frame;
            let breaches = seen.breaches.iter().filter(before);
            let weighed = breaches.filter_map(|breach| Some((reaction.weigh(OWN, breach.is_minor)?, breach)));
            // The first of the heaviest: what comes later may follow from it.
            let (weight, breach) = weighed.min_by_key(|(weight, _)| std::cmp::Reverse(*weight))?;
            Some((weight, breach, reaction))
        };
        if let Some((weight, breach, reaction)) = heaviest(Side::Server).or_else(|| heaviest(Side::Client)) {
            findings.push(visible(self, seen, context, weight, breach, &reaction));
        } else {
            findings.extend(said(self, seen));
        }
    }
}

/// The value is in the packets.
fn visible(
    cause: &IllegalParameter,
    seen: &Observed,
    context: &Context<'_>,
    weight: u8,
    breach: &Breach,
    reaction: &Reaction,
) -> Finding {
    let culprit = breach.by();
    let sentence = format!(
        "The {}'s {}: {} does not allow it, and the {} {}.",
        culprit.as_str(),
        breach.what,
        breach.rule,
        reaction.by.as_str(),
        reaction.told()
    );
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(fault_of(culprit))
        .prove_span(&breach.span, breach.what.clone());
    let mut finding = reaction.prove(finding);
    let completed = context.server(seen).completed;
    if culprit == Side::Server && completed > 0 {
        finding = finding.infer(format!(
            "The same server completed {completed} other handshakes: a device on this path may have altered what it said."
        ));
    }
    finding
        .remedy(
            fault_of(culprit),
            format!("update the TLS library of the {}, which sent this", culprit.as_str()),
            None,
        )
        .remedy(
            AtFault::Middlebox,
            "compare captures of both ends: where they differ, a device between (inspection, load balancer) alters the hellos",
            None,
        )
}

/// A side says so, and nothing shows which value it means.
fn said(cause: &IllegalParameter, seen: &Observed) -> Option<Finding> {
    let Act::Alert(alert) = seen.end().act else { return None };
    let by = alert.span.from();
    let is_after_retry = seen.retry.is_some() && seen.refusal_of_the_hello().is_some();
    let weight = match alert.description {
        AlertDescription::ILLEGAL_PARAMETER => 60,
        // To a second hello there is little else to say.
        AlertDescription::HANDSHAKE_FAILURE if is_after_retry => 45,
        _ => return None,
    };
    if seen.completed() {
        return None;
    }
    let last = seen
        .messages
        .iter()
        .rev()
        .filter(|message| message.kind != HandshakeType::SERVER_HELLO_DONE)
        .find(|message| message.span.from() == by.peer() && message.span.mark.frame <= alert.span.mark.frame)?;
    let sentence = format!(
        "The {} calls something in the {}'s {} illegal, without saying what; as far as it can be read here it keeps to the rules.",
        by.as_str(),
        by.peer().as_str(),
        last.kind
    );
    let finding = Finding::new(cause, weight, sentence)
        .prove_span(&last.span, format!("{}, {} bytes", last.kind, last.span.len))
        .prove_span(&alert.span, told(&alert))
        .remedy(
            fault_of(by),
            format!("the log of the {} names the field", by.as_str()),
            None,
        )
        .remedy(
            AtFault::Both,
            "the same handshake by another library shows whose it is",
            Some(s_client(seen, "")),
        );
    Some(match by {
        Side::Server => finding.but_not(
            CauseId("no-shared-group"),
            "GnuTLS says the same where no group suits it; another offer of groups would show",
        ),
        Side::Client => finding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn retried_for_p256(groups: &[u16]) -> Scene {
        connected()
            .client_hello(|hello| hello.groups(groups))
            .retry_request(0x1301)
    }

    #[test]
    fn a_retry_for_a_group_that_was_not_offered_is_the_servers_fault() {
        let seen = retried_for_p256(&[29, 24]).alert(Client, 2, 47).fin(Client).seen();
        let finding = judged(&IllegalParameter, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Server));
        assert!(finding.sentence.contains("HelloRetryRequest"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "illegal-parameter");
    }

    #[test]
    fn the_alert_may_cross_the_servers_close() {
        let seen = retried_for_p256(&[23, 29]).fin(Server).alert(Client, 2, 47).seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("illegal-parameter", AbortedBy::Client)
        );
    }

    #[test]
    fn a_retry_that_is_answered_is_none() {
        let seen = retried_for_p256(&[29, 23])
            .client_hello(|hello| hello.groups(&[23]))
            .alert(Server, 2, 112)
            .seen();
        assert!(judged(&IllegalParameter, &seen).is_none());
    }

    #[test]
    fn a_client_that_breaks_a_rule_is_at_fault() {
        let seen = connected()
            .client_hello(|hello| hello.extension(41, &[0, 0, 0, 0]).extension(23, &[]))
            .alert(Server, 2, 47)
            .fin(Server)
            .seen();
        let finding = judged(&IllegalParameter, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Client));
    }

    #[test]
    fn an_alert_about_the_certificate_is_about_the_certificate() {
        let seen = connected()
            .client_hello(|hello| hello.tls12().schemes(&[0x0804]))
            .server_flight(&[b"leaf"])
            .alert(Client, 2, 48)
            .seen();
        assert!(judged(&IllegalParameter, &seen).is_none());
    }

    #[test]
    fn what_does_not_show_is_possible_only() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 2, 47)
            .fin(Client)
            .seen();
        assert_eq!(confidence(&IllegalParameter, &seen), Some(Confidence::Possible));
        assert_eq!(chosen(&seen), "illegal-parameter");
    }

    #[test]
    fn a_refusal_of_the_second_hello_may_be_one() {
        let second = || retried_for_p256(&[29, 23]).client_hello(|hello| hello.groups(&[23]));
        let seen = second().alert(Server, 2, 40).seen();
        assert_eq!(confidence(&IllegalParameter, &seen), Some(Confidence::Possible));
        let seen = second().alert(Server, 2, 70).seen();
        assert!(judged(&IllegalParameter, &seen).is_none());
    }
}
