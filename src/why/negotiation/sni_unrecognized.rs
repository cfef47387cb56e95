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
        let name = offer.value.server_name.as_deref();
        // JSSE takes the warning that others pass over for a failure, and says handshake_failure itself.
        let warning = seen.alerts.iter().find(|alert| {
            alert.description == AlertDescription::UNRECOGNIZED_NAME && alert.span.from() == Side::Server
        });
        let Some(fatal) = seen.fatal_alert() else { return };
        let others = context
            .server(seen)
            .names
            .iter()
            .filter(|other| Some(other.as_str()) != name)
            .count();
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
        let (sentence, asked) = match name {
            Some(name) => (
                format!(
                    "{} does not serve the name \"{name}\": {}.",
                    seen.server, fatal.description
                ),
                format!("ClientHello asks for server_name \"{name}\""),
            ),
            None if fatal.description == AlertDescription::UNRECOGNIZED_NAME => (
                format!(
                    "{} wants to be asked for a name, and the client sent no SNI: {}.",
                    seen.server, fatal.description
                ),
                "ClientHello without server_name".to_owned(),
            ),
            None => return,
        };
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if name.is_some() {
                AtFault::Server
            } else {
                AtFault::Client
            })
            .prove_span(&offer.span, asked)
            .prove_span(&alert.span, told(alert));
        if others > 0 {
            let known = context
                .server(seen)
                .names
                .iter()
                .filter(|other| Some(other.as_str()) != name);
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
