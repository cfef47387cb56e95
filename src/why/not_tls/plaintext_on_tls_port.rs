//! The client speaks another protocol to a TLS server.

use crate::evidence::Pair;
use crate::registry::is_tls_port;
use crate::tls::NOISE;
use crate::why::not_tls::remedies::remedies;
use crate::why::prelude::*;

/// First bytes that are no TLS, to a server that shows it wants TLS.
pub(crate) struct PlaintextOnTlsPort;

impl Cause for PlaintextOnTlsPort {
    fn id(&self) -> CauseId {
        CauseId("plaintext-on-tls-port")
    }

    fn page(&self) -> &'static str {
        include_str!("plaintext_on_tls_port.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("version-mismatch"),
            CauseId("decode-error"),
            CauseId("server-closed"),
            CauseId("server-not-tls"),
            CauseId("reset-after-client-hello"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let first = seen.first_before.as_deref().unwrap_or(&seen.first);
        let Pair {
            client: First::Other(plaintext, span),
            server,
        } = first
        else {
            return;
        };
        // An upgrade that led on to TLS is no mistake; one that the server hung up on before is.
        let hung_up = seen
            .tcp
            .side(Side::Server)
            .first_ending()
            .map(|ending| ending.mark.frame);
        let hello = seen.offer.as_ref().seen().map(|offer| offer.span.first_frame);
        if seen.first_before.is_some() && hello.zip(hung_up).is_none_or(|(hello, hung_up)| hello < hung_up) {
            return;
        }
        let speaks_tls_elsewhere = context.server(seen).answered > 0;
        let (weight, proof, at) = match server {
            // An alert in answer to plaintext can come from a TLS server only.
            First::Tls(answer) if seen.alerts.iter().any(|alert| alert.span.at == answer.at) => {
                let alert = seen
                    .alerts
                    .iter()
                    .find(|alert| alert.span.at == answer.at)
                    .map(told)
                    .unwrap_or_default();
                (97, alert, answer.mark)
            }
            // It says itself that it wants TLS.
            First::Other(Some(answer), answered) if let Some(words) = answer.complaint => (
                98,
                format!("{}: \"{}\", \"{words}\"", answer.protocol, answer.quote),
                answered.mark,
            ),
            // A redirect is no complaint: such a server takes plaintext too, and nothing is wrong with its answer.
            First::Other(Some(answer), answered) if answer.quote.contains(" 400") => {
                let weight = match (speaks_tls_elsewhere, is_tls_port(seen.server.port)) {
                    (true, _) => 90,
                    (false, true) => 88,
                    (false, false) => return,
                };
                (
                    weight,
                    format!("{}: \"{}\"", answer.protocol, answer.quote),
                    answered.mark,
                )
            }
            First::Nothing if is_tls_port(seen.server.port) || speaks_tls_elsewhere => {
                let Some(ending) = seen.tcp.first_ending().filter(|ending| ending.from == Side::Server) else {
                    return;
                };
                (
                    if speaks_tls_elsewhere { 95 } else { 85 },
                    "hangs up without a byte".to_owned(),
                    ending.mark,
                )
            }
            _ => return,
        };
        let sentence = match plaintext {
            Some(plaintext) if plaintext.protocol != NOISE => format!(
                "{} spoke {} in the clear to the TLS port {}, which does not take it.",
                seen.client.address, plaintext.protocol, seen.server
            ),
            // Encrypted, compressed or unknown: a guess would send people the wrong way.
            noise => format!(
                "{} sent {} to the TLS port {}, which does not take them.",
                seen.client.address,
                noise.as_ref().map_or("bytes of no known protocol", |_| NOISE),
                seen.server
            ),
        };
        let quote = match plaintext {
            Some(plaintext) => format!("\"{}\"", plaintext.quote),
            None => "bytes that are no TLS record and fit no protocol that is known here".to_owned(),
        };
        let finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server)
            .prove_span(span, format!("first bytes of the client: {quote}"))
            .prove(at, format!("the server: {proof}"));
        let protocol = plaintext.as_ref().map(|plaintext| plaintext.protocol);
        let what = match protocol.and_then(remedies) {
            Some(known) => known.client,
            None => "use TLS on this port, or the protocol's plaintext port",
        };
        let finding = finding.remedy(AtFault::Client, what, None);
        findings.push(match protocol {
            Some("HTTP") => finding.remedy(
                AtFault::Server,
                "nginx can redirect such requests",
                Some("error_page 497 =301 https://$host:$server_port$request_uri;".to_owned()),
            ),
            _ => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    const COMPLAINT: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\nThe plain HTTP request was sent to HTTPS port";
    const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

    #[test]
    fn noise_is_not_said_to_be_spoken_in_the_clear() {
        // SHA-256 of nothing.
        let noise = [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
            0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
        ];
        let seen = connected().say(Client, &noise).wait(0.01).fin(Server).seen();
        let finding = judged(&PlaintextOnTlsPort, &seen).unwrap();
        assert!(
            finding.sentence.contains("random-looking bytes to the TLS port"),
            "{}",
            finding.sentence
        );
        assert!(
            finding.evidence[0].text.contains("e3 b0 c4 42"),
            "{}",
            finding.evidence[0].text
        );
    }

    #[test]
    fn an_alert_in_answer_to_plaintext_proves_it() {
        let seen = connected()
            .port(8080)
            .say(Client, REQUEST)
            .alert(Server, 2, 10)
            .fin(Server)
            .seen();
        let finding = judged(&PlaintextOnTlsPort, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Client));
        assert!(
            finding.evidence[0].text.contains("GET / HTTP/1.1"),
            "{}",
            finding.evidence[0].text
        );
        assert_eq!(chosen(&seen), "plaintext-on-tls-port");
    }

    #[test]
    fn a_bad_request_on_a_port_of_tls_is_likely_a_complaint() {
        let seen = connected().say(Client, REQUEST).say(Server, REFUSAL).fin(Server).seen();
        assert!(confidence(&PlaintextOnTlsPort, &seen) >= Some(Confidence::Likely));
    }

    #[test]
    fn a_bad_request_of_a_server_that_speaks_tls_with_others_is_likely_a_complaint() {
        let seen = connected()
            .port(8080)
            .say(Client, REQUEST)
            .say(Server, REFUSAL)
            .fin(Server)
            .seen();
        assert!(sure(context().serves_others().judged(&PlaintextOnTlsPort, &seen)) >= Some(Confidence::Likely));
    }

    #[test]
    fn words_that_ask_for_tls_prove_it_on_any_port() {
        let seen = |answer: &[u8]| {
            let scene = connected().port(8080).say(Client, REQUEST).say(Server, answer);
            scene.fin(Server).seen()
        };
        let finding = judged(&PlaintextOnTlsPort, &seen(COMPLAINT)).unwrap();
        assert_eq!(finding.weight, 98);
        assert!(
            finding.evidence[1]
                .text
                .contains("The plain HTTP request was sent to HTTPS port")
        );
        assert!(
            judged(
                &PlaintextOnTlsPort,
                &seen(b"HTTP/1.1 400 Bad Request\r\n\r\nno such header")
            )
            .is_none()
        );
    }

    #[test]
    fn what_the_client_has_to_change_depends_on_its_protocol() {
        let finding = |request: &[u8]| {
            let scene = connected().say(Client, request).alert(Server, 2, 10).fin(Server);
            judged(&PlaintextOnTlsPort, &scene.seen()).unwrap()
        };
        let cache = finding(b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n");
        assert!(cache.remedies[0].text.contains("rediss://") && cache.remedies.len() == 1);
        assert!(cache.evidence.iter().all(|evidence| !evidence.text.contains("hunter2")));
        assert_eq!(finding(REQUEST).remedies.len(), 2);
        let noise = finding(&[0x91, 0xfe, 0x03, 0x77, 0x12, 0x40]);
        assert!(
            noise.sentence.contains("bytes of no known protocol"),
            "{}",
            noise.sentence
        );
    }

    #[test]
    fn hanging_up_on_plaintext_counts_where_tls_is_spoken() {
        let seen = |port: u16| scene().port(port).connect().say(Client, REQUEST).reset(Server).seen();
        assert_eq!(confidence(&PlaintextOnTlsPort, &seen(443)), Some(Confidence::Likely));
        assert_eq!(confidence(&PlaintextOnTlsPort, &seen(8080)), None);
        assert_eq!(
            sure(context().serves_others().judged(&PlaintextOnTlsPort, &seen(8080))),
            Some(Confidence::Certain)
        );
    }

    #[test]
    fn a_server_that_answers_plaintext_in_kind_speaks_it() {
        let seen = scene()
            .port(80)
            .connect()
            .say(Client, REQUEST)
            .say(Server, b"HTTP/1.1 200 OK\r\n\r\n")
            .fin(Server)
            .seen();
        assert!(judged(&PlaintextOnTlsPort, &seen).is_none());
    }

    #[test]
    fn a_redirect_is_no_complaint() {
        let answer = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://shop.example/\r\n\r\n";
        let seen = scene()
            .port(8443)
            .connect()
            .say(Client, REQUEST)
            .say(Server, answer)
            .fin(Server)
            .seen();
        assert!(context().serves_others().judged(&PlaintextOnTlsPort, &seen).is_none());
    }

    #[test]
    fn an_upgrade_that_leads_to_tls_is_no_mistake() {
        let seen = scene()
            .port(587)
            .connect()
            .say(Server, b"220 mail.example ESMTP\r\n")
            .say(Client, b"STARTTLS\r\n")
            .say(Server, b"220 go ahead\r\n")
            .client_hello(Hello::tls12)
            .alert(Server, 2, 70)
            .seen();
        assert!(context().serves_others().judged(&PlaintextOnTlsPort, &seen).is_none());
        assert_eq!(chosen(&seen), "version-mismatch");
    }

    #[test]
    fn a_client_that_hangs_up_itself_shows_nothing_of_the_server() {
        let seen = connected().say(Client, REQUEST).fin(Client).fin(Server).seen();
        assert!(judged(&PlaintextOnTlsPort, &seen).is_none());
    }
}
