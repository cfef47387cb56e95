//! No application protocol in common.

use crate::why::prelude::*;

/// no_application_protocol (RFC 7301 §3.2).
pub(crate) struct AlpnMismatch;

impl Cause for AlpnMismatch {
    fn id(&self) -> CauseId {
        CauseId("alpn-mismatch")
    }

    fn page(&self) -> &'static str {
        include_str!("alpn_mismatch.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        let Seen::Seen(offer) = &seen.offer else { return };
        if seen.completed() {
            return;
        }
        let protocols = &offer.value.alpn;
        let answered = seen.answer.as_ref().seen();
        let foreign = answered.filter(|answer| {
            let chosen = answer.value.alpn.as_ref();
            !protocols.is_empty() && chosen.is_some_and(|chosen| !protocols.contains(chosen))
        });
        let named_so = alert.description == AlertDescription::NO_APPLICATION_PROTOCOL;
        let weight = match alert.span.from() {
            _ if named_so => 97,
            // Go calls a protocol that it did not offer an unsupported extension, OpenSSL and NSS an illegal parameter.
            Side::Client if foreign.is_some() && seen.end().by == Some(Side::Client) => match alert.description {
                AlertDescription::UNSUPPORTED_EXTENSION | AlertDescription::ILLEGAL_PARAMETER => 96,
                _ => 82,
            },
            _ => return,
        };
        let offered = if protocols.is_empty() {
            "no application protocol".to_owned()
        } else {
            quoted(protocols)
        };
        let sentence = match (alert.span.from(), foreign) {
            (Side::Server, _) if protocols.is_empty() => match expected_on(seen.server.port) {
                Some(expected) => format!(
                    "The client offers no application protocol by ALPN; {} wants one, \"{expected}\" on this port, and refuses.",
                    server_called(seen)
                ),
                None => format!(
                    "The client offers no application protocol by ALPN; {} wants one and refuses.",
                    server_called(seen)
                ),
            },
            (Side::Server, _) => format!(
                "The client offers {offered} by ALPN; {} has none of it and refuses.",
                server_called(seen)
            ),
            (Side::Client, Some(answer)) => format!(
                "The client offers {offered} by ALPN, and {} chose {}.",
                server_called(seen),
                quoted(&answer.value.alpn)
            ),
            (Side::Client, None) => format!(
                "The client offers {offered} by ALPN and does not take what {} chose.",
                server_called(seen)
            ),
        };
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if foreign.is_some() {
                AtFault::Server
            } else {
                AtFault::Both
            })
            .prove_span(&offer.span, format!("ClientHello: ALPN {offered}"));
        if let Some(answer) = foreign {
            finding = finding.prove_span(
                &answer.span,
                format!("ServerHello: ALPN {}", quoted(&answer.value.alpn)),
            );
        }
        finding = finding.prove_span(&alert.span, told(alert));
        let accepted = &context.server(seen).alpn;
        if !accepted.is_empty() {
            finding = finding.infer(format!(
                "With other clients the server settled on {}.",
                quoted(accepted)
            ));
        }
        let offered = if protocols.is_empty() {
            "h2,http/1.1".to_owned()
        } else {
            shell(&protocols.join(","))
        };
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "enable that protocol on the port; nginx: `http2 on;`; or serve it elsewhere",
                    None,
                )
                .remedy(
                    AtFault::Client,
                    "offer what the server has; to see what it takes",
                    Some(s_client(seen, &format!("-alpn {offered}"))),
                ),
        );
    }
}

fn quoted<'a>(protocols: impl IntoIterator<Item = &'a String>) -> String {
    list(protocols.into_iter().map(|protocol| format!("\"{protocol}\"")), 6)
}

/// The protocol that a server of this port has to be asked for where TLS begins at once: PostgreSQL 17, TDS 8.
const fn expected_on(port: u16) -> Option<&'static str> {
    match port {
        5432 => Some("postgresql"),
        1433 => Some("tds/8.0"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn the_alert_of_its_name_proves_it() {
        let seen = connected()
            .client_hello(|hello| hello.alpn(&["h2", "grpc-exp"]))
            .alert(Server, 2, 120)
            .fin(Server)
            .seen();
        let finding = judged(&AlpnMismatch, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Both));
        assert!(
            finding.sentence.contains("\"h2\" and \"grpc-exp\""),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "alpn-mismatch");
    }

    #[test]
    fn a_client_may_refuse_what_the_server_chose() {
        let seen = connected()
            .client_hello(|hello| hello.tls12().alpn(&["h2"]))
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 2, 120)
            .seen();
        assert!(judged(&AlpnMismatch, &seen).is_some());
    }

    #[test]
    fn a_protocol_that_was_not_offered_is_refused_in_many_words() {
        let answered = |protocol: &[u8], description| {
            let body = [&[0, protocol.len() as u8 + 1, protocol.len() as u8][..], protocol].concat();
            connected()
                .client_hello(|hello| hello.tls12().alpn(&["h2"]))
                .server_hello_with(0x0303, 0xc02f, |hello| hello.extension(16, &body))
                .alert(Client, 2, description)
                .fin(Client)
                .seen()
        };
        for description in [110, 47] {
            let seen = answered(b"spdy/3", description);
            let finding = judged(&AlpnMismatch, &seen).unwrap();
            assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Server));
            assert!(finding.sentence.contains("\"spdy/3\""), "{}", finding.sentence);
            assert_eq!(chosen(&seen), "alpn-mismatch");
        }
        assert!(judged(&AlpnMismatch, &answered(b"h2", 47)).is_none());
    }

    #[test]
    fn a_server_may_want_a_protocol_where_none_is_offered() {
        let seen = scene()
            .port(5432)
            .connect()
            .client_hello(|hello| hello)
            .alert(Server, 2, 120)
            .seen();
        let finding = judged(&AlpnMismatch, &seen).unwrap();
        assert!(finding.sentence.contains("\"postgresql\""), "{}", finding.sentence);
    }

    #[test]
    fn another_refusal_of_an_offer_with_alpn_is_none() {
        let seen = connected()
            .client_hello(|hello| hello.alpn(&["h2"]))
            .alert(Server, 2, 40)
            .seen();
        assert!(judged(&AlpnMismatch, &seen).is_none());
    }
}
