//! A side demands more security than the other one has to offer.

use crate::registry::CipherSuite;
use crate::why::prelude::*;

/// insufficient_security where no single weakness stands out.
pub(crate) struct InsufficientSecurity;

/// Bits of a Diffie-Hellman prime below which that is what is weak.
const SHORT_PRIME: u32 = 2_048;

impl Cause for InsufficientSecurity {
    fn id(&self) -> CauseId {
        CauseId("insufficient-security")
    }

    fn page(&self) -> &'static str {
        include_str!("insufficient_security.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("server-certificate-rejected"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Some(alert), Seen::Seen(offer)) = (seen.fatal_alert(), &seen.offer) else {
            return;
        };
        if alert.description != AlertDescription::INSUFFICIENT_SECURITY || seen.completed() {
            return;
        }
        let offered = format!(
            "{} with {}",
            list(&offer.value.versions, 4),
            list(offer.value.real_suites(), 4)
        );
        let finding = match (alert.span.from(), &seen.answer) {
            (Side::Server, _) if seen.refusal_of_the_hello().is_some() => {
                let weak = if offer.value.real_suites().any(CipherSuite::is_aead) {
                    "suites that it may know, but not what its rules ask for"
                } else {
                    "old suites alone"
                };
                let sentence = format!(
                    "{} demands more security than the client offers, which has {weak}: insufficient_security.",
                    server_called(seen)
                );
                Finding::new(self, 80, sentence).at_fault(AtFault::Client)
            }
            (Side::Client, Seen::Seen(answer)) => {
                let short = seen.key_exchange.as_ref().and_then(|exchange| exchange.value.dh_bits);
                if short.is_some_and(|bits| bits < SHORT_PRIME) {
                    return;
                }
                // NSS says so of short keys in certificates.
                let weight = if context.rejection(seen, Side::Server).is_some() {
                    66
                } else {
                    80
                };
                let sentence = format!(
                    "The client demands more security than {} chose, {} with {}: insufficient_security.",
                    server_called(seen),
                    answer.value.version,
                    answer.value.cipher_suite
                );
                Finding::new(self, weight, sentence)
                    .at_fault(AtFault::Server)
                    .prove_span(
                        &answer.span,
                        format!("ServerHello: {}, {}", answer.value.version, answer.value.cipher_suite),
                    )
            }
            (Side::Server, Seen::Seen(answer)) => {
                let sentence = format!(
                    "{} demands more security than what the client brought after the ServerHello ({}, {}): insufficient_security.",
                    server_called(seen),
                    answer.value.version,
                    answer.value.cipher_suite
                );
                Finding::new(self, 70, sentence).at_fault(AtFault::Client)
            }
            _ => return,
        };
        findings.push(
            finding
                .prove_span(&offer.span, format!("ClientHello offers {offered}"))
                .prove_span(&alert.span, told(alert))
                .remedy(
                    AtFault::Both,
                    "raise the weaker side: TLS 1.2 or 1.3, ECDHE with AES-GCM or ChaCha20, RSA 2048 or P-256 and up",
                    Some(s_client(seen, "")),
                )
                .remedy(
                    AtFault::Both,
                    "where both are strong, the rule is in the refusing side's settings: security level, FIPS mode, disabled algorithms",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn the_alert_of_its_name_is_taken_at_its_word_where_nothing_stands_out() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 71)
            .fin(Server)
            .seen();
        let finding = judged(&InsufficientSecurity, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert_eq!(
            (finding.at_fault, chosen(&seen)),
            (AtFault::Client, "insufficient-security")
        );
    }

    #[test]
    fn what_stands_out_is_named_instead() {
        let seen = connected()
            .client_hello(|hello| hello.groups(&[0x001a]))
            .alert(Server, 2, 71)
            .fin(Server)
            .seen();
        assert_eq!(chosen(&seen), "no-shared-group");
    }

    #[test]
    fn a_client_may_find_the_answer_too_weak() {
        let answered = |description| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0303, 0xc013)
                .alert(Client, 2, description)
                .fin(Client)
                .seen()
        };
        let finding = judged(&InsufficientSecurity, &answered(71)).unwrap();
        assert_eq!(finding.at_fault, AtFault::Server);
        assert!(judged(&InsufficientSecurity, &answered(40)).is_none());
    }
}
