//! Client and server share no TLS version.

use crate::connection::Offer;
use crate::registry::ProtocolVersion;
use crate::tls::ClientStack;
use crate::why::prelude::*;

/// protocol_version by the server, a version that the client did not offer, or an old hello refused.
pub(crate) struct VersionMismatch;

impl Cause for VersionMismatch {
    fn id(&self) -> CauseId {
        CauseId("version-mismatch")
    }

    fn page(&self) -> &'static str {
        include_str!("version_mismatch.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("server-closed"), CauseId("client-abandoned")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        if let Seen::Seen(answer) = &seen.answer
            && !offer.value.allows(answer.value.version)
        {
            findings.extend(chosen_but_not_offered(self, seen, answer.value.version));
            return;
        }
        let Some(alert) = seen.fatal_alert() else { return };
        let by_client = alert.span.from() == Side::Client;
        if by_client {
            findings.extend(refused_by_the_client(self, seen));
            return;
        }
        if seen.refusal_of_the_hello().is_none() {
            return;
        }
        let accepted = &context.server(seen).versions;
        let least = offer.value.least_version();
        let shares_some = accepted.iter().any(|version| offer.value.allows(*version));
        let shares_none = !accepted.is_empty() && !shares_some;
        let old = is_old(&offer.value);
        let weight = match alert.description {
            AlertDescription::PROTOCOL_VERSION => 97,
            // From others it took one of these versions: this refusal is about something else.
            _ if shares_some => return,
            // Whoever knows both takes TLS 1.3: that others reached nothing else does not mean that the server lacks TLS 1.2.
            AlertDescription::HANDSHAKE_FAILURE if shares_none && (old || offer.value.offers_tls13()) => 90,
            AlertDescription::HANDSHAKE_FAILURE if shares_none && offer.value.is_wide() => 72,
            AlertDescription::HANDSHAKE_FAILURE if shares_none => 45,
            AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY if old => 82,
            // GnuTLS without TLS 1.3 and Mbed TLS 2 say handshake_failure to a client that offers nothing older.
            AlertDescription::HANDSHAKE_FAILURE if !offer.value.offers_older_than_13() => 55,
            _ => return,
        };
        let too_new = least.is_some_and(|least| least.is_tls13());
        let (party, text) = if too_new {
            (
                AtFault::Server,
                format!(
                    "offers {} and nothing older; {} does not take it",
                    offer_text(&offer.value),
                    server_called(seen)
                ),
            )
        } else {
            (
                AtFault::Client,
                format!(
                    "offers {} at most; {} refuses it",
                    offer_text(&offer.value),
                    server_called(seen)
                ),
            )
        };
        let mut finding = Finding::new(self, weight, format!("The client {text}: {}.", alert.description))
            .at_fault(party)
            .prove_span(
                &offer.span,
                format!("ClientHello offers {}", list(&offer.value.versions, 6)),
            )
            .prove_span(&alert.span, told(alert));
        if shares_some {
            finding = finding.infer(format!(
                "Other connections to the same address reached {}: the servers behind it do not agree, or its settings changed.",
                list(accepted, 4)
            ));
        } else if !accepted.is_empty() {
            finding = finding.infer(format!(
                "Other connections to the same server reached {}.",
                list(accepted, 4)
            ));
        }
        findings.push(remedies(finding, seen, &offer.value, too_new));
    }
}

fn offer_text(offer: &Offer) -> String {
    offer
        .best_version()
        .map_or_else(|| "no version that is known".to_owned(), |best| best.to_string())
}

fn is_old(offer: &Offer) -> bool {
    let best = offer.best_version();
    best.is_some_and(|best| best.rank() < ProtocolVersion::TLS12.rank())
}

