//! A side sent an extension that the other one had not offered, or does not allow.

use crate::connection::{Answer, Offer};
use crate::registry::ExtensionType;
use crate::why::prelude::*;

/// unsupported_extension, or another refusal of an answer with an extension that nobody asked for.
pub(crate) struct UnsupportedExtension;

impl Cause for UnsupportedExtension {
    fn id(&self) -> CauseId {
        CauseId("unsupported-extension")
    }

    fn page(&self) -> &'static str {
        include_str!("unsupported_extension.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        let end = seen.end();
        if seen.completed() {
            return;
        }
        let named_so =
            matches!(end.act, Act::Alert(alert) if alert.description == AlertDescription::UNSUPPORTED_EXTENSION);
        let finding = match end.by {
            Some(Side::Server) if named_so && seen.refusal_of_the_hello().is_some() => {
                of_the_client(self, seen, &offer.value)
            }
            Some(Side::Client) => of_the_server(self, seen, &offer.value, end.act),
            _ => None,
        };
        let Some(finding) = finding else { return };
        let party = finding.at_fault;
        let finding = match end.act {
            Act::Alert(alert) => finding.prove_span(&alert.span, told(&alert)),
            _ => finding.prove(end.mark, "the client leaves"),
        };
        findings.push(
            finding
                .remedy(party, "update the TLS library of that side; until then, switch the extension off there", None)
                .remedy(
                    AtFault::Middlebox,
                    "compare with a capture from the other end: a device on the path may have taken the extension out of the hello",
                    None,
                ),
        );
    }
}

/// What the server put into its answer although the client had not offered it (RFC 9846 §4.3, RFC 5246 §7.4.1.4).
fn uninvited(offer: &Offer, answer: &Answer) -> Vec<ExtensionType> {
    let invited = |kind: &ExtensionType| {
        offer.has(*kind)
            || *kind == ExtensionType::RENEGOTIATION_INFO && offer.knows_secure_renegotiation()
            || *kind == ExtensionType::COOKIE && answer.is_retry
    };
    let extensions = answer.extensions().into_iter();
    extensions.filter(|kind| !invited(kind)).collect()
}

fn of_the_server(cause: &dyn Cause, seen: &Observed, offer: &Offer, act: Act) -> Option<Finding> {
    let answer = seen.answer.as_ref().seen().or(seen.retry.as_ref())?;
    let uninvited = uninvited(offer, &answer.value);
    let alert = match act {
        Act::Alert(alert) => Some(alert.description),
        _ => None,
    };
    let named_so = alert == Some(AlertDescription::UNSUPPORTED_EXTENSION);
    if uninvited.is_empty() {
        // Go says so of a protocol that it did not offer: that is alpn-mismatch.
        let is_protocol = answer
            .value
            .alpn
            .as_ref()
            .is_some_and(|protocol| !offer.alpn.contains(protocol));
        let place = if answer.value.version.is_tls13() {
            "among the encrypted ones"
        } else {
            "in its flight"
        };
        return (named_so && !is_protocol).then(|| {
            let sentence = format!(
                "{} sent an extension that the client had not offered, {place}: unsupported_extension.",
                server_called(seen)
            );
            Finding::new(cause, 80, sentence)
                .at_fault(AtFault::Server)
                .prove_span(&answer.span, "ServerHello: every extension in it was offered")
        });
    }
    let weight = match alert {
        _ if named_so => 96,
        Some(
            AlertDescription::ILLEGAL_PARAMETER
            | AlertDescription::HANDSHAKE_FAILURE
            | AlertDescription::UNEXPECTED_MESSAGE
            | AlertDescription::DECODE_ERROR
            | AlertDescription::INTERNAL_ERROR,
        ) => 85,
        Some(_) => return None,
        None => 60,
    };
    let what = list(uninvited.iter().map(|kind| called(*kind)), 4);
    let message = if answer.value.is_retry {
        "HelloRetryRequest"
    } else {
        "ServerHello"
    };
    let sentence = format!(
        "{} answers with {what}, which the client had not offered; the client gave up.",
        server_called(seen)
    );
    Some(
        Finding::new(cause, weight, sentence)
            .at_fault(AtFault::Server)
            .prove_offer(seen, format!("ClientHello without {what}"))
            .prove_span(&answer.span, format!("{message} with {what}")),
    )
}

