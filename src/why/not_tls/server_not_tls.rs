//! The server answers the ClientHello in another protocol.

use crate::why::not_tls::remedies::remedies;
use crate::why::prelude::*;

/// What bytes are called that fit no protocol.
const UNKNOWN: &str = "bytes of no known protocol";

/// A ClientHello, and bytes from the server that are no TLS.
pub(crate) struct ServerNotTls;

impl Cause for ServerNotTls {
    fn id(&self) -> CauseId {
        CauseId("server-not-tls")
    }

    fn page(&self) -> &'static str {
        include_str!("server_not_tls.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        // Clients answer such bytes with unexpected_message, record_overflow, decode_error or protocol_version: none of it is the cause.
        &[
            CauseId("version-mismatch"),
            CauseId("decode-error"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("no-server-response"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Seen::Seen(offer), First::Other(plaintext, span)) = (&seen.offer, &seen.first[Side::Server]) else {
            return;
        };
        if seen.answer.is_seen() || matches!(seen.first[Side::Client], First::Other(..)) {
            return;
        }
        // Encrypted, compressed or unknown: a guess would send people the wrong way.
        let protocol = plaintext.as_ref().map_or(UNKNOWN, |plaintext| plaintext.protocol);
        let quote = match seen.plain_answer() {
            Some(said) => format!("\"{said}\""),
            None => "bytes that are no TLS record and fit no protocol that is known here".to_owned(),
        };
        let greeted = span.mark.frame < offer.span.mark.frame;
        let sentence = if greeted {
            format!(
                "{} greets with {protocol} before the client has said anything: it does not speak TLS there.",
                seen.server
            )
        } else {
            format!(
                "{} answered the ClientHello with {protocol}: it does not speak TLS there.",
                seen.server
            )
        };
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Client)
            .prove_span(&offer.span, "ClientHello")
            .prove_span(span, format!("the server: {quote}"));
        if let Some(alert) = seen.fatal_alert() {
            finding = finding.prove_span(
                &alert.span,
                format!("{}: how this client reports bytes that are no TLS", told(alert)),
            );
        }
        findings.push(match remedies(protocol) {
            Some(known) => {
                let check = match known.starttls {
                    Some(name) => format!("openssl s_client -connect {} -starttls {name}", seen.server),
                    None => format!("openssl s_client -connect {}", seen.server),
                };
                finding
                    .remedy(AtFault::Client, known.client, known.starttls.map(|_| check.clone()))
                    .remedy(AtFault::Server, known.server, known.starttls.is_none().then_some(check))
            }
            None => finding
                .remedy(
                    AtFault::Client,
                    "check scheme and port: this one does not speak TLS",
                    None,
                )
                .remedy(
                    AtFault::Server,
                    "or switch TLS on there",
                    Some(format!("openssl s_client -connect {}", seen.server)),
                ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn http_in_answer_to_the_hello_is_no_tls() {
        let seen = connected()
            .client_hello(|hello| hello)
            .say(Server, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            .alert(Client, 2, 70)
            .fin(Client)
            .seen();
        let verdict = context().verdict(&seen);
        let finding = verdict.cause.as_ref().unwrap();
        assert_eq!(
            (name_of(&verdict), finding.weight, finding.at_fault),
            ("server-not-tls", 97, AtFault::Client)
        );
        assert!(!mentions(&verdict, "version-mismatch") && !mentions(&verdict, "client-abandoned"));
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("HTTP/1.1 400 Bad Request"))
        );
    }

    #[test]
    fn bytes_without_a_name_are_no_tls_either() {
        let seen = connected()
            .client_hello(|hello| hello)
            .say(Server, &[0x91, 0xfe, 0x03, 0x77, 0x12, 0x40])
            .fin(Client)
            .seen();
        let finding = judged(&ServerNotTls, &seen).unwrap();
        assert!(finding.sentence.contains(UNKNOWN), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "server-not-tls");
    }

    #[test]
    fn noise_is_called_what_it_is_and_quoted() {
        let noise: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(167).wrapping_add(0x91)).collect();
        let seen = connected()
            .client_hello(|hello| hello)
            .say(Server, &noise)
            .fin(Client)
            .seen();
        let finding = judged(&ServerNotTls, &seen).unwrap();
        assert!(
            finding.sentence.contains("with random-looking bytes"),
            "{}",
            finding.sentence
        );
        assert!(
            finding.evidence[1].text.contains("91 38 df"),
            "{}",
            finding.evidence[1].text
        );
    }

    #[test]
    fn what_to_do_depends_on_the_protocol() {
        let remedies = |answer: &[u8]| {
            let scene = connected().client_hello(|hello| hello).say(Server, answer).fin(Client);
            judged(&ServerNotTls, &scene.seen()).unwrap().remedies
        };
        let database = remedies(b"\x5b\0\0\0\x0a5.5.5-10.11.6-MariaDB\0");
        assert!(database[0].text.contains("--ssl-mode"));
        assert!(database[0].command.as_deref().unwrap().ends_with("-starttls mysql"));
        let shell = remedies(b"SSH-2.0-OpenSSH_9.2\r\n");
        assert!(shell[0].text.contains("ssh") && shell[0].command.is_none());
        assert!(
            remedies(&[0x91, 0xfe, 0x03, 0x77, 0x12, 0x40])[0]
                .text
                .contains("scheme and port")
        );
    }

    #[test]
    fn a_greeting_before_the_hello_is_told_as_one() {
        let seen = scene()
            .port(587)
            .connect()
            .say(Server, b"220 mail.example ESMTP ready\r\n")
            .client_hello(|hello| hello)
            .alert(Client, 2, 70)
            .fin(Client)
            .seen();
        let finding = judged(&ServerNotTls, &seen).unwrap();
        assert!(finding.sentence.contains("greets with SMTP"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "server-not-tls");
    }

    #[test]
    fn an_alert_is_tls() {
        let seen = connected().client_hello(|hello| hello).alert(Server, 2, 40).seen();
        assert!(judged(&ServerNotTls, &seen).is_none());
    }

    #[test]
    fn a_conversation_in_plaintext_is_not_its_matter() {
        let seen = connected()
            .say(Client, b"GET / HTTP/1.1\r\n\r\n")
            .say(Server, b"HTTP/1.1 200 OK\r\n\r\n")
            .seen();
        assert!(judged(&ServerNotTls, &seen).is_none());
    }
}
