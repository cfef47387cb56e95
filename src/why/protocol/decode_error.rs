//! A message could not be parsed.

use crate::connection::is_about_certificates;
use crate::registry::HandshakeType;
use crate::tls::{Malformed, Reason};
use crate::why::prelude::*;

/// Bytes of a hello that fit into one packet of the usual size, next to its headers.
const SEGMENT: u32 = 1_400;

/// decode_error, with or without a fault that can be seen.
pub(crate) struct DecodeError;

impl Cause for DecodeError {
    fn id(&self) -> CauseId {
        CauseId("decode-error")
    }

    fn page(&self) -> &'static str {
        include_str!("decode_error.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        super::GENERIC
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let end = seen.end();
        let (alert, Some(sender)) = (seen.fatal_alert().filter(|alert| alert.span.mark == end.mark), end.by) else {
            return;
        };
        if seen.completed() {
            return;
        }
        // What comes twice is readable, and forbidden.
        let is_format = |what: &Malformed| what.why != Reason::Duplicate;
        // What is malformed for us too explains other alerts and a bare close as well.
        let fault = seen
            .malformed
            .iter()
            .find(|(what, span)| span.from() == sender.peer() && span.mark.frame <= end.mark.frame && is_format(what))
            .map(|(what, span)| (what.to_string(), *span));
        let in_offer = seen.offer.as_ref().seen().and_then(|offer| {
            let what = offer.value.fault.as_ref().filter(|what| is_format(what))?;
            (sender == Side::Server).then(|| (what.to_string(), offer.span))
        });
        let fault = fault.or(in_offer);
        let weight = match (&fault, alert.map(|alert| alert.description)) {
            (Some(_), Some(AlertDescription::DECODE_ERROR)) => 96,
            // Go until 1.2x says unexpected_message to what it cannot read.
            (Some(_), Some(AlertDescription::ILLEGAL_PARAMETER | AlertDescription::UNEXPECTED_MESSAGE)) => 90,
            // These say what is wrong, and they have read so far.
            (Some(_), Some(description)) if is_about_certificates(description) => return,
            (Some(_), Some(AlertDescription::PROTOCOL_VERSION | AlertDescription::UNRECOGNIZED_NAME)) => 50,
            (Some(_), Some(_)) => 85,
            (Some(_), None) => 75,
            (None, Some(AlertDescription::DECODE_ERROR)) => 62,
            (None, _) => return,
        };
        let message = match seen
            .messages
            .iter()
            .rev()
            .filter(|message| message.span.mark.frame <= end.mark.frame)
            .find(|message| {
                let is_the_faulty = fault.as_ref().is_none_or(|(_, span)| message.span.mark == span.mark);
                message.span.from() == sender.peer() && is_the_faulty
            }) {
            Some(message) => message.kind.to_string(),
            None => "first message".to_owned(),
        };
        let at_fault = if sender == Side::Server {
            AtFault::Client
        } else {
            AtFault::Server
        };
        let sentence = match &fault {
            Some((what, _)) => {
                format!(
                    "The {} sent a {message} that cannot be parsed ({what}); the {} {}.",
                    sender.peer().as_str(),
                    sender.as_str(),
                    alert.map_or_else(
                        || "left".to_owned(),
                        |alert| format!("answered with {}", alert.description)
                    )
                )
            }
            None => format!(
                "The {} says that it cannot parse the {}'s {message}; nothing is wrong with it as far as it can be read here.",
                sender.as_str(),
                sender.peer().as_str()
            ),
        };
        let mut finding =
            Finding::new(self, weight, sentence).at_fault(if fault.is_some() { at_fault } else { AtFault::Unknown });
        finding = match &fault {
            Some((what, span)) => finding.prove_span(span, format!("{message}: {what}")),
            None => match seen.offer.as_ref().seen() {
                Some(offer) => finding.prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len)),
                None => finding,
            },
        };
        finding = match alert {
            Some(alert) => finding.prove_span(&alert.span, told(alert)),
            None => finding.prove(end.mark, format!("the {} leaves", sender.as_str())),
        };
        let offer = seen.offer.as_ref().seen();
        let is_first = sender == Side::Server && seen.message(Side::Server, HandshakeType::SERVER_HELLO).is_none();
        if fault.is_none() && is_first && offer.is_some_and(|offer| offer.value.len > SEGMENT) {
            finding = finding.but_not(
                CauseId("large-client-hello-lost"),
                "old servers and devices stumble over a hello in more than one packet; a shorter one would show",
            );
        }
        findings.push(
            finding
                .remedy(at_fault, "update the stack that sent the message", None)
                .remedy(
                    AtFault::Middlebox,
                    "compare with a capture from the other end: a device on the path may have altered it",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_hello_that_nobody_can_read_is_the_clients_fault() {
        let seen = connected()
            .client_hello(Hello::garbled)
            .alert(Server, 2, 50)
            .fin(Server)
            .seen();
        let finding = judged(&DecodeError, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Client));
        assert_eq!(chosen(&seen), "decode-error");
    }

    #[test]
    fn a_complaint_about_a_hello_that_can_be_read_is_possible_only() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 50)
            .fin(Server)
            .seen();
        let finding = judged(&DecodeError, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(finding.at_fault, AtFault::Unknown);
    }

    #[test]
    fn a_hello_that_nobody_can_read_explains_other_endings_too() {
        let garbled = || connected().client_hello(Hello::garbled);
        for description in [10, 40, 47] {
            let seen = garbled().alert(Server, 2, description).fin(Server).seen();
            assert_eq!(
                confidence(&DecodeError, &seen),
                Some(Confidence::Likely),
                "{description}"
            );
            assert_eq!(chosen(&seen), "decode-error", "{description}");
        }
        let seen = garbled().fin(Server).seen();
        assert_eq!(confidence(&DecodeError, &seen), Some(Confidence::Possible));
        assert!(judged(&DecodeError, &garbled().fin(Client).seen()).is_none());
    }

    #[test]
    fn a_complaint_after_the_peer_has_closed_is_about_the_close() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .fin(Client)
            .alert(Server, 2, 50)
            .seen();
        assert!(judged(&DecodeError, &seen).is_none());
    }

    #[test]
    fn a_long_hello_may_be_what_the_server_stumbles_over() {
        let others = |padding: usize| {
            let seen = connected()
                .client_hello(|hello| hello.extension(21, &vec![0; padding]))
                .alert(Server, 2, 50)
                .seen();
            judged(&DecodeError, &seen).unwrap().alternatives
        };
        assert!(
            others(1_500)
                .iter()
                .any(|other| other.cause.0 == "large-client-hello-lost")
        );
        assert!(others(0).is_empty());
    }

    #[test]
    fn another_alert_about_a_sound_hello_is_none() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        assert!(judged(&DecodeError, &seen).is_none());
    }
}
