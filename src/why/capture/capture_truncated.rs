//! The packets are there, and their ends are not.

use crate::evidence::Hidden;
use crate::why::prelude::*;

/// A snapshot length cut the handshake.
pub(crate) struct CaptureTruncated;

impl Cause for CaptureTruncated {
    fn id(&self) -> CauseId {
        CauseId("capture-truncated")
    }

    fn page(&self) -> &'static str {
        include_str!("capture_truncated.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("capture-gap"),
            CauseId("capture-ended"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let cut = |side: &Side| {
            seen.lost[*side] == Some(Hidden::Snaplen)
                || seen
                    .holes
                    .iter()
                    .any(|hole| hole.from == *side && hole.why == Hidden::Snaplen)
        };
        let sides: Vec<Side> = [Side::Client, Side::Server].into_iter().filter(cut).collect();
        let (Some(side), true) = (sides.first(), seen.spoke_tls()) else {
            return;
        };
        let whose = list(sides.iter().map(|side| format!("the {}'s", side.as_str())), 2);
        let hole = seen.holes.iter().find(|hole| hole.why == Hidden::Snaplen);
        let is_known = seen.completed() || seen.fatal_alert().is_some();
        let sentence = format!(
            "{whose} packets were cut when they were captured (snapshot length, snaplen): {} bytes of the connection are missing, and with \
             them {}.",
            seen.tcp.gaps().bytes,
            if is_known {
                "what could have been read there"
            } else {
                "how the handshake went"
            },
        );
        let first = hole.map_or_else(
            || seen.tcp.side(*side).first_payload().unwrap_or_else(|| seen.opening()),
            |hole| hole.mark,
        );
        let what = match hole {
            Some(hole) => format!(
                "{} bytes from offset {} of the {}'s stream are not in the file",
                hole.len,
                hole.at,
                hole.from.as_str()
            ),
            None => format!(
                "the {}'s first data; not all of its bytes are in the file",
                side.as_str()
            ),
        };
        let finding = Finding::new(self, 94, capitalized(&sentence))
            .at_fault(AtFault::Capture)
            .outcome(Outcome::Undetermined)
            .prove(first, what)
            .remedy(
                AtFault::Capture,
                "capture whole packets",
                Some(format!(
                    "tcpdump -i any -s 0 -w FILE 'host {} and tcp port {}'",
                    seen.server.address, seen.server.port
                )),
            );
        // What became of the connection is known all the same; that something was hidden is worth a word.
        findings.push(if is_known { finding.into_remark() } else { finding });
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn cut() -> Scene {
        connected()
            .cut_to(48)
            .client_hello(Hello::tls12)
            .server_flight(&[&[0xce; 900]])
            .ack(Client)
    }

    #[test]
    fn a_handshake_whose_packets_were_cut_cannot_be_followed() {
        let seen = cut().fin(Client).seen();
        let finding = judged(&CaptureTruncated, &seen).unwrap();
        assert_eq!(
            (finding.outcome, finding.at_fault),
            (Outcome::Undetermined, AtFault::Capture)
        );
        assert!(
            finding.sentence.starts_with("The client's and the server's packets"),
            "{}",
            finding.sentence
        );
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("capture-truncated", AbortedBy::Client)
        );
        assert!(!mentions(&verdict, "capture-gap"));
    }

    #[test]
    fn an_alert_tells_what_happened_and_the_cut_is_a_remark() {
        let seen = cut().alert(Client, 2, 48).fin(Client).seen();
        assert!(judged(&CaptureTruncated, &seen).unwrap().is_remark());
        assert_ne!(chosen(&seen), "capture-truncated");
    }

    #[test]
    fn packets_that_are_missing_are_another_matter() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .off_camera(|scene| scene.certificate(Server, &[&[0xce; 900]]))
            .server_hello_done()
            .ack(Client)
            .fin(Client)
            .seen();
        assert!(judged(&CaptureTruncated, &seen).is_none());
        assert_eq!(chosen(&seen), "capture-gap");
    }

    #[test]
    fn a_handshake_whose_packets_are_whole_is_not_cut() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .fin(Client)
            .seen();
        assert!(judged(&CaptureTruncated, &seen).is_none());
    }
}
