//! The server does not serve the name that the client asks for.

use crate::registry::ProtocolVersion;
use crate::why::prelude::*;

/// unrecognized_name, or what other servers say in its place.
pub(crate) struct SniUnrecognized;

impl Cause for SniUnrecognized {
    fn id(&self) -> CauseId {
        CauseId("sni-unrecognized")
    }

    fn page(&self) -> &'static str {
        include_str!("sni_unrecognized.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        // A hello without a name has a cause of its own.
        let Some(name) = offer.value.server_name.as_deref() else {
            return;
        };
        // JSSE takes the warning that others pass over for a failure, and says handshake_failure itself.
        let warning = seen.alerts.iter().find(|alert| {
            alert.description == AlertDescription::UNRECOGNIZED_NAME && alert.span.from() == Side::Server
        });
        let Some(fatal) = seen.fatal_alert() else { return };
        let history = context.server(seen);
        let others = history.served_names().filter(|other| *other != name).count();
        if history.names.contains_key(name) && fatal.description != AlertDescription::UNRECOGNIZED_NAME {
            return;
        }
        let (weight, alert) = match (fatal.span.from(), fatal.description) {
            (Side::Server, AlertDescription::UNRECOGNIZED_NAME) => (96, fatal),
            (Side::Client, AlertDescription::HANDSHAKE_FAILURE) => match warning {
                Some(warning) => (86, warning),
                None => return,
            },
            _ if seen.refusal_of_the_hello().is_none() => return,
            // rustls until 0.23 has no certificate for the name.
            (Side::Server, AlertDescription::ACCESS_DENIED) => (82, fatal),
            // Go's GetCertificate failed: Caddy, autocert, Traefik.
            (Side::Server, AlertDescription::INTERNAL_ERROR) if others > 0 => (86, fatal),
            // Go writes TLS 1.0 as long as no version was chosen: then GetConfigForClient failed, and the name was not looked at.
            (Side::Server, AlertDescription::INTERNAL_ERROR) if fatal.record_version == ProtocolVersion::TLS10 => {
                return;
            }
            (Side::Server, AlertDescription::INTERNAL_ERROR) => (55, fatal),
            (Side::Server, AlertDescription::HANDSHAKE_FAILURE) if others > 0 => (78, fatal),
            (Side::Server, AlertDescription::HANDSHAKE_FAILURE) if offer.value.is_ordinary() => (45, fatal),
            _ => return,
        };
        let sentence = match oddity(name) {
            Some(oddity) => format!(
                "{} does not serve the name \"{name}\", which is {oddity}: {}.",
                seen.server, fatal.description
            ),
            None => format!(
                "{} does not serve the name \"{name}\": {}.",
                seen.server, fatal.description
            ),
        };
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if oddity(name).is_some() {
                AtFault::Client
            } else {
                AtFault::Server
            })
            .prove_span(&offer.span, format!("ClientHello asks for server_name \"{name}\""))
            .prove_span(&alert.span, told(alert));
        if others > 0 {
            let known = history.served_names().filter(|other| *other != name);
            finding = finding.infer(format!("The same server completed handshakes for {}.", list(known, 3)));
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "add a virtual host and certificate for the name, or send its DNS record to the right server",
                    None,
                )
                .remedy(
                    AtFault::Client,
                    "check the name that the client sends (SNI)",
                    Some(s_client(seen, "")),
                ),
        );
    }
}

/// What is odd about a name, where no server is likely to have it (RFC 6066 §3: a host name without a dot at its end, no address).
fn oddity(name: &str) -> Option<&'static str> {
    if name.parse::<std::net::IpAddr>().is_ok() {
        Some("an address and no name")
    } else if name.ends_with('.') {
        Some("written with a dot at its end")
    } else if name.contains(':') {
        Some("written with a port")
    } else if name.contains('_') {
        Some("written with an underscore, which host names do not have")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn the_alert_of_its_name_proves_it() {
        let seen = refused(|hello| hello.name("shop.exmaple"), 112);
        let finding = judged(&SniUnrecognized, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Server));
        assert!(finding.sentence.contains("\"shop.exmaple\""), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "sni-unrecognized");
    }

    #[test]
    fn a_client_that_sent_no_name_has_another_problem() {
        assert!(judged(&SniUnrecognized, &refused(Hello::nameless, 112)).is_none());
    }

    #[test]
    fn a_name_that_is_none_is_the_clients_mistake() {
        for name in ["192.0.2.7", "shop.example.", "shop.example:443", "shop_1.example"] {
            let finding = judged(&SniUnrecognized, &refused(|hello| hello.name(name), 112)).unwrap();
            assert_eq!(finding.at_fault, AtFault::Client, "{}", finding.sentence);
        }
    }

    #[test]
    fn the_names_that_are_served_to_others_make_a_vague_alert_speak() {
        let seen = refused(|hello| hello, 80);
        assert_eq!(confidence(&SniUnrecognized, &seen), Some(Confidence::Possible));
        let world = || context().server_serves(&["www.shop.example"]);
        assert_eq!(sure(world().judged(&SniUnrecognized, &seen)), Some(Confidence::Likely));
        assert_eq!(world().chosen(&seen), "sni-unrecognized");
    }

    #[test]
    fn the_same_name_served_to_others_is_no_other_name() {
        let seen = refused(|hello| hello, 80);
        let finding = context()
            .server_serves(&["shop.example"])
            .judged(&SniUnrecognized, &seen);
        assert!(sure(finding) < Some(Confidence::Likely));
    }

    #[test]
    fn a_warning_that_is_passed_over_is_no_refusal() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .in_one_packet(Server, |scene| scene.alert(Server, 1, 112).server_flight(&[b"leaf"]))
            .finished_by_both()
            .seen();
        assert!(judged(&SniUnrecognized, &seen).is_none());
        assert_eq!(chosen(&seen), "");
    }

    #[test]
    fn a_client_that_breaks_off_at_the_warning_is_told_with_it() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .in_one_packet(Server, |scene| scene.alert(Server, 1, 112).server_hello(0x0303, 0xc02f))
            .alert(Client, 2, 40)
            .fin(Client)
            .seen();
        assert_eq!(confidence(&SniUnrecognized, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn a_defect_of_the_offer_is_not_about_the_name() {
        assert!(judged(&SniUnrecognized, &refused(|hello| hello.versions(&[0x0301]), 70)).is_none());
        assert!(judged(&SniUnrecognized, &refused(Hello::tls12, 40)).is_none());
    }
}
