//! The server shares no named group with the client.

use super::habits::is_cut_to_two_groups;
use super::server_key::{prove_key, shown_keys};
use crate::connection::Offer;
use crate::registry::Group;
use crate::why::prelude::*;
use crate::x509::{Curve, Key};

/// A refusal of a hello whose groups are few or exotic.
pub(crate) struct NoSharedGroup;

impl Cause for NoSharedGroup {
    fn id(&self) -> CauseId {
        CauseId("no-shared-group")
    }

    fn page(&self) -> &'static str {
        include_str!("no_shared_group.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.refusal_of_the_hello() else {
            findings.extend(refused_by_the_client(self, seen));
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
        let is_vague = alert.description == AlertDescription::HANDSHAKE_FAILURE;
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
        if let Some(finding) = key_not_offered(self, seen, context) {
            findings.push(finding.prove_span(&alert.span, told(alert)));
            return;
        }
        let weight = match (common, groups.len()) {
            _ if shares => return,
            // Two groups or more show what the server takes; one may be all that the others offered.
            (_, _) if accepted.len() >= 2 && seen.retry.is_none() => 90,
            (0, _) if !accepted.is_empty() => 90,
            (0, _) => 86,
            (1, 1) => 84,
            (1, 2) => 55,
            (1, _) => 40,
            // Asked to come again with another group, it was refused all the same.
            _ if seen.retry.is_some() => 50,
            // A list that somebody cut down, in a hello that is full otherwise.
            _ if is_cut_to_two_groups(&offer.value) => 58,
            // All is there but what is new: a server that takes hybrid groups alone.
            _ if is_vague && offer.value.is_ordinary() && !groups.iter().any(is_hybrid) => 48,
            _ => return,
        };
        let sentence = format!(
            "{} shares no group for the key exchange with the client, which offers {}.",
            server_called(seen),
            list(groups, 5)
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Both)
            .prove_span(&offer.span, offered(&offer.value))
            .prove_span(&alert.span, format!("{}, before any ServerHello", told(alert)));
        if !accepted.is_empty() {
            finding = finding.infer(format!("With other clients the server used {}.", list(accepted, 4)));
        } else if groups.iter().any(is_draft) {
            finding = finding.infer(
                "The Kyber groups of the drafts and X25519MLKEM768 have different numbers and do not work together.",
            );
        }
        findings.push(remedies(finding, seen).but_not(
            CauseId("no-shared-cipher"),
            "the suites on offer leave the server a choice",
        ));
    }
}

fn offered(offer: &Offer) -> String {
    format!("ClientHello: supported_groups {}", list(&offer.groups, 8))
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Server,
            "allow the usual groups; nginx",
            Some("ssl_ecdh_curve X25519:prime256v1:secp384r1;".to_owned()),
        )
        .remedy(
            AtFault::Client,
            "or offer X25519 and P-256",
            Some(s_client(seen, "-groups X25519:P-256")),
        )
}

/// Below TLS 1.3 a client that lacks the group of an ECDSA key's curve does not take the key (RFC 8422 §5.1.1).
fn key_not_offered(cause: &NoSharedGroup, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let offer = seen.offer.as_ref().seen()?;
    if offer.value.offers_tls13() {
        return None;
    }
    let keys = shown_keys(context.server(seen), seen);
    let lacks = |key: &Key| match key {
        Key::Ec(Curve::P256) => !offer.value.groups.contains(&Group::SECP256R1),
        Key::Ec(Curve::P384) => !offer.value.groups.contains(&Group::SECP384R1),
        Key::Ec(Curve::P521) => !offer.value.groups.contains(&Group::SECP521R1),
        _ => false,
    };
    let (key, mark) = *keys.first()?;
    if !keys.iter().all(|(key, _)| lacks(key)) {
        return None;
    }
    let sentence = format!(
        "{} has a certificate with a key of the kind {key}, whose curve is not among the groups of the client: {}.",
        server_called(seen),
        list(&offer.value.groups, 5)
    );
    let finding = Finding::new(cause, 88, sentence)
        .at_fault(AtFault::Both)
        .prove_span(&offer.span, offered(&offer.value))
        .infer("Below TLS 1.3 the groups say on which curves a client takes keys, too (RFC 8422 §5.1.1).");
    Some(remedies(prove_key(finding, key, mark), seen))
}

/// A group with a post-quantum part.
fn is_hybrid(group: &Group) -> bool {
    matches!(group.0, 0x0200..=0x0202 | 0x11eb..=0x11ee) || is_draft(group)
}

/// A post-quantum group of the drafts (Kyber), which the final ones replaced.
fn is_draft(group: &Group) -> bool {
    matches!(group.0, 0x6399 | 0x639a | 0xfe30 | 0xfe31)
}

