//! Servers behind one address that do not hold the same certificate.

use crate::connection::LeafCount;
use crate::why::fits::is_of_a_certificate;
use crate::why::prelude::*;
use crate::x509::Interned;

/// Adds to the cause that the certificate was refused because one server of several behind the address has another one than the others: it
/// alternates with theirs, and what got it failed while what got theirs went on. A server that was given a new certificate changes once.
pub(in crate::why) fn tell(finding: Finding, seen: &Observed, context: &Context<'_>) -> Finding {
    if !is_of_a_certificate(finding.cause) {
        return finding;
    }
    let name = seen.server_name().unwrap_or_default();
    let (Some(sent), Some(chain)) = (context.server(seen).sent.get(name), seen.server_chain.as_ref().seen()) else {
        return finding;
    };
    let Some(own) = sent
        .leaves
        .iter()
        .find(|count| chain.value.first() == Some(&count.leaf))
    else {
        return finding;
    };
    // A server with a key of each kind chooses by what the client takes.
    let is_rival = |leaf: &Interned| match (leaf.readable(), own.leaf.readable()) {
        (Some(leaf), Some(own)) => std::mem::discriminant(&leaf.key) == std::mem::discriminant(&own.key),
        _ => false,
    };
    let mut others = sent.leaves.iter().filter(|count| {
        count.leaf != own.leaf && count.carried_data > 0 && count.alternates_with(own) && is_rival(&count.leaf)
    });
    let Some(other) = others.next().filter(|_| own.carried_data == 0) else {
        return finding;
    };
    let begins = |count: &LeafCount| count.leaf.readable().map(|leaf| leaf.not_before);
    let kind = if begins(own) < begins(other) {
        "an older"
    } else {
        "another"
    };
    let carried = if own.connections == 1 {
        "it carried no data"
    } else {
        "none of them carried data"
    };
    let text = format!(
        "one of the servers behind {} has {kind} certificate than the others: {} of {} connections got this one, and {carried}; of the {} \
         that got the other, {} did",
        seen.server,
        own.connections,
        own.connections + other.connections,
        other.connections,
        other.carried_data
    );
    let [first, _] = other.seen;
    finding.prove_elsewhere(first, text)
}

#[cfg(test)]
mod tests {
    use crate::connection::Closed;
    use crate::why::testing::*;

    fn connection(chain: &[&[u8]], frame: u64, refused: bool) -> Scene {
        let scene = connected()
            .behind_frame(frame)
            .client_hello(|hello| hello.tls12().name("shop.example"))
            .server_flight(chain);
        if refused {
            scene.alert(Client, 2, 45).fin(Client)
        } else {
            scene.finished_by_both().sealed(Client, &[90]).fin(Client)
        }
    }

    /// What is said of pools where the old certificate came behind these frames, and the new one behind those.
    fn told(old: &[u64], new: &[u64], is_old_refused: bool) -> Option<String> {
        let root = Authority::root("Shop Anchor");
        let [old_leaf, new_leaf] = [(2024, 2026), (2025, 2028)]
            .map(|(from, to)| Leaf::named("shop.example").with(valid(from, to)).signed_by(&root));
        let olds = old
            .iter()
            .map(|frame| connection(&[&old_leaf], *frame, is_old_refused).closed());
        let news = new.iter().map(|frame| connection(&[&new_leaf], *frame, false).closed());
        let all: Vec<Closed> = olds.chain(news).collect();
        let seen = connection(&[&old_leaf], old[0], true).seen();
        let verdict = context().trusting(&root).beside_at_the_server(&all).verdict(&seen);
        assert_eq!(name_of(&verdict), "certificate-expired");
        let evidence = verdict.cause.unwrap().evidence.into_iter();
        let mut told = evidence
            .map(|evidence| evidence.text)
            .filter(|text| text.contains("one of the servers behind"));
        told.next()
    }

    #[test]
    fn one_server_of_several_with_the_old_certificate_is_told_with_counts() {
        let text = told(&[100, 300], &[0, 200, 400], true).unwrap();
        assert!(
            text.contains("has an older certificate than the others: 2 of 5 connections got this one, and none of them carried data; of the 3 that got the other, 3 did"),
            "{text}"
        );
    }

    #[test]
    fn a_renewal_in_the_middle_of_the_capture_is_no_pool() {
        assert_eq!(told(&[0, 100], &[200, 300], true), None);
    }

    #[test]
    fn where_others_get_on_with_the_same_certificate_it_is_not_the_servers_difference() {
        assert_eq!(told(&[100, 300], &[0, 200, 400], false), None);
    }
}
