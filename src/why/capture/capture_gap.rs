//! Bytes of the handshake are missing from the capture, though the peer received them.

use crate::evidence::Hidden;
use crate::why::prelude::*;

/// A hole where the handshake was.
pub(crate) struct CaptureGap;

impl Cause for CaptureGap {
    fn id(&self) -> CauseId {
        CauseId("capture-gap")
    }

    fn page(&self) -> &'static str {
        include_str!("capture_gap.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let holed = |side: &Side| seen.lost[*side] == Some(Hidden::Gap);
        let Some(side) = [Side::Client, Side::Server].into_iter().find(holed) else {
            return;
        };
        if seen.completed() || seen.fatal_alert().is_some() || seen.tcp.gaps().bytes == 0 {
            return;
        }
        let lost_on_the_way = seen.tcp.side(side).lost_on_the_way() > 0;
        let sentence = format!(
            "{} bytes of the {}'s side are not in the capture{}, so the handshake cannot be followed.",
            seen.tcp.gaps().bytes,
            side.as_str(),
            if lost_on_the_way {
                ", and nothing shows that the other side received them"
            } else {
                ", though the other side received them"
            }
        );
        // Data both ways afterwards: whatever the hole hid, the connection worked.
        let went_on = [Side::Client, Side::Server].iter().all(|side| seen.sent_data(*side));
        if went_on {
            return;
        }
        let (weight, at_fault) = if lost_on_the_way {
            (75, AtFault::Unknown)
        } else {
            (90, AtFault::Capture)
        };
        findings.push(
            Finding::new(self, weight, sentence)
                .at_fault(at_fault)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), "the connection begins")
                .prove(seen.closing(), "and ends with a hole between")
                .remedy(
                    AtFault::Capture,
                    "capture whole packets with a larger buffer",
                    Some("tcpdump -s 0 -B 65536 -w FILE".to_owned()),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    /// The server's certificate is missing from the capture, and acknowledged by the client.
    fn holed() -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .off_camera(|scene| scene.certificate(Server, &[&[0xce; 900]]))
            .server_key_exchange(29)
            .server_hello_done()
            .ack(Client)
    }

    #[test]
    fn a_hole_where_the_certificate_was_hides_the_cause() {
        let seen = holed().fin(Client).seen();
        let finding = judged(&CaptureGap, &seen).unwrap();
        assert_eq!(
            (finding.outcome, finding.at_fault),
            (Outcome::Undetermined, AtFault::Capture)
        );
        assert_eq!(chosen(&seen), "capture-gap");
    }

    #[test]
    fn what_nobody_received_may_have_been_lost_on_the_way() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .off_camera(|scene| scene.server_hello(0x0303, 0xc02f))
            .server_hello_done()
            .seen();
        let finding = judged(&CaptureGap, &seen).unwrap();
        assert_eq!(finding.at_fault, AtFault::Unknown);
        assert!(
            finding
                .sentence
                .contains("nothing shows that the other side received them"),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn an_alert_tells_the_cause_in_spite_of_the_hole() {
        let seen = holed().alert(Client, 2, 48).seen();
        assert!(judged(&CaptureGap, &seen).is_none());
        assert_ne!(chosen(&seen), "capture-gap");
    }

    #[test]
    fn a_hole_in_a_handshake_that_was_completed_harms_nobody() {
        let seen = holed().finished_by_both().seen();
        assert!(judged(&CaptureGap, &seen).is_none());
    }
}
