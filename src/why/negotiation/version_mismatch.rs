//! Client and server share no TLS version.

use crate::connection::Offer;
use crate::registry::ProtocolVersion;
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
            // A client that says protocol_version to a ServerHello which it cannot use.
            if alert.description == AlertDescription::PROTOCOL_VERSION
                && let Seen::Seen(answer) = &seen.answer
            {
                findings.extend(chosen_but_not_offered(self, seen, answer.value.version));
            }
            return;
        }
        if seen.refusal_of_the_hello().is_none() {
            return;
        }
        let accepted = &context.server(seen).versions;
        let (best, least) = (offer.value.best_version(), offer.value.least_version());
        let shares_none = !accepted.is_empty() && !accepted.iter().any(|version| offer.value.allows(*version));
        let old = best.is_some_and(|best| best.rank() < ProtocolVersion::TLS12.rank());
        let weight = match alert.description {
            AlertDescription::PROTOCOL_VERSION => 97,
            AlertDescription::HANDSHAKE_FAILURE if shares_none => 90,
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
        if !accepted.is_empty() {
            finding = finding.infer(format!(
                "Other connections to the same server reached {}.",
                list(accepted, 4)
            ));
        }
        findings.push(remedies(finding, seen, too_new));
    }
}

fn offer_text(offer: &Offer) -> String {
    offer
        .best_version()
        .map_or_else(|| "no version that is known".to_owned(), |best| best.to_string())
}

fn remedies(finding: Finding, seen: &Observed, too_new: bool) -> Finding {
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
            .remedy(AtFault::Client, "use a TLS library that knows TLS 1.2 and 1.3", None)
            .remedy(
                AtFault::Server,
                "TLS 1.0 and 1.1 are deprecated (RFC 8996): better not to bring them back",
                None,
            )
            .remedy(AtFault::Both, "what the server takes", Some(s_client(seen, "-tls1_2")))
    }
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
