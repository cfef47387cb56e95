//! One side wanted another handshake within the connection, and the other did not.

use super::fault_of;
use crate::why::prelude::*;

/// no_renegotiation, or a close, in answer to a handshake message after completion (TLS ≤ 1.2).
pub(crate) struct RenegotiationRefused;

impl Cause for RenegotiationRefused {
    fn id(&self) -> CauseId {
        CauseId("renegotiation-refused")
    }

    fn page(&self) -> &'static str {
        include_str!("renegotiation_refused.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const LEFT: &[CauseId] = &[CauseId("server-certificate-rejected")];
        LEFT
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(refused) = seen.refused_renegotiation() else {
            return;
        };
        let (by, peer) = (refused.by, refused.by.peer());
        let how = if refused.alert.is_some() {
            "answered with an alert"
        } else {
            "closed"
        };
        let sentence = match by {
            Side::Client => format!(
                "The handshake was completed; then the client asked for another one in the same connection (renegotiation), and {} {how}.",
                server_called(seen)
            ),
            Side::Server => format!(
                "The handshake was completed; then {} asked for another one in the same connection (renegotiation), as servers do that want \
                 a certificate for one path only, and the client {how}.",
                server_called(seen)
            ),
        };
        // Who asked for something and got no answer has failed; without a request nothing was to be got.
        let is_unanswered = seen.sent_data(Side::Client) && !seen.sent_data(Side::Server);
        let outcome = if is_unanswered {
            Outcome::Failed
        } else {
            Outcome::Completed
        };
        let completion = seen.completion().unwrap_or(refused.asked.mark);
        let mut finding = Finding::new(self, if refused.alert.is_some() { 90 } else { 70 }, sentence)
            .at_fault(fault_of(by))
            .outcome(outcome)
            .aborted_by(refused.ended_by.map_or(AbortedBy::Nobody, AbortedBy::from))
            .prove(completion, "the handshake is complete")
            .prove(
                refused.asked.mark,
                format!(
                    "an encrypted handshake record of the {} ({} bytes): renegotiation",
                    by.as_str(),
                    refused.asked.len
                ),
            );
        finding = match refused.alert {
            Some(alert) => finding.prove(
                alert.mark,
                format!(
                    "an encrypted alert of the {} ({} bytes), no_renegotiation as a rule",
                    peer.as_str(),
                    alert.len
                ),
            ),
            None => finding.prove(refused.mark, format!("the {} closes", peer.as_str())),
        };
        findings.push(
            finding
                .infer("The records are encrypted; their types and their order tell what they are.")
                .remedy(
                    AtFault::Server,
                    "ask for the client's certificate for the whole host instead of one path (Apache: SSLVerifyClient outside of \
                     <Location>); IIS: negotiate it at once",
                    Some("netsh http update sslcert ipport=0.0.0.0:443 clientcertnegotiation=enable".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "do without renegotiation: TLS 1.3 has none, and most servers refuse what a client begins",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn complete() -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
    }

    #[test]
    fn a_client_that_asks_for_nothing_else_has_completed() {
        let seen = complete()
            .record(Client, HANDSHAKE, &[7; 240])
            .record(Server, ALERT, &[7; 26])
            .record(Client, ALERT, &[7; 26])
            .fin(Server)
            .seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.outcome, verdict.aborted_by),
            ("renegotiation-refused", Outcome::Completed, AbortedBy::Client)
        );
    }

    #[test]
    fn a_request_that_gets_no_answer_has_failed() {
        let seen = complete()
            .sealed(Client, &[200])
            .record(Server, HANDSHAKE, &[7; 28])
            .record(Client, ALERT, &[7; 26])
            .fin(Client)
            .seen();
        let finding = judged(&RenegotiationRefused, &seen).unwrap();
        assert_eq!((finding.outcome, finding.at_fault), (Outcome::Failed, AtFault::Server));
        assert!(!seen.is_plainly_sound());
    }

    #[test]
    fn a_goodbye_refuses_nothing() {
        let seen = complete().record(Client, ALERT, &[7; 26]).fin(Client).seen();
        assert!(judged(&RenegotiationRefused, &seen).is_none());
    }
}
