//! The client tried again with an older version, and the server can do better.

use crate::why::prelude::*;

/// TLS_FALLBACK_SCSV rejected (RFC 7507).
pub(crate) struct InappropriateFallback;

impl Cause for InappropriateFallback {
    fn id(&self) -> CauseId {
        CauseId("inappropriate-fallback")
    }

    fn page(&self) -> &'static str {
        include_str!("inappropriate_fallback.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if alert.description != AlertDescription::INAPPROPRIATE_FALLBACK || alert.span.from() != Side::Server {
            return;
        }
        let Seen::Seen(offer) = &seen.offer else { return };
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
        findings.push(
            Finding::new(self, 97, sentence)
                .at_fault(AtFault::Client)
                .prove_span(
                    &offer.span,
                    format!("ClientHello offers {best} with TLS_FALLBACK_SCSV (0x5600)"),
                )
                .prove_span(&alert.span, told(alert))
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
    fn a_fallback_that_is_refused_for_another_reason_is_none() {
        let seen = connected()
            .client_hello(|hello| hello.versions(&[0x0302]).suites(&[0xc014, 0x5600]))
            .alert(Server, 2, 70)
            .seen();
        assert!(judged(&InappropriateFallback, &seen).is_none());
        assert_eq!(chosen(&seen), "version-mismatch");
    }
}
