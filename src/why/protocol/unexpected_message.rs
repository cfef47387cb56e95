//! A message came where it does not belong.

use super::reaction::Reaction;
use super::{GENERIC, fault_of};
use crate::connection::Breach;
use crate::why::prelude::*;

/// A message twice, too early or not at all, or unexpected_message by a side that says so.
pub(crate) struct UnexpectedMessage;

/// The alerts for such messages.
const OWN: &[AlertDescription] = &[AlertDescription::UNEXPECTED_MESSAGE];

impl Cause for UnexpectedMessage {
    fn id(&self) -> CauseId {
        CauseId("unexpected-message")
    }

    fn page(&self) -> &'static str {
        include_str!("unexpected_message.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let visible = [Side::Server, Side::Client].into_iter().find_map(|culprit| {
            let reaction = Reaction::to(culprit, seen)?;
            let breach = seen.disorder(culprit)?;
            if breach.span.mark.frame > reaction.mark.frame {
                return None;
            }
            Some((reaction.weigh(OWN, breach.is_minor)?, breach, reaction))
        });
        match visible {
            Some((weight, breach, reaction)) => findings.push(out_of_order(self, weight, &breach, &reaction)),
            None => findings.extend(said(self, seen)),
        }
    }
}

/// The message is in the packets.
fn out_of_order(cause: &UnexpectedMessage, weight: u8, breach: &Breach, reaction: &Reaction) -> Finding {
    let culprit = breach.by();
    let sentence = format!(
        "The {} {}; the {} {}.",
        culprit.as_str(),
        breach.what,
        reaction.by.as_str(),
        reaction.told()
    );
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(fault_of(culprit))
        .prove_span(
            &breach.span,
            format!("the {} {} ({})", culprit.as_str(), breach.what, breach.rule),
        );
    reaction
        .prove(finding)
        .remedy(
            fault_of(culprit),
            format!(
                "update the TLS library of the {}, or whatever speaks in its place",
                culprit.as_str()
            ),
            None,
        )
        .remedy(
            AtFault::Middlebox,
            "compare captures of both ends: a device between may repeat, drop or reorder records",
            None,
        )
}

/// A side says so, and as far as the messages can be read they are in order.
fn said(cause: &UnexpectedMessage, seen: &Observed) -> Option<Finding> {
    let Act::Alert(alert) = seen.end().act else { return None };
    // Of words that are no TLS the causes of plaintext know more.
    let is_tls = seen.first.iter().all(First::is_tls);
    if alert.description != AlertDescription::UNEXPECTED_MESSAGE || seen.completed() || !is_tls {
        return None;
    }
    let by = alert.span.from();
    let to_the_hello = seen.refusal_of_the_hello().is_some();
    let early = seen
        .offer
        .as_ref()
        .seen()
        .filter(|offer| offer.value.early_data && by == Side::Server);
    let last = seen
        .messages
        .iter()
        .rev()
        .find(|message| message.span.from() == by.peer())?;
    let (weight, sentence) = if early.is_some() {
        (
            65,
            "The server did not pass over the client's early data (0-RTT), which it has to where it does not take it."
                .to_owned(),
        )
    } else {
        (
            if to_the_hello { 42 } else { 60 },
            format!(
                "The {} did not expect what the {} sent after {}; what can be read is in order.",
                by.as_str(),
                by.peer().as_str(),
                last.kind
            ),
        )
    };
    let mut finding = Finding::new(cause, weight, sentence)
        .at_fault(AtFault::Unknown)
        .prove_span(&last.span, format!("{}, {} bytes", last.kind, last.span.len));
    if let Some(offer) = early {
        finding = finding.prove_span(&offer.span, "ClientHello announces early_data");
    }
    if to_the_hello {
        finding = finding.but_not(
            CauseId("no-shared-group"),
            "Java says the same where no group suits it; another offer of groups would show",
        );
    }
    Some(
        finding
            .prove_span(&alert.span, told(&alert))
            .remedy(
                fault_of(by),
                format!("the log of the {} names the message", by.as_str()),
                Some("java -Djavax.net.debug=ssl:handshake".to_owned()).filter(|_| to_the_hello),
            )
            .remedy(
                AtFault::Both,
                "the same handshake by another library shows whose it is",
                Some(s_client(seen, "")),
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn twice() -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"])
            .certificate(Server, &[b"leaf"])
            .server_key_exchange(29)
            .server_hello_done()
    }

    #[test]
    fn a_message_that_comes_twice_proves_it() {
        let seen = twice().alert(Client, 2, 10).fin(Client).seen();
        let finding = judged(&UnexpectedMessage, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Server));
        assert!(finding.sentence.contains("certificate twice"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "unexpected-message");
        let seen = twice().alert(Client, 2, 40).fin(Client).seen();
        assert_eq!(confidence(&UnexpectedMessage, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn application_data_instead_of_a_hello_makes_clients_leave() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .sealed(Server, &[64])
            .fin(Client)
            .seen();
        assert_eq!(confidence(&UnexpectedMessage, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "unexpected-message");
    }

    #[test]
    fn a_client_that_takes_it_had_no_reason() {
        let seen = twice().finished_by_both().seen();
        assert!(judged(&UnexpectedMessage, &seen).is_none());
    }

    #[test]
    fn the_alert_alone_is_possible() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .alert(Client, 2, 10)
            .seen();
        assert_eq!(confidence(&UnexpectedMessage, &seen), Some(Confidence::Possible));
        let seen = connected().client_hello(|hello| hello).alert(Server, 2, 10).seen();
        let finding = judged(&UnexpectedMessage, &seen).unwrap();
        assert_eq!(finding.alternatives[0].cause.0, "no-shared-group");
    }

    #[test]
    fn early_data_that_is_not_passed_over_is_told() {
        let seen = connected()
            .client_hello(|hello| hello.extension(42, &[]))
            .sealed(Client, &[400])
            .alert(Server, 2, 10)
            .seen();
        assert!(judged(&UnexpectedMessage, &seen).is_some_and(|finding| finding.sentence.contains("early data")));
    }

    #[test]
    fn java_says_it_after_a_close_notify_and_means_nothing() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 1, 0)
            .alert(Server, 2, 10)
            .seen();
        assert!(judged(&UnexpectedMessage, &seen).is_none());
    }

    #[test]
    fn plaintext_is_no_message() {
        let seen = connected()
            .say(Client, b"GET / HTTP/1.1\r\n\r\n")
            .alert(Server, 2, 10)
            .fin(Server)
            .seen();
        assert!(judged(&UnexpectedMessage, &seen).is_none());
    }
}
