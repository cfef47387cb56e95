//! Only one direction was captured.

use crate::why::prelude::*;

/// One side talks and acknowledges; the other is never seen.
pub(crate) struct OneSidedCapture;

impl Cause for OneSidedCapture {
    fn id(&self) -> CauseId {
        CauseId("one-sided-capture")
    }

    fn page(&self) -> &'static str {
        include_str!("one_sided_capture.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("no-server-response"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("capture-ended"),
            CauseId("started-mid-connection"),
            CauseId("capture-gap"),
            CauseId("tcp-probe"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(side) = seen.tcp.one_sided() else { return };
        if !seen.spoke_tls() || seen.fatal_alert().is_some() {
            return;
        }
        let sentence = format!(
            "Only the {}'s packets are in the capture; they acknowledge what the {} sent, so there was an answer that nobody recorded.",
            side.as_str(),
            side.peer().as_str()
        );
        findings.push(
            Finding::new(self, 96, sentence)
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), format!("every packet is the {}'s", side.as_str()))
                .prove(
                    seen.closing(),
                    "the last one; acknowledgements advance without data from the other side",
                )
                .remedy(
                    AtFault::Capture,
                    "mirror both directions of the port, or capture on the host itself",
                    Some("tcpdump -i any -s 0 -w FILE".to_owned()),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn client_only() -> Scene {
        scene()
            .syn()
            .off_camera(Scene::syn_ack)
            .ack(Client)
            .client_hello(Hello::tls12)
            .off_camera(|scene| scene.server_flight(&[&[0xce; 900]]))
            .ack(Client)
    }

    #[test]
    fn acknowledgements_of_what_is_not_there_show_one_direction_only() {
        let seen = client_only().fin(Client).seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome),
            ("one-sided-capture", Outcome::Undetermined)
        );
        assert!(!mentions(&verdict, "client-abandoned") && !mentions(&verdict, "no-server-response"));
    }

    #[test]
    fn an_alert_on_the_side_that_is_there_says_more() {
        let seen = client_only().alert(Client, 2, 48).fin(Client).seen();
        assert!(judged(&OneSidedCapture, &seen).is_none());
        assert_ne!(chosen(&seen), "one-sided-capture");
    }

    #[test]
    fn a_server_that_only_acknowledges_is_there() {
        let seen = connected().client_hello(|hello| hello).ack(Server).wait(10.0).seen();
        assert!(judged(&OneSidedCapture, &seen).is_none());
    }
}
