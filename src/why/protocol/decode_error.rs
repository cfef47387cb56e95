//! A message could not be parsed.

use crate::why::prelude::*;

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
        &[CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if seen.completed() {
            return;
        }
        let sender = alert.span.from();
        // What is malformed for us too explains an illegal_parameter or handshake_failure as well.
        let fault = seen
            .malformed
            .iter()
            .find(|(_, span)| span.from() == sender.peer())
            .map(|(what, span)| (what.to_string(), *span));
        let in_offer = seen.offer.as_ref().seen().and_then(|offer| {
            let what = offer.value.fault.as_ref()?;
            (sender == Side::Server).then(|| (what.to_string(), offer.span))
        });
        let fault = fault.or(in_offer);
        let named = alert.description == AlertDescription::DECODE_ERROR;
        let weight = match (&fault, named) {
            (Some(_), true) => 96,
            (Some(_), false) if alert.description == AlertDescription::ILLEGAL_PARAMETER => 85,
            (Some(_), false) => 60,
            (None, true) => 62,
            (None, false) => return,
        };
        let message = match seen
            .messages
            .iter()
            .rev()
            .find(|message| message.span.from() == sender.peer())
        {
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
                    "The {} sent a {message} that cannot be parsed ({what}); the {} refused it.",
                    sender.peer().as_str(),
                    sender.as_str()
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
        findings.push(
            finding
                .prove_span(&alert.span, told(alert))
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
    fn another_alert_about_a_sound_hello_is_none() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        assert!(judged(&DecodeError, &seen).is_none());
    }
}
