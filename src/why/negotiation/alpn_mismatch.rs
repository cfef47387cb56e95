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

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if alert.description != AlertDescription::NO_APPLICATION_PROTOCOL {
            return;
        }
        let Seen::Seen(offer) = &seen.offer else { return };
        let offered = if offer.value.alpn.is_empty() {
            "no application protocol".to_owned()
        } else {
            list(offer.value.alpn.iter().map(|protocol| format!("\"{protocol}\"")), 6)
        };
        let sentence = match alert.span.from() {
            Side::Server => format!(
                "The client offers {offered} by ALPN; {} has none of it and refuses.",
                server_called(seen)
            ),
            Side::Client => format!(
                "The client offers {offered} by ALPN and does not take what {} chose.",
                server_called(seen)
            ),
        };
        let protocols = shell(&offer.value.alpn.join(","));
        findings.push(
            Finding::new(self, 97, sentence)
                .at_fault(AtFault::Both)
                .prove_span(&offer.span, format!("ClientHello: ALPN {offered}"))
                .prove_span(&alert.span, told(alert))
                .remedy(
                    AtFault::Server,
                    "enable that protocol on the port; nginx: `http2 on;`; or serve it elsewhere",
                    None,
                )
                .remedy(
                    AtFault::Client,
                    "offer what the server has; to see what it takes",
                    Some(s_client(
                        seen,
                        &format!(
                            "-alpn {}",
                            if offer.value.alpn.is_empty() {
                                "h2,http/1.1"
                            } else {
                                &protocols
                            }
                        ),
                    )),
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
    fn another_refusal_of_an_offer_with_alpn_is_none() {
        let seen = connected()
            .client_hello(|hello| hello.alpn(&["h2"]))
            .alert(Server, 2, 40)
            .seen();
        assert!(judged(&AlpnMismatch, &seen).is_none());
    }
}
