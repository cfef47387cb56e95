//! Words behind the request for TLS, before TLS.

use crate::why::prelude::*;

/// Told beside the verdict: words in the clear that an end may take for words of the TLS session.
pub(crate) struct StarttlsInjection;

impl Cause for StarttlsInjection {
    fn id(&self) -> CauseId {
        CauseId("starttls-injection")
    }

    fn page(&self) -> &'static str {
        include_str!("starttls_injection.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        for spoken in &seen.preambles {
            let (Some(injected), Some((_, consent)), Some(asked)) =
                (spoken.injection(), &spoken.answer, &spoken.request)
            else {
                continue;
            };
            let (who, other) = match injected.span.from() {
                Side::Client => ("client", "server"),
                Side::Server => ("server", "client"),
            };
            let what = spoken.protocol.request();
            let between = match injected.span.from() {
                Side::Client => format!("{what} and TLS"),
                Side::Server => format!("its consent to {what} and TLS"),
            };
            let sentence = format!(
                "The {who} sent {} bytes in the clear between {between} (\"{}\"): a {other} that keeps them takes them for words of the protected session.",
                injected.span.len, injected.words
            );
            findings.push(
                Finding::new(self, 95, sentence)
                    .at_fault(AtFault::Unknown)
                    .prove_span(&asked.span, format!("the client asks: {}", asked.words))
                    .prove_span(&injected.span, format!("then, before TLS: {}", injected.words))
                    .prove_span(&consent.span, format!("the server: {}", consent.words))
                    .infer("A careless client pipelines so; so does somebody on the path who injects commands.")
                    .remedy(
                        AtFault::Server,
                        "let it drop what it has read when TLS begins: fixed in Postfix 2.8.3 and most others in 2011 and 2021",
                        None,
                    )
                    .into_warning(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn upgraded(request: &'static [u8]) -> Observed {
        connected()
            .say(Server, b"220 mx.example ESMTP\r\n")
            .say(Client, b"EHLO me\r\n")
            .say(Server, b"250 STARTTLS\r\n")
            .say(Client, request)
            .say(Server, b"220 ready\r\n")
            .client_hello(Hello::tls12)
            .alert(Server, 2, 40)
            .seen()
    }

    #[test]
    fn words_behind_the_request_are_a_warning_beside_the_verdict() {
        let verdict = context().verdict(&upgraded(b"STARTTLS\r\nMAIL FROM:<a@b>\r\n"));
        assert!(name_of(&verdict) != "starttls-injection" && mentions(&verdict, "starttls-injection"));
    }

    #[test]
    fn a_request_alone_is_none() {
        assert!(judged(&StarttlsInjection, &upgraded(b"STARTTLS\r\n")).is_none());
    }
}
