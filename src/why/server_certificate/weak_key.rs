//! A key of the chain is too short, or of a curve that hardly anybody knows.

use super::by_length::Lengths;
use super::{GENERIC, called, judged_by_strength, prove_chain, prove_rejection, refused, show_chain, why_hidden};
use crate::why::fits::{fits, may_mean, refuses_rsa};
use crate::why::prelude::*;
use crate::x509::{Curve, Key};

/// RSA below 2048 bits, or a curve beside P-256, P-384 and P-521.
pub(crate) struct WeakKey;

/// Bits of the shortest RSA key that every client takes.
const ENOUGH: u32 = 2048;

impl Cause for WeakKey {
    fn id(&self) -> CauseId {
        CauseId("weak-key")
    }

    fn page(&self) -> &'static str {
        include_str!("weak_key.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(chain) = context.chain(seen, Side::Server) else {
            findings.extend(told_by_its_signature(self, seen, context));
            return;
        };
        let mut keys = judged_by_strength(chain).filter(|(_, certificate)| is_weak(&certificate.key));
        let Some((depth, certificate)) = keys.next() else {
            return;
        };
        let key = &certificate.key;
        let shown = format!(
            "Certificate {}: \"{}\", key {key}, signed by \"{}\"",
            depth + 1,
            certificate.display_name(),
            certificate.issuer.display()
        );
        let has = format!(
            "{} of {} has a key of {key}",
            called(depth, certificate),
            server_called(seen)
        );
        let (weight, why) = match key {
            Key::Rsa { .. } => (96, "which is too short"),
            Key::Dsa { .. } => (90, "a kind that clients no longer take"),
            _ => (84, "which hardly any client takes"),
        };
        let rejection = context.rejection(seen, Side::Server);
        let refuses = |rejection: &Rejection| match key {
            Key::Rsa { bits, .. } => refuses_rsa(*bits, seen, rejection),
            _ => matches!(rejection.sign, Sign::Alert(_)),
        };
        let Some(rejection) = rejection.filter(refuses) else {
            let sentence = format!("{has}, {why} for other clients.");
            findings.push(prove_chain(
                Finding::new(self, 90, sentence).at_fault(AtFault::Server).into_remark(),
                seen,
                shown,
            ));
            return;
        };
        let sentence = format!("{has}, {why}, and the client refused it.");
        findings.push(remedies(refused(self, weight, seen, &rejection, sentence, shown), seen));
    }
}

/// TLS 1.3 hides the certificate, and not how long a signature is: of RSA as long as the key. The client has an alert that fits.
fn told_by_its_signature(cause: &WeakKey, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    const SHORT: (&str, u32) = ("RSA 1024", 1_024);
    let (name, bits) = SHORT;
    let key = seen.sealed()?.key.filter(|key| *key == name)?;
    let says_so = |rejection: &Rejection| {
        matches!(rejection.sign, Sign::Alert(_) | Sign::HiddenAlert(_))
            && refuses_rsa(bits, seen, rejection)
            && may_mean(cause.id(), seen, rejection)
    };
    let rejection = context.rejection(seen, Side::Server).filter(says_so)?;
    let sentence = format!(
        "{} has a key of {key}, by the length of its signature: too short for this client, which refused the certificate. {}.",
        server_called(seen),
        why_hidden(seen)
    );
    let finding = Finding::new(cause, fits(86, cause.id(), seen, &rejection), sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    let finding = Lengths::of(seen, context)?.prove(finding);
    Some(remedies(prove_rejection(finding, seen, &rejection), seen))
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Server,
            "make a key of P-256 or of at least 2048 bits RSA, and have a certificate issued for it",
            Some("openssl req -new -newkey rsa:3072 -nodes -keyout server.key -out server.csr".to_owned()),
        )
        .remedy(
            AtFault::Client,
            "where the server cannot be changed yet, OpenSSL's security level 1 takes RSA keys from 1024 bits on",
            Some(s_client(seen, "-cipher DEFAULT@SECLEVEL=1")),
        )
        .remedy(
            AtFault::Both,
            "see the key",
            Some(format!(
                "{} </dev/null | openssl x509 -noout -text | grep -A1 'Public Key Algorithm'",
                show_chain(seen)
            )),
        )
}

fn is_weak(key: &Key) -> bool {
    match key {
        Key::Rsa { bits, .. } => (1..ENOUGH).contains(bits),
        Key::Dsa { .. } => true,
        Key::Ec(curve) => matches!(curve, Curve::Named(_) | Curve::Other(_) | Curve::Explicit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ClientStack;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn flight(name: &str) -> Scene {
        let leaf = crate::x509::testing::odd(name);
        connected().client_hello(Hello::tls12).server_flight(&[&leaf.der])
    }

    #[test]
    fn rsa_1024_and_a_refusal_prove_it() {
        let seen = flight("leaf-rsa-1024").alert(Client, 2, 42).fin(Client).seen();
        let finding = judged(&WeakKey, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("has a key of RSA 1024"),
            "{}",
            finding.sentence
        );
        assert_eq!((finding.at_fault, chosen(&seen)), (AtFault::Server, "weak-key"));
    }

    #[test]
    fn a_client_that_takes_it_leaves_a_remark() {
        let seen = flight("leaf-rsa-1024")
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(judged(&WeakKey, &seen).is_some_and(|finding| finding.is_remark()));
        assert_eq!(chosen(&seen), "");
    }

    #[test]
    fn where_the_key_is_hidden_its_signature_tells_how_short_it_is() {
        let told = |signature: usize, alert, stack| {
            let mut seen = connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 1_836, signature + 25, 53])
                .alert(Client, 2, alert)
                .fin(Client)
                .seen();
            set_stack(&mut seen, stack);
            chosen(&seen)
        };
        assert_eq!(told(128, 42, ClientStack::OpenSsl), "weak-key");
        // Long enough, another alert, and a client that takes it.
        assert_eq!(told(256, 42, ClientStack::OpenSsl), "server-certificate-rejected");
        assert_eq!(told(128, 48, ClientStack::OpenSsl), "untrusted-root");
        assert_eq!(told(128, 42, ClientStack::Go), "server-certificate-rejected");
    }

    #[test]
    fn p_521_is_a_usual_curve_and_p_224_is_not() {
        assert!(!is_weak(&Key::Ec(Curve::P521)));
        assert!(is_weak(&Key::Ec(Curve::Named("P-224"))));
        assert!(!is_weak(&Key::Rsa {
            bits: 2048,
            pss_only: false
        }));
    }
}
