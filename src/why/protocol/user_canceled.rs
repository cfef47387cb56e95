//! One side called the handshake off.

use super::GENERIC;
use crate::connection::Sizes;
use crate::tls::ClientStack;
use crate::why::prelude::*;

/// user_canceled in the middle of the handshake.
pub(crate) struct UserCanceled;

impl Cause for UserCanceled {
    fn id(&self) -> CauseId {
        CauseId("user-canceled")
    }

    fn page(&self) -> &'static str {
        include_str!("user_canceled.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if !seen.completed() {
            findings.extend(said(self, seen).or_else(|| hidden(self, seen)));
        }
    }
}

/// The alert is in the clear, and nothing but its goodbye follows.
fn said(cause: &UserCanceled, seen: &Observed) -> Option<Finding> {
    let mut alerts = seen.alerts.iter();
    let alert = alerts.find(|alert| alert.description == AlertDescription::USER_CANCELED)?;
    let (by, end) = (alert.span.from(), seen.end());
    if end.by != Some(by) || end.mark.frame < alert.span.mark.frame {
        return None;
    }
    let sentence = format!(
        "The {} called the handshake with {} off itself (user_canceled): nothing is wrong with what the other side sent.",
        by.as_str(),
        server_called(seen)
    );
    let mut finding = Finding::new(cause, 86, sentence)
        .at_fault(AtFault::Nobody)
        .prove_span(&alert.span, told(alert));
    if let Some(goodbye) = alerts.find(|other| other.description == AlertDescription::CLOSE_NOTIFY) {
        finding = finding.prove_span(&goodbye.span, told(goodbye));
    }
    Some(advised(finding, by))
}

/// TLS 1.3 by Java: two alerts in the place of Finished, user_canceled and close_notify; a refusal would be one.
fn hidden(cause: &UserCanceled, seen: &Observed) -> Option<Finding> {
    let answer = &seen.answer.as_ref().seen()?.value;
    let ClientReply::Refused(first) = seen.sealed()?.client else {
        return None;
    };
    let stack = seen.offer.as_ref().seen()?.value.stack;
    let is_alert = |len| Sizes::of(answer.cipher_suite).is_padded_alert(len);
    let [.., one, two] = seen.records[Side::Client].first() else {
        return None;
    };
    let both = *one == first && is_alert(one.len) && is_alert(two.len);
    if !both || !matches!(stack, ClientStack::Jsse | ClientStack::Unknown) {
        return None;
    }
    let sentence = format!(
        "The client called the handshake with {} off itself: it sent two encrypted alerts, as Java does (user_canceled and close_notify) \
         when the program closes the socket.",
        server_called(seen)
    );
    Some(advised(
        Finding::new(cause, 83, sentence)
            .at_fault(AtFault::Nobody)
            .prove(one.mark, format!("encrypted: {} bytes, a Java alert's size", one.len))
            .prove(two.mark, format!("encrypted: {} bytes, another", two.len))
            .infer("Read from the number and the sizes of encrypted records.")
            .but_not(
                CauseId("server-certificate-rejected"),
                "a client that does not accept the certificate sends one alert",
            ),
        Side::Client,
    ))
}

fn advised(finding: Finding, by: Side) -> Finding {
    let party = super::fault_of(by);
    finding.remedy(
        party,
        format!(
            "the log of the {} says why it closed: a user, a timeout, a shutdown",
            by.as_str()
        ),
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn flight() -> Scene {
        connected().client_hello(Hello::tls12).server_flight(&[b"leaf"])
    }

    #[test]
    fn the_alert_with_its_goodbye_proves_it() {
        let seen = flight().alert(Client, 1, 90).alert(Client, 1, 0).fin(Client).seen();
        let finding = judged(&UserCanceled, &seen).unwrap();
        assert_eq!(
            (Confidence::of_weight(finding.weight), finding.at_fault),
            (Some(Confidence::Likely), AtFault::Nobody)
        );
        assert_eq!(finding.evidence.len(), 2);
        assert_eq!(chosen(&seen), "user-canceled");
    }

    #[test]
    fn a_goodbye_alone_is_none() {
        let seen = flight().alert(Client, 1, 0).fin(Client).seen();
        assert!(judged(&UserCanceled, &seen).is_none());
    }

    #[test]
    fn after_completion_it_means_nothing() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .alert(Client, 1, 90)
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .seen();
        assert!(judged(&UserCanceled, &seen).is_none());
    }

    #[test]
    fn two_alerts_of_java_are_no_refusal() {
        let sealed = |lengths: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53])
                .sealed(Client, lengths)
                .fin(Client)
                .seen()
        };
        assert_eq!(chosen(&sealed(&[35, 35])), "user-canceled");
        assert_eq!(chosen(&sealed(&[35])), "server-certificate-rejected");
        assert!(judged(&UserCanceled, &sealed(&[19, 19])).is_none());
        let mut seen = sealed(&[35, 35]);
        set_stack(&mut seen, ClientStack::Go);
        assert!(judged(&UserCanceled, &seen).is_none());
    }
}
