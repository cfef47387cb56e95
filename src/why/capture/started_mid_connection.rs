//! The capture begins inside the connection.

use crate::why::prelude::*;

/// No SYN, no hello: the handshake was before the first packet.
pub(crate) struct StartedMidConnection;

impl Cause for StartedMidConnection {
    fn id(&self) -> CauseId {
        CauseId("started-mid-connection")
    }

    fn page(&self) -> &'static str {
        include_str!("started_mid_connection.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if !seen.tcp.started_midway() || seen.offer.is_seen() || !seen.spoke_tls() || seen.completed() {
            return;
        }
        findings.push(
            Finding::new(self, 95, "The capture begins inside this connection: its handshake, or the first part of it, is not in the packets.")
                .at_fault(AtFault::Capture)
                .outcome(Outcome::Undetermined)
                .aborted_by(AbortedBy::Nobody)
                .prove(seen.opening(), "the first packet continues a connection: no SYN before it")
                .remedy(AtFault::Capture, "start the capture before the client connects", None),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_handshake_without_its_beginning_cannot_be_judged() {
        let seen = scene()
            .off_camera(|scene| scene.connect().client_hello(Hello::tls12))
            .server_flight(&[b"leaf"])
            .fin(Client)
            .seen();
        let finding = judged(&StartedMidConnection, &seen).unwrap();
        assert_eq!(
            (finding.outcome, finding.at_fault),
            (Outcome::Undetermined, AtFault::Capture)
        );
    }

    #[test]
    fn data_both_ways_show_a_connection_that_worked() {
        let seen = scene()
            .off_camera(|scene| {
                scene
                    .connect()
                    .client_hello(Hello::tls12)
                    .server_flight(&[b"leaf"])
                    .finished_by_both()
            })
            .sealed(Client, &[120])
            .sealed(Server, &[800])
            .fin(Client)
            .seen();
        assert!(judged(&StartedMidConnection, &seen).is_none());
        assert_eq!(chosen(&seen), "");
    }

    #[test]
    fn a_hello_without_its_syn_is_a_beginning() {
        let seen = scene()
            .off_camera(Scene::connect)
            .client_hello(|hello| hello.versions(&[0x0301]))
            .alert(Server, 2, 70)
            .seen();
        assert!(judged(&StartedMidConnection, &seen).is_none());
        assert_eq!(chosen(&seen), "version-mismatch");
    }
}