fn remedies(finding: Finding, seen: &Observed, offer: &Offer, too_new: bool) -> Finding {
    if too_new {
        finding
            .remedy(
                AtFault::Server,
                "enable TLS 1.3; nginx",
                Some("ssl_protocols TLSv1.2 TLSv1.3;".to_owned()),
            )
            .remedy(
                AtFault::Client,
                "or allow TLS 1.2; what the server takes",
                Some(s_client(seen, "-tls1_2")),
            )
    } else {
        finding
            .remedy(
                AtFault::Client,
                if is_old(offer) {
                    "use a TLS library that knows TLS 1.2 and 1.3"
                } else {
                    "use a TLS library that knows TLS 1.3, or allow it"
                },
                None,
            )
            .remedy(
                AtFault::Server,
                if is_old(offer) {
                    "TLS 1.0 and 1.1 are deprecated (RFC 8996): better not to bring them back"
                } else {
                    "or allow TLS 1.2 for clients like this one"
                },
                None,
            )
            .remedy(AtFault::Both, "what the server takes", Some(s_client(seen, "-tls1_2")))
    }
}

/// The client does not take the version of the ServerHello, although the hello allows it: without `supported_versions` a hello does not
/// say where it ends.
fn refused_by_the_client(cause: &VersionMismatch, seen: &Observed) -> Option<Finding> {
    if seen.end().by != Some(Side::Client) {
        return None;
    }
    let (alert, offer, answer) = (
        seen.fatal_alert()?,
        seen.offer.as_ref().seen()?,
        seen.answer.as_ref().seen()?,
    );
    let chosen = answer.value.version;
    let is_old = chosen.rank() < ProtocolVersion::TLS12.rank();
    let expects_more = offer
        .value
        .best_version()
        .is_some_and(|best| best.rank() >= ProtocolVersion::TLS12.rank());
    let weight = match alert.description {
        AlertDescription::PROTOCOL_VERSION if !offer.value.lists_versions || is_old => 96,
        // On the list it is: Java says so of a resumption that changes the version.
        AlertDescription::PROTOCOL_VERSION => 66,
        // OpenSSL 3 finds no signature for MD5 and SHA-1 in its security level, and calls that internal.
        AlertDescription::INTERNAL_ERROR if is_old && expects_more && offer.value.stack == ClientStack::OpenSsl => 82,
        AlertDescription::INTERNAL_ERROR
        | AlertDescription::HANDSHAKE_FAILURE
        | AlertDescription::INSUFFICIENT_SECURITY
            if is_old && expects_more =>
        {
            60
        }
        _ => return None,
    };
    let sentence = format!(
        "{} answered with {chosen}; the client offers {} and gave up: {}.",
        server_called(seen),
        list(&offer.value.versions, 6),
        alert.description
    );
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(AtFault::Server)
        .prove_span(
            &offer.span,
            format!("ClientHello offers {}", list(&offer.value.versions, 6)),
        )
        .prove_span(&answer.span, format!("ServerHello chooses {chosen}"))
        .prove_span(&alert.span, told(alert));
    Some(finding.remedy(
        AtFault::Server,
        "enable TLS 1.2 or 1.3; nginx",
        Some("ssl_protocols TLSv1.2 TLSv1.3;".to_owned()),
    ))
}

