//! What is untidy about the list of certificates, be the path through it sound or not.

use super::sent;
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::ChainReport;

/// What is wrong with the list beside the path, for people, each without a verb's subject; empty where it is as it should be.
pub(super) fn untidiness(seen: &Observed, chain: &ChainReport) -> Vec<String> {
    let called = |index: usize| {
        let name = sent(seen, index).map_or_else(String::new, |certificate| {
            format!(" (\"{}\")", certificate.display_name())
        });
        format!("{}{name}", index + 1)
    };
    let ended = |index: usize| {
        let ended = chain.expired_aside.iter().find(|aside| aside.depth == index)?;
        Some(format!(", and ended on {}", ended.certificate.not_after.date()))
    };
    let numbers = |places: &[usize]| list(places.iter().map(|place| place + 1), 4);
    let mut untidy = Vec::new();
    if chain.unordered {
        untidy.push("is out of order: each certificate has to follow the one that it issued".to_owned());
    }
    match chain.duplicates.as_slice() {
        [] => {}
        [one] => untidy.push(format!("holds a certificate twice: number {} is a copy", one + 1)),
        several => untidy.push(format!(
            "holds certificates twice: numbers {} are copies",
            numbers(several)
        )),
    }
    // The first of them with its name; a list of forty is not told by name.
    if let Some(first) = chain.unused.first() {
        let end = ended(*first).unwrap_or_default();
        let more = match chain.unused.len() - 1 {
            0 => String::new(),
            more => format!("; so are {more} more"),
        };
        untidy.push(format!(
            "holds what is not needed: number {}{end}{more}",
            called(*first)
        ));
    }
    if let Some(root) = chain.superfluous_root {
        untidy.push(format!(
            "holds the root, number {}, which clients have themselves: harmless",
            called(root)
        ));
    }
    untidy
}

/// Says why Java names a defect of time by its word for all defects: it looks for a path of its own where the list is none.
pub(super) fn explain_javas_46(
    finding: Finding,
    seen: &Observed,
    chain: &ChainReport,
    rejection: &Rejection,
) -> Finding {
    let is_java = seen
        .offer
        .as_ref()
        .seen()
        .is_some_and(|offer| offer.value.stack == ClientStack::Jsse);
    let says_46 = rejection.sign == Sign::Alert(AlertDescription::CERTIFICATE_UNKNOWN);
    let why = if chain.unordered {
        "is out of order"
    } else if !chain.duplicates.is_empty() {
        "holds a certificate twice"
    } else {
        return finding;
    };
    let Some(list) = seen.server_chain.as_ref().seen().filter(|_| is_java && says_46) else {
        return finding;
    };
    let text =
        format!("the list {why}: Java then looks for a path of its own, and says certificate_unknown for every defect");
    finding.prove_span(&list.span, text)
}
