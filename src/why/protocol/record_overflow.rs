//! A record is longer than the protocol allows.

use super::fault_of;
use super::reaction::Reaction;
use crate::evidence::Span;
use crate::why::prelude::*;

/// A length field out of bounds, or record_overflow.
pub(crate) struct RecordOverflow;

/// The longest record up to TLS 1.2: 2^14 bytes, and 2,048 that compression and keys may add (RFC 5246 §6.2.3).
const MAX_OF_12: u32 = (1 << 14) + 2_048;
/// The longest encrypted record of TLS 1.3 (RFC 9846 §5.2).
const MAX_OF_13: u32 = (1 << 14) + 256;

impl Cause for RecordOverflow {
    fn id(&self) -> CauseId {
        CauseId("record-overflow")
    }

    fn page(&self) -> &'static str {
        include_str!("record_overflow.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const ABOVE: &[CauseId] = &[
            CauseId("decode-error"),
            CauseId("bad-record-mac"),
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
        ];
        ABOVE
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        match oversized(seen) {
            Some((length, max, mark, span)) => findings.extend(visible(self, seen, length, max, mark, span)),
            None => findings.extend(said(self, seen)),
        }
    }
}

/// The first record that is too long: its length, the greatest that is allowed, and where it stands.
fn oversized(seen: &Observed) -> Option<(u16, u32, Mark, Option<Span>)> {
    let is_whole = |side: Side| seen.lost[side].is_none() && !seen.tcp.started_midway();
    if let Some((length, span)) = seen.oversized.as_deref().filter(|(_, span)| is_whole(span.from())) {
        return Some((*length, MAX_OF_12, span.mark, Some(*span)));
    }
    let record = seen
        .records
        .iter()
        .flat_map(|log| log.first())
        .find(|record| seen.is_tls13() && u32::from(record.len) > MAX_OF_13)?;
    Some((record.len, MAX_OF_13, record.mark, None))
}

fn visible(
    cause: &RecordOverflow,
    seen: &Observed,
    length: u16,
    max: u32,
    mark: Mark,
    span: Option<Span>,
) -> Option<Finding> {
    let culprit = mark.from;
    let reaction = Reaction::to(culprit, seen).filter(|reaction| mark.frame <= reaction.mark.frame)?;
    // Stacks answer with a number each of their own: record_overflow, decode_error, bad_record_mac.
    let weight = if reaction.alert.is_some() { 96 } else { 88 };
    let sentence = format!(
        "The {} sent a record of {length} bytes; {max} is the most that the protocol allows, and the {} {}.",
        culprit.as_str(),
        reaction.by.as_str(),
        reaction.told()
    );
    let text = format!("a record whose length field says {length} bytes");
    let finding = Finding::new(cause, weight, sentence).at_fault(fault_of(culprit));
    let finding = match span {
        Some(span) => finding.prove_span(&span, text),
        None => finding.prove(mark, text),
    };
    Some(
        reaction
            .prove(finding)
            .remedy(
                fault_of(culprit),
                format!(
                    "update what the {} speaks TLS with: no maintained library sends such a record",
                    culprit.as_str()
                ),
                None,
            )
            .remedy(
                AtFault::Middlebox,
                "compare captures of both ends: five bytes of a header that were altered or shifted look like this",
                None,
            ),
    )
}

/// A side says so, and no record here is too long.
fn said(cause: &RecordOverflow, seen: &Observed) -> Option<Finding> {
    let Act::Alert(alert) = seen.end().act else { return None };
    let is_tls = seen.first.iter().all(First::is_tls);
    if alert.description != AlertDescription::RECORD_OVERFLOW || seen.completed() || !is_tls {
        return None;
    }
    let (by, peer) = (alert.span.from(), alert.span.from().peer());
    let sentence = format!(
        "The {} calls a record of the {} too long; none here is, as far as the records can be read.",
        by.as_str(),
        peer.as_str()
    );
    let limits = seen.offer.as_ref().seen().is_some_and(|offer| {
        let own = [
            crate::registry::ExtensionType::RECORD_SIZE_LIMIT,
            crate::registry::ExtensionType::MAX_FRAGMENT_LENGTH,
        ];
        own.into_iter().any(|kind| offer.value.has(kind))
    });
    let mut finding = Finding::new(cause, 70, sentence).at_fault(fault_of(peer));
    if limits && by == Side::Client {
        finding = finding.infer("The client had asked for shorter records: the server may not keep to that.");
    }
    Some(finding.prove_span(&alert.span, told(&alert)).remedy(
        AtFault::Both,
        "compare captures of both ends: the record may have been altered behind this point",
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// A record of the server with this many bytes, in the place of its Certificate.
    fn flight(len: usize) -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .record(Server, HANDSHAKE, &vec![11; len])
    }

    #[test]
    fn a_record_over_the_limit_proves_it_whatever_answers_it() {
        for description in [22, 50, 20] {
            let seen = flight(18_560).alert(Client, 2, description).fin(Client).seen();
            let finding = judged(&RecordOverflow, &seen).unwrap();
            assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
            assert!(finding.sentence.contains("18560"), "{}", finding.sentence);
            assert_eq!(chosen(&seen), "record-overflow", "{description}");
        }
        let seen = flight(18_560).fin(Client).seen();
        assert_eq!(confidence(&RecordOverflow, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn tls_1_3_allows_less() {
        let scene = |len| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[len])
                .alert(Client, 2, 22)
                .seen()
        };
        assert_eq!(confidence(&RecordOverflow, &scene(16_700)), Some(Confidence::Certain));
        assert_eq!(confidence(&RecordOverflow, &scene(16_640)), Some(Confidence::Possible));
    }

    #[test]
    fn a_long_record_within_the_limit_is_none() {
        let seen = flight(18_432).alert(Client, 2, 50).seen();
        assert!(judged(&RecordOverflow, &seen).is_none());
    }

    #[test]
    fn plaintext_that_looks_like_a_long_record_is_none() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .say(Server, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .alert(Client, 2, 22)
            .seen();
        assert!(judged(&RecordOverflow, &seen).is_none());
    }
}