/// The client refuses a key exchange over a group that it did not offer (TLS ≤ 1.2).
fn refused_by_the_client(cause: &NoSharedGroup, seen: &Observed) -> Option<Finding> {
    let (alert, exchange) = (seen.fatal_alert()?, seen.key_exchange.as_ref()?);
    let (offer, used) = (seen.offer.as_ref().seen()?, exchange.value.group?);
    let is_foreign = !offer.value.groups.is_empty() && !offer.value.groups.contains(&used);
    let refuses = seen.end().by == Some(Side::Client) && alert.span.mark.frame > exchange.span.mark.frame;
    if !is_foreign || !refuses || seen.completed() {
        return None;
    }
    let named_so = alert.description == AlertDescription::ILLEGAL_PARAMETER;
    let sentence = format!(
        "{} uses {used} for the key exchange, which the client did not offer: {}.",
        server_called(seen),
        alert.description
    );
    let finding = Finding::new(cause, if named_so { 95 } else { 82 }, sentence)
        .at_fault(AtFault::Server)
        .prove_span(&offer.span, offered(&offer.value))
        .prove_span(&exchange.span, format!("ServerKeyExchange over {used}"))
        .prove_span(&alert.span, told(alert));
    Some(finding.remedy(
        AtFault::Server,
        "let it choose among the client's groups; nginx",
        Some("ssl_ecdh_curve X25519:prime256v1:secp384r1;".to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn refused(groups: &[u16], description: u8) -> Observed {
        crate::why::testing::refused(|hello| hello.groups(groups), description)
    }

    #[test]
    fn an_offer_without_the_usual_groups_is_likely_refused_for_it() {
        let seen = refused(&[0x001a, 0x001c], 40);
        assert_eq!(confidence(&NoSharedGroup, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "no-shared-group");
    }

    #[test]
    fn a_single_group_is_likely_the_reason_too() {
        assert_eq!(
            confidence(&NoSharedGroup, &refused(&[29], 40)),
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn an_offer_of_the_usual_groups_is_not_refused_for_them() {
        assert!(judged(&NoSharedGroup, &refused(&[0x11ec, 29, 23, 24], 40)).is_none());
        assert!(judged(&NoSharedGroup, &refused(&[29, 23, 24], 71)).is_none());
        // Unless the server takes hybrid groups alone.
        let finding = judged(&NoSharedGroup, &refused(&[29, 23, 24], 40)).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
    }

    #[test]
    fn a_list_that_was_cut_down_is_likelier_than_the_version() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0304]).groups(&[29, 23]))
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        assert_eq!(chosen(&seen), "no-shared-group");
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0304]))
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        assert_eq!(chosen(&seen), "version-mismatch");
    }

    #[test]
    fn a_client_refuses_a_group_that_it_did_not_offer() {
        let flight = |groups: &[u16], description| {
            connected()
                .client_hello(|hello| hello.tls12().groups(groups))
                .server_flight(&[b"leaf"])
                .alert(Client, 2, description)
                .fin(Client)
                .seen()
        };
        // The server's flight is over X25519.
        let seen = flight(&[23, 24], 47);
        let finding = judged(&NoSharedGroup, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (95, AtFault::Server));
        assert_eq!(chosen(&seen), "no-shared-group");
        assert!(judged(&NoSharedGroup, &flight(&[29, 23], 47)).is_none());
    }

    #[test]
    fn below_tls_1_3_the_curve_of_the_key_has_to_be_among_the_groups() {
        let sibling = || {
            let chain = Issued::to("shop.example");
            connected()
                .client_hello(Hello::tls12)
                .server_flight(&chain.whole())
                .closed()
        };
        let judge = |seen: &Observed| {
            context()
                .beside_at_the_server(&[sibling()])
                .server_took_groups(&[0x0018])
                .judged(&NoSharedGroup, seen)
        };
        let refused = |hello: fn(Hello) -> Hello| crate::why::testing::refused(hello, 40);
        let finding = judge(&refused(|hello| hello.tls12().groups(&[0x0018]))).unwrap();
        assert_eq!(finding.weight, 88);
        assert!(
            finding.sentence.contains("a key of the kind EC P-256"),
            "{}",
            finding.sentence
        );
        // With the key's curve, and where TLS 1.3 leaves the choice of the key to the signature schemes.
        assert!(judge(&refused(|hello| hello.tls12().groups(&[0x0018, 0x0017]))).is_none());
        assert!(judge(&refused(|hello| hello.groups(&[0x0018]))).is_none());
    }

    #[test]
    fn the_groups_that_the_server_used_with_others_decide() {
        let seen = refused(&[29], 40);
        let finding = context()
            .server_took_groups(&[24])
            .judged(&NoSharedGroup, &seen)
            .unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.inferred.is_some_and(|text| text.contains("secp384r1")));
        assert!(
            context()
                .server_took_groups(&[29])
                .judged(&NoSharedGroup, &seen)
                .is_none()
        );
    }

    #[test]
    fn stacks_with_words_of_their_own_are_understood() {
        for description in [10, 47, 71] {
            assert_eq!(
                confidence(&NoSharedGroup, &refused(&[0x001a], description)),
                Some(Confidence::Likely),
                "{description}"
            );
        }
    }

    #[test]
    fn an_alert_about_something_else_is_none() {
        assert!(judged(&NoSharedGroup, &refused(&[0x001a], 112)).is_none());
    }
}
