//! Two copies of the same bytes of a stream differ.

use crate::why::prelude::*;

/// Told beside the verdict, and never as one: which of the two copies an end read is not in the packets.
pub(crate) struct ContradictoryCopies;

impl Cause for ContradictoryCopies {
    fn id(&self) -> CauseId {
        CauseId("contradictory-copies")
    }

    fn page(&self) -> &'static str {
        include_str!("contradictory_copies.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        for (side, facts) in [Side::Client, Side::Server].into_iter().zip(&seen.tcp.sides) {
            let Some(found) = facts.contradiction() else { continue };
            let whose = match side {
                Side::Client => "client",
                Side::Server => "server",
            };
            let packets = if found.count == 1 { "packet says" } else { "packets say" };
            let sentence = format!(
                "{} {packets} something else than an earlier one of the same bytes of the {whose}; what is told here is what the first copy says.",
                found.count
            );
            let mut finding = Finding::new(self, 95, sentence).at_fault(AtFault::Network);
            if let Some(frame) = found.first_frame {
                finding = finding.infer(format!(
                    "Whether the other end read frame {frame} or the later copy cannot be seen."
                ));
            }
            findings.push(
                finding
                    .prove(found.second, found.to_string())
                    .remedy(
                        AtFault::Network,
                        "look at the time to live and the identification of both packets: another sender has others",
                        None,
                    )
                    .into_remark(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn sent_again(other: &[u8]) -> Observed {
        let request = b"GET / HTTP/1.1\r\n";
        connected()
            .say(Client, request)
            .repeat(Client, other)
            .fin(Client)
            .seen()
    }

    #[test]
    fn copies_that_differ_are_a_remark() {
        let finding = judged(&ContradictoryCopies, &sent_again(b"1.0\r\n")).unwrap();
        assert!(finding.is_remark());
        assert!(
            finding.sentence.starts_with("1 packet says something else"),
            "{}",
            finding.sentence
        );
        let verdict = context().verdict(&sent_again(b"1.0\r\n"));
        assert!(name_of(&verdict) != "contradictory-copies" && mentions(&verdict, "contradictory-copies"));
    }

    #[test]
    fn the_same_bytes_again_are_a_retransmission() {
        assert!(judged(&ContradictoryCopies, &sent_again(b"1.1\r\n")).is_none());
    }
}
