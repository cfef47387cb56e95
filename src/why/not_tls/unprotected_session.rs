//! A login or mail without protection, in a protocol that could have had it.

use crate::preamble::Preamble;
use crate::why::prelude::*;

/// Told beside the verdict: what went over the wire in the clear before TLS, or without it.
pub(crate) struct UnprotectedSession;

impl Cause for UnprotectedSession {
    fn id(&self) -> CauseId {
        CauseId("unprotected-session")
    }

    fn page(&self) -> &'static str {
        include_str!("unprotected_session.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        findings.extend(seen.preambles.iter().filter_map(|spoken| self.exposed(seen, spoken)));
    }
}

impl UnprotectedSession {
    fn exposed(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let (what, span) = spoken.unprotected()?;
        let (name, request) = (spoken.protocol.title(), spoken.protocol.request());
        let why = if spoken.is_granted() {
            format!("before it asked for TLS with {request}")
        } else {
            format!("although the server offers {request}")
        };
        let sentence = format!(
            "The client sent {what} to {} ({name}) in the clear, {why}.",
            seen.server
        );
        let mut finding = Finding::new(self, 95, sentence)
            .at_fault(AtFault::Client)
            .prove_span(&span, format!("{what} in the clear"));
        if let Some(offered) = &spoken.offered {
            finding = finding.prove_span(
                &offered.said.span,
                format!("the server offers it: {}", offered.said.words),
            );
        }
        Some(
            finding
                .remedy(
                    AtFault::Client,
                    "let it insist on TLS: it then fails where there is none, instead of sending secrets",
                    None,
                )
                .remedy(
                    AtFault::Server,
                    "allow logins within TLS only; Postfix: `smtpd_tls_auth_only = yes`, Dovecot: `disable_plaintext_auth = yes`",
                    None,
                )
                .into_warning(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn session(list: &'static [u8], command: &'static [u8]) -> Observed {
        connected()
            .say(Server, b"220 mx.example ESMTP\r\n")
            .say(Client, b"EHLO me\r\n")
            .say(Server, list)
            .say(Client, command)
            .fin(Client)
            .seen()
    }

    #[test]
    fn an_offer_that_is_not_used_is_told_with_what_was_sent() {
        let seen = session(b"250-a\r\n250 STARTTLS\r\n", b"AUTH PLAIN AG1pcmEAc2VjcmV0\r\n");
        let finding = judged(&UnprotectedSession, &seen).unwrap();
        assert!(
            finding.sentence.contains("a login") && finding.sentence.contains("although the server offers STARTTLS")
        );
        let verdict = context().verdict(&seen);
        assert_eq!((verdict.outcome, name_of(&verdict)), (Outcome::NotAttempted, ""));
    }

    #[test]
    fn nothing_of_worth_is_nothing_to_tell() {
        let seen = session(b"250-a\r\n250 STARTTLS\r\n", b"QUIT\r\n");
        assert!(judged(&UnprotectedSession, &seen).is_none());
        let seen = session(b"250-a\r\n250 SIZE\r\n", b"AUTH PLAIN AG1pcmEAc2VjcmV0\r\n");
        assert!(judged(&UnprotectedSession, &seen).is_none());
    }
}