fn of_the_client(cause: &dyn Cause, seen: &Observed, offer: &Offer) -> Option<Finding> {
    let second = seen.second_offer.as_ref().map_or(offer, |second| &second.value);
    // QUIC's parameters have no place in TCP (RFC 9001 §8.2), early data none in a second hello (RFC 9846 §4.3.10).
    let suspect = if offer.has(ExtensionType::QUIC_TRANSPORT_PARAMETERS) {
        Some(ExtensionType::QUIC_TRANSPORT_PARAMETERS)
    } else {
        (seen.second_offer.is_some() && second.early_data).then_some(ExtensionType::EARLY_DATA)
    };
    let (weight, what) = match suspect {
        Some(kind) => (93, called(kind)),
        None => (80, "an extension".to_owned()),
    };
    let sentence = format!(
        "The client sends {what} where {} allows none: unsupported_extension.",
        server_called(seen)
    );
    let listed = format!(
        "ClientHello: {}",
        list(second.extensions.iter().map(|kind| called(*kind)), 12)
    );
    Some(
        Finding::new(cause, weight, sentence)
            .at_fault(AtFault::Client)
            .prove_offer(seen, listed),
    )
}

/// The name of an extension, with the short one where people know it by that.
fn called(kind: ExtensionType) -> String {
    match kind {
        ExtensionType::ALPN => format!("{kind} (ALPN)"),
        _ => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn answered(build: impl FnOnce(Hello) -> Hello, with: &[u16], description: u8) -> Observed {
        connected()
            .client_hello(build)
            .server_hello_with(0x0303, 0xc02f, |hello| hello.extensions(with))
            .alert(Client, 2, description)
            .fin(Client)
            .seen()
    }

    #[test]
    fn an_answer_to_nobodys_question_is_found_by_comparing_both_hellos() {
        let seen = answered(Hello::tls12, &[16], 110);
        let finding = judged(&UnsupportedExtension, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Server));
        assert!(finding.sentence.contains("(ALPN)"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "unsupported-extension");
        assert_eq!(
            confidence(&UnsupportedExtension, &answered(Hello::tls12, &[16], 47)),
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn what_was_offered_is_no_surprise() {
        let offers = |hello: Hello| hello.tls12().extension(23, &[]);
        assert!(judged(&UnsupportedExtension, &answered(offers, &[23], 47)).is_none());
        // The signal among the suites asks for renegotiation_info.
        let signals = |hello: Hello| hello.versions(&[0x0303]).suites(&[0xc02f, 0x00ff]);
        assert!(judged(&UnsupportedExtension, &answered(signals, &[0xff01], 47)).is_none());
        assert!(judged(&UnsupportedExtension, &answered(Hello::tls12, &[0xff01], 47)).is_some());
    }

    #[test]
    fn the_alert_alone_makes_it_likely_where_tls_1_3_hides_the_extension() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .alert(Client, 2, 110)
            .seen();
        assert_eq!(confidence(&UnsupportedExtension, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn quic_parameters_have_no_place_in_tcp() {
        let refused = |build: fn(Hello) -> Hello| {
            let seen = connected().client_hello(build).alert(Server, 2, 110).fin(Server).seen();
            judged(&UnsupportedExtension, &seen).unwrap()
        };
        let finding = refused(|hello| hello.extension(57, &[]));
        assert!(
            finding.sentence.contains("quic_transport_parameters"),
            "{}",
            finding.sentence
        );
        assert_eq!(finding.at_fault, AtFault::Client);
        assert!(refused(|hello| hello).weight < finding.weight);
    }
}
