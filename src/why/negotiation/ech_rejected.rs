//! The server did not accept the client's Encrypted Client Hello.

use crate::connection::Sizes;
use crate::tls::ClientStack;
use crate::why::prelude::*;

/// ech_required, or a client with a real ECH that leaves right after its Finished.
pub(crate) struct EchRejected;

/// Seconds after Finished within which the client says that it does not go on.
const AT_ONCE: f64 = 1.0;

impl Cause for EchRejected {
    fn id(&self) -> CauseId {
        CauseId("ech-rejected")
    }

    fn page(&self) -> &'static str {
        include_str!("ech_rejected.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const VAGUER: &[CauseId] = &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")];
        VAGUER
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        let said = seen
            .fatal_alert()
            .filter(|alert| alert.description == AlertDescription::ECH_REQUIRED && alert.span.from() == Side::Client);
        let (weight, mark, text) = match (said, left_after_finished(seen)) {
            (Some(alert), _) => (97, alert.span.mark, told(alert)),
            (None, Some(mark)) if offer.value.ech => (
                match offer.value.stack {
                    // These send the extension only where they have a key of the server's.
                    ClientStack::Go | ClientStack::Rustls | ClientStack::OpenSsl => 75,
                    ClientStack::Unknown => 40,
                    // Browsers send it to everybody, filled with noise (GREASE).
                    _ => return,
                },
                mark,
                "encrypted: an alert's size, right after the client's Finished and without any data".to_owned(),
            ),
            _ => return,
        };
        let public = offer.value.server_name.as_deref();
        let sentence = format!(
            "The client encrypted its ClientHello (ECH) with a key that {} does not have or no longer has: the handshake was finished \
             under the public name{}, and the client gave up.",
            seen.server,
            public.map(|name| format!(" \"{name}\"")).unwrap_or_default()
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client)
            .prove_span(
                &offer.span,
                format!(
                    "ClientHello with encrypted_client_hello; in the clear it asks for {}",
                    public.map_or_else(|| "no name".to_owned(), |name| format!("\"{name}\""))
                ),
            );
        finding = match said {
            Some(alert) => finding.prove_span(&alert.span, text),
            None => finding.prove(mark, text).infer(
                "The alert is encrypted. A client that only wanted to see whether the server is there looks the same.",
            ),
        };
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "publish the key that the server has: the ech parameter of the name's HTTPS record, and keep old keys as long as records are cached",
                    Some(format!(
                        "dig +short HTTPS {}",
                        public.map_or_else(|| "NAME".to_owned(), shell)
                    )),
                )
                .remedy(
                    AtFault::Client,
                    "a client that gets new keys in the answer (retry_configs) tries again with them at once; drop an ECH list that was configured by hand",
                    None,
                ),
        );
    }
}

/// The alert-sized record of the client that follows its Finished at once, without data and without a certificate.
fn left_after_finished(seen: &Observed) -> Option<Mark> {
    let sealed = seen.sealed()?;
    let ClientReply::Accepted { finished, .. } = sealed.client else {
        return None;
    };
    let suite = seen.answer.as_ref().seen()?.value.cipher_suite;
    let records = seen.records[Side::Client].first();
    let next = records.iter().skip_while(|record| **record != finished).nth(1)?;
    let is_alert = Sizes::of(suite).is_alert_beside(Some(finished.len), next.len);
    let at_once = between(&finished.mark, &next.mark).is_none_or(|seconds| seconds <= AT_ONCE);
    // Data of the server's own, beside tickets, would be an answer to something.
    let is_last = seen.records[Side::Client].last() == Some(*next) && sealed.client_data == 0;
    (is_alert && at_once && is_last && seen.tcp.side(Side::Client).first_ending().is_some()).then_some(next.mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn flight(build: impl FnOnce(Hello) -> Hello) -> Scene {
        connected()
            .client_hello(build)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
    }

    fn encrypted() -> Scene {
        flight(|hello| hello.name("public.example").extension(0xfe0d, &[0; 40]))
    }

    fn by(stack: ClientStack, scene: Scene) -> Option<Finding> {
        let mut seen = scene.seen();
        set_stack(&mut seen, stack);
        judged(&EchRejected, &seen)
    }

    #[test]
    fn the_alert_of_its_name_proves_it() {
        let seen = encrypted().alert(Client, 2, 121).fin(Client).seen();
        let finding = judged(&EchRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.sentence.contains("public.example"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "ech-rejected");
    }

    #[test]
    fn a_client_with_a_key_that_leaves_after_finished_likely_met_no_ech() {
        let left = || encrypted().sealed(Client, &[53]).sealed(Client, &[19]).fin(Client);
        let finding = by(ClientStack::Go, left()).unwrap();
        assert_eq!((finding.weight, finding.outcome), (75, Outcome::Failed));
        assert!(by(ClientStack::BoringSsl, left()).is_none());
        assert!(by(ClientStack::Nss, left()).is_none());
    }

    #[test]
    fn a_client_that_sends_data_or_takes_its_time_went_on() {
        let with_data = encrypted().sealed(Client, &[53, 120, 19]).fin(Client);
        assert!(by(ClientStack::Go, with_data).is_none());
        let later = encrypted()
            .sealed(Client, &[53])
            .wait(3.0)
            .sealed(Client, &[19])
            .fin(Client);
        assert!(by(ClientStack::Go, later).is_none());
    }

    #[test]
    fn without_the_extension_nothing_was_rejected() {
        let seen = flight(|hello| hello)
            .sealed(Client, &[53])
            .sealed(Client, &[19])
            .fin(Client);
        assert!(by(ClientStack::Go, seen).is_none());
    }
}
