//! The server can do better than what it was asked for: somebody took that out of the offer.

use crate::connection::Offer;
use crate::registry::ProtocolVersion;
use crate::tls::Downgrade;
use crate::why::prelude::*;

/// The mark of RFC 9846 §4.2.3 in the server's random, or an answer below what server and client have.
pub(crate) struct DowngradeDetected;

impl Cause for DowngradeDetected {
    fn id(&self) -> CauseId {
        CauseId("downgrade-detected")
    }

    fn page(&self) -> &'static str {
        include_str!("downgrade_detected.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const VAGUER: &[CauseId] = &[
            CauseId("illegal-parameter"),
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
        ];
        VAGUER
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Seen::Seen(offer), Seen::Seen(answer)) = (&seen.offer, &seen.answer) else {
            return;
        };
        let end = seen.end();
        if seen.completed() || end.by != Some(Side::Client) {
            return;
        }
        let alert = match end.act {
            Act::Alert(alert) => Some(alert),
            _ => None,
        };
        let (chosen, best) = (answer.value.version, offer.value.best_version());
        let marked = answer
            .value
            .downgrade
            .filter(|mark| concerns(*mark, &offer.value, chosen));
        // What the server took from others, and this client offers as well.
        let better = context
            .server(seen)
            .versions
            .iter()
            .copied()
            .filter(|version| version.rank() > chosen.rank() && offer.value.allows(*version))
            .max_by_key(|version| version.rank());
        let weight = match (alert.map(|alert| alert.description), marked, better) {
            (Some(AlertDescription::ILLEGAL_PARAMETER), Some(_), _) => 97,
            (Some(AlertDescription::PROTOCOL_VERSION | AlertDescription::INAPPROPRIATE_FALLBACK), Some(_), _) => 90,
            (Some(AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INTERNAL_ERROR), Some(_), _) => 82,
            (None, Some(_), _) => 70,
            (Some(AlertDescription::ILLEGAL_PARAMETER | AlertDescription::PROTOCOL_VERSION), None, Some(_)) => 70,
            _ => return,
        };
        let best = best.map(|best| best.to_string()).unwrap_or_default();
        let offered = if offer.value.fallback {
            format!("came back with {best} at most (TLS_FALLBACK_SCSV)")
        } else {
            format!("offers {best}")
        };
        let can = match (marked, better) {
            (Some(Downgrade::ToTls12), _) => "says in its random that it can do TLS 1.3 (DOWNGRD)".to_owned(),
            (Some(Downgrade::ToTls11OrBelow), _) => {
                "says in its random that it can do TLS 1.2 or better (DOWNGRD)".to_owned()
            }
            (None, Some(better)) => format!("took {better} from others"),
            (None, None) => return,
        };
        let sentence = format!(
            "A downgrade: the client {offered}, {} {can}, and yet {chosen} was chosen. Something between them cut the offer, and the client \
             does not go on.",
            server_called(seen)
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if offer.value.fallback {
                AtFault::Client
            } else {
                AtFault::Middlebox
            })
            .prove_span(
                &offer.span,
                format!("ClientHello offers {}", list(&offer.value.versions, 6)),
            )
            .prove_span(&answer.span, format!("ServerHello chooses {chosen}; the server {can}"));
        finding = match alert {
            Some(alert) => finding.prove_span(&alert.span, told(&alert)),
            None => finding.prove(end.mark, "the client leaves"),
        };
        findings.push(
            finding
                .infer("At the server a capture would show another ClientHello than here.")
                .remedy(
                    AtFault::Middlebox,
                    "find the device that rewrites the ClientHello (inspection, old proxy, load balancer): update it, or let this server pass",
                    None,
                )
                .remedy(
                    AtFault::Both,
                    "from beyond the device TLS 1.3 should come up",
                    Some(s_client(seen, "-tls1_3")),
                ),
        );
    }
}

/// True where the mark was made for a client with this offer: one without a better version is to pass over it.
fn concerns(mark: Downgrade, offer: &Offer, chosen: ProtocolVersion) -> bool {
    let best = match mark {
        Downgrade::ToTls12 => ProtocolVersion::TLS13,
        Downgrade::ToTls11OrBelow => ProtocolVersion::TLS12,
    };
    // A client that retries with less by itself knows what else it can do.
    chosen.rank() < best.rank()
        && (offer.fallback || offer.versions.iter().any(|version| version.rank() >= best.rank()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn answered(build: impl FnOnce(Hello) -> Hello) -> Scene {
        connected()
            .client_hello(build)
            .server_hello_with(0x0303, 0xc02f, ServersHello::downgraded)
            .certificate(Server, &[b"leaf"])
            .server_key_exchange(29)
            .server_hello_done()
    }

    #[test]
    fn the_servers_mark_and_the_clients_alert_prove_it() {
        let seen = answered(|hello| hello).alert(Client, 2, 47).fin(Client).seen();
        let finding = judged(&DowngradeDetected, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Middlebox));
        let verdict = context().verdict(&seen);
        assert_eq!(name_of(&verdict), "downgrade-detected");
        assert!(!mentions(&verdict, "illegal-parameter"));
    }

    #[test]
    fn a_client_that_offers_no_more_passes_over_the_mark() {
        let seen = answered(Hello::tls12).alert(Client, 2, 47).seen();
        assert!(judged(&DowngradeDetected, &seen).is_none());
        let seen = answered(|hello| hello.tls12().suites(&[0xc02f, 0x5600]))
            .alert(Client, 2, 47)
            .seen();
        let finding = judged(&DowngradeDetected, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Client));
    }

    #[test]
    fn who_turns_the_certificate_down_has_not_minded_the_version() {
        let seen = answered(|hello| hello).alert(Client, 2, 48).seen();
        assert!(judged(&DowngradeDetected, &seen).is_none());
        let seen = answered(|hello| hello).finished_by_both().seen();
        assert!(judged(&DowngradeDetected, &seen).is_none());
    }

    #[test]
    fn without_the_mark_others_tell_what_the_server_has() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 2, 47)
            .seen();
        assert!(judged(&DowngradeDetected, &seen).is_none());
        let world = context().server_took_versions(&[0x0303, 0x0304]);
        assert_eq!(
            sure(world.judged(&DowngradeDetected, &seen)),
            Some(Confidence::Possible)
        );
    }
}
