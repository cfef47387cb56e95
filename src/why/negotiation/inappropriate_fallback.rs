//! The client tried again with an older version, and the server can do better.

use crate::connection::End;
use crate::why::prelude::*;

/// TLS_FALLBACK_SCSV rejected (RFC 7507).
pub(crate) struct InappropriateFallback;

/// Seconds within which an attempt is taken for the one that a client falls back from.
const SHORTLY: f64 = 30.0;

impl Cause for InappropriateFallback {
    fn id(&self) -> CauseId {
        CauseId("inappropriate-fallback")
    }

    fn page(&self) -> &'static str {
        include_str!("inappropriate_fallback.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        let refusal = seen.fatal_alert().filter(|alert| {
            alert.span.from() == Side::Server && alert.description == AlertDescription::INAPPROPRIATE_FALLBACK
        });
        // s2n-tls says close_notify for nearly all that it refuses.
        let goodbye = seen.goodbye_to_the_hello().filter(|_| offer.value.fallback);
        let (weight, alert) = match (refusal, goodbye) {
            (Some(alert), _) => (97, alert),
            (None, Some(alert)) => (76, alert),
            (None, None) => return,
        };
        let best = offer
            .value
            .best_version()
            .map(|best| best.to_string())
            .unwrap_or_default();
        let sentence = format!(
            "The client came back with {best} only and said so (TLS_FALLBACK_SCSV); {} can do better and refused. \
             The attempt before this one is what really failed.",
            server_called(seen)
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .prove_span(
                &offer.span,
                format!("ClientHello offers {best} with TLS_FALLBACK_SCSV (0x5600)"),
            );
        finding = finding.prove_span(&alert.span, told(alert));
        let before = context.before_fallback(seen);
        let apart = before.and_then(|first| between(&first.hello, &offer.span.mark));
        if let (Some(first), Some(apart)) = (before, apart)
            && apart <= SHORTLY
        {
            finding = finding.prove_elsewhere(
                first.hello,
                format!(
                    "the same client's attempt {} before, with {} at best: {}",
                    span_of_time(apart),
                    first.best,
                    ended(&first.end)
                ),
            );
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Client,
                    "find out why the first attempt failed, and take the fallback out",
                    None,
                )
                .remedy(
                    AtFault::Both,
                    "the handshake without fallback",
                    Some(s_client(seen, "")),
                ),
        );
    }
}

/// How an attempt ended, in words.
fn ended(end: &End) -> String {
    let who = end.by.map_or("nobody", Side::as_str);
    match end.act {
        Act::Alert(alert) => format!("{} by the {who}", alert.description),
        Act::HiddenAlert(_) => format!("an encrypted alert by the {who}"),
        Act::Fin => format!("closed by the {who}"),
        Act::Reset => format!("reset by the {who}"),
        Act::Silence => "no end was seen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn the_alert_of_its_name_proves_it() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0302]).suites(&[0xc014, 0x5600]))
            .alert(Server, 2, 86)
            .fin(Server)
            .seen();
        let finding = judged(&InappropriateFallback, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Client));
        assert_eq!(chosen(&seen), "inappropriate-fallback");
    }

    #[test]
    fn a_goodbye_to_a_fallback_is_likely_the_same() {
        let goodbye = |suites: &[u16]| {
            connected()
                .client_hello(|hello| hello.tls12().suites(suites))
                .alert(Server, 1, 0)
                .fin(Server)
                .seen()
        };
        let fallback = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca8, 0x5600];
        assert_eq!(chosen(&goodbye(&fallback)), "inappropriate-fallback");
        assert_eq!(chosen(&goodbye(&fallback[..5])), "server-closed");
    }

    #[test]
    fn the_attempt_before_it_is_told() {
        let fallback = |seconds| {
            scene()
                .behind_frame(20)
                .wait(seconds)
                .connect()
                .client_hello(|hello| hello.versions(&[0x0303]).suites(&[0xc02f, 0x5600]))
                .alert(Server, 2, 86)
                .seen()
        };
        let first = connected().client_hello(|hello| hello).reset(Server).seen();
        let told = |seconds| {
            let seen = fallback(seconds);
            let finding = context()
                .beside(&[&first, &seen])
                .judged(&InappropriateFallback, &seen)
                .unwrap();
            finding
                .evidence
                .into_iter()
                .find(|evidence| evidence.elsewhere)
                .map(|evidence| evidence.text)
        };
        let text = told(2.0).unwrap();
        assert!(
            text.contains("TLS 1.3") && text.contains("reset by the server"),
            "{text}"
        );
        assert!(told(600.0).is_none());
    }

    #[test]
    fn a_fallback_that_is_refused_for_another_reason_is_none() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0302]).suites(&[0xc014, 0x5600]))
            .alert(Server, 2, 70)
            .seen();
        assert!(judged(&InappropriateFallback, &seen).is_none());
        assert_eq!(chosen(&seen), "version-mismatch");
    }
}
