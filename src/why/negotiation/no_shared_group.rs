//! The server shares no named group with the client.

use crate::registry::Group;
use crate::why::prelude::*;

/// A refusal of a hello whose groups are few or exotic.
pub(crate) struct NoSharedGroup;

impl Cause for NoSharedGroup {
    fn id(&self) -> CauseId {
        CauseId("no-shared-group")
    }

    fn page(&self) -> &'static str {
        include_str!("no_shared_group.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.refusal_of_the_hello() else {
            return;
        };
        // JSSE says unexpected_message and GnuTLS illegal_parameter where others say handshake_failure.
        if !matches!(
            alert.description,
            AlertDescription::HANDSHAKE_FAILURE
                | AlertDescription::INSUFFICIENT_SECURITY
                | AlertDescription::UNEXPECTED_MESSAGE
                | AlertDescription::ILLEGAL_PARAMETER
        ) {
            return;
        }
        let Seen::Seen(offer) = &seen.offer else { return };
        let groups = &offer.value.groups;
        if groups.is_empty() {
            return;
        }
        let accepted = &context.server(seen).groups;
        let shares = groups.iter().any(|group| accepted.contains(group));
        let common = [Group::X25519, Group::SECP256R1]
            .iter()
            .filter(|group| groups.contains(group))
            .count();
        let weight = match (common, groups.len()) {
            _ if shares => return,
            (_, _) if !accepted.is_empty() && seen.retry.is_none() => 90,
            (0, _) => 86,
            (1, 1) => 84,
            (1, 2) => 55,
            (1, _) => 40,
            _ => return,
        };
        let sentence = format!(
            "{} shares no group for the key exchange with the client, which offers {}.",
            server_called(seen),
            list(groups, 5)
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Both)
            .prove_span(
                &offer.span,
                format!("ClientHello: supported_groups {}", list(groups, 8)),
            )
            .prove_span(&alert.span, format!("{}, before any ServerHello", told(alert)));
        if !accepted.is_empty() {
            finding = finding.infer(format!("With other clients the server used {}.", list(accepted, 4)));
        }
        findings.push(
            finding
                .but_not(
                    CauseId("no-shared-cipher"),
                    "the suites on offer leave the server a choice",
                )
                .remedy(
                    AtFault::Server,
                    "allow the usual groups; nginx",
                    Some("ssl_ecdh_curve X25519:prime256v1:secp384r1;".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "or offer X25519 and P-256",
                    Some(s_client(seen, "-groups X25519:P-256")),
                ),
        );
    }
}