/// The server chose a version that is not on offer.
fn chosen_but_not_offered(cause: &VersionMismatch, seen: &Observed, chosen: ProtocolVersion) -> Option<Finding> {
    let (Seen::Seen(offer), Seen::Seen(answer)) = (&seen.offer, &seen.answer) else {
        return None;
    };
    if seen.completed() {
        return None;
    }
    let sentence = format!(
        "{} answered with {chosen}; the client takes {} and gave up.",
        server_called(seen),
        list(&offer.value.versions, 6)
    );
    let mut finding = Finding::new(cause, 96, sentence)
        .at_fault(AtFault::Server)
        .prove_span(
            &offer.span,
            format!("ClientHello offers {}", list(&offer.value.versions, 6)),
        )
        .prove_span(&answer.span, format!("ServerHello chooses {chosen}"));
    if let Some(alert) = seen.fatal_alert() {
        finding = finding.prove_span(&alert.span, told(alert));
    }
    Some(finding.remedy(
        AtFault::Server,
        "enable TLS 1.2 or 1.3; nginx",
        Some("ssl_protocols TLSv1.2 TLSv1.3;".to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn protocol_version_to_an_old_client_is_the_clients_fault() {
        let seen = refused(|hello| hello.versions(&[0x0301]).suites(&[0xc02f]), 70);
        let finding = judged(&VersionMismatch, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Client));
        assert!(finding.sentence.contains("TLS 1.0"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "version-mismatch");
    }

    #[test]
    fn protocol_version_to_a_client_of_tls_1_3_alone_is_the_servers_fault() {
        let seen = refused(|hello| hello.versions(&[0x0304]), 70);
        let finding = judged(&VersionMismatch, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Server));
    }

    #[test]
    fn handshake_failure_to_an_old_client_is_likely_its_version() {
        let seen = refused(|hello| hello.versions(&[0x0302]), 40);
        assert_eq!(confidence(&VersionMismatch, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn handshake_failure_to_a_client_of_tls_1_2_is_not_its_version() {
        assert_eq!(confidence(&VersionMismatch, &refused(Hello::tls12, 40)), None);
    }

    #[test]
    fn what_the_server_spoke_with_others_weighs_in() {
        let seen = refused(Hello::tls12, 40);
        let weight = |seen: &Observed| {
            let world = context().server_took_versions(&[0x0304]);
            world.judged(&VersionMismatch, seen).map(|finding| finding.weight)
        };
        assert_eq!(weight(&seen), Some(45));
        // A server that knew TLS 1.2 would find in this one what it needs.
        let wide = [0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0xc013, 0xc014];
        let wide = refused(|hello| hello.tls12().suites(&wide), 40);
        assert_eq!(weight(&wide), Some(72));
        assert_eq!(weight(&refused(|hello| hello.versions(&[0x0302]), 40)), Some(90));
        let world = context().server_took_versions(&[0x0303, 0x0304]);
        assert_eq!(sure(world.judged(&VersionMismatch, &seen)), None);
    }

    #[test]
    fn an_old_version_that_the_server_took_from_others_is_not_the_reason() {
        let seen = refused(|hello| hello.versions(&[0x0301]), 40);
        let world = context().server_took_versions(&[0x0301, 0x0303]);
        assert_eq!(sure(world.judged(&VersionMismatch, &seen)), None);
    }

    #[test]
    fn an_answer_in_a_version_that_was_not_offered_is_the_servers_fault() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0301, 0xc013)
            .alert(Client, 2, 70)
            .fin(Client)
            .seen();
        let finding = judged(&VersionMismatch, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert_eq!(finding.at_fault, AtFault::Server);
        assert_eq!(context().verdict(&seen).aborted_by, AbortedBy::Client);
    }

    #[test]
    fn a_client_may_take_less_than_its_hello_allows() {
        let answered = |description| {
            connected()
                .client_hello(Hello::tls12)
                .server_hello(0x0302, 0xc013)
                .alert(Client, 2, description)
                .fin(Client)
                .seen()
        };
        assert_eq!(judged(&VersionMismatch, &answered(70)).unwrap().weight, 96);
        let mut seen = answered(80);
        assert_eq!(confidence(&VersionMismatch, &seen), Some(Confidence::Possible));
        set_stack(&mut seen, ClientStack::OpenSsl);
        assert_eq!(confidence(&VersionMismatch, &seen), Some(Confidence::Likely));
        // A version that is up to date is not what an internal error is about.
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 2, 80)
            .seen();
        assert!(judged(&VersionMismatch, &seen).is_none());
    }

    #[test]
    fn a_version_on_the_list_is_refused_for_something_else() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 2, 70)
            .fin(Client)
            .seen();
        assert_eq!(confidence(&VersionMismatch, &seen), Some(Confidence::Possible));
    }

    #[test]
    fn an_older_answer_that_the_client_takes_is_no_mismatch() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0303]).suites(&[0xc013]))
            .server_hello(0x0301, 0xc013)
            .certificate(Server, &[b"leaf"])
            .server_hello_done()
            .finished_by_both()
            .seen();
        assert!(judged(&VersionMismatch, &seen).is_none());
    }

    #[test]
    fn protocol_version_after_the_servers_hello_is_not_about_the_offer() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Server, 2, 70)
            .seen();
        assert!(judged(&VersionMismatch, &seen).is_none());
    }
}
