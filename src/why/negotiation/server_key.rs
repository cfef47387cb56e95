//! The keys behind a server's certificates, as other connections show them, and what of an offer they serve.

use crate::connection::{Observed, ServerHistory};
use crate::evidence::Mark;
use crate::registry::{Authentication, CipherSuite, SignatureScheme};
use crate::why::Finding;
use crate::x509::{Curve, Key};

/// The kinds of keys in the certificates that the server sent in the clear to others, each with the packet that shows it first: to those who
/// asked for the same name, else to anybody.
pub(super) fn shown_keys<'a>(history: &'a ServerHistory, seen: &Observed) -> Vec<(&'a Key, Mark)> {
    let same_name = history.sent.get(seen.server_name().unwrap_or_default());
    let others = history.sent.values().filter(|_| same_name.is_none());
    let mut keys: Vec<(&Key, Mark)> = Vec::new();
    for sent in same_name.into_iter().chain(others).flat_map(|sent| &sent.ends) {
        if let Some(leaf) = sent.leaf()
            && !keys.iter().any(|(known, _)| **known == leaf.key)
        {
            keys.push((&leaf.key, sent.mark));
        }
    }
    keys
}

/// The key that another connection shows, as evidence.
pub(super) fn prove_key(finding: Finding, key: &Key, mark: Mark) -> Finding {
    finding.prove_elsewhere(
        mark,
        format!("the server's certificate there has a key of the kind {key}"),
    )
}

/// True where a server with this key can take the suite. TLS 1.3 suites go with every key, as do those without a certificate.
pub(super) fn serves_suite(key: &Key, suite: CipherSuite) -> bool {
    match suite.authentication() {
        Authentication::Rsa => matches!(key, Key::Rsa { .. }),
        Authentication::Ecdsa => matches!(key, Key::Ec(_) | Key::Ed25519 | Key::Ed448),
        Authentication::Dss => matches!(key, Key::Dsa { .. }),
        Authentication::Psk | Authentication::Anon | Authentication::Any | Authentication::Other => true,
    }
}

/// True where a handshake can be signed so with this key. TLS 1.3 has no PKCS #1 and no SHA-1 there, and binds each curve to its hash
/// (RFC 9846 §4.3.3).
pub(super) fn signs_with(key: &Key, scheme: SignatureScheme, only_tls13: bool) -> bool {
    let older = !only_tls13;
    match key {
        Key::Rsa { pss_only: false, .. } => match scheme.0 {
            0x0804..=0x0806 => true,
            code => older && code & 0xff == 1 && matches!(code >> 8, 1..=6),
        },
        Key::Rsa { pss_only: true, .. } => matches!(scheme.0, 0x0809..=0x080b),
        Key::Ec(curve) => match (scheme.0, curve) {
            (0x0403, Curve::P256)
            | (0x0503, Curve::P384)
            | (0x0603, Curve::P521)
            | (0x081a..=0x081c, Curve::Named(_)) => true,
            (code, _) => older && code & 0xff == 3 && matches!(code >> 8, 2..=6),
        },
        Key::Ed25519 => scheme.0 == 0x0807,
        Key::Ed448 => scheme.0 == 0x0808,
        Key::Dsa { .. } => older && scheme.0 & 0xff == 2,
        Key::MlDsa(_) => matches!(scheme.0, 0x0904..=0x0906),
        // What it is cannot be told: then nothing is said.
        Key::Other(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: Key = Key::Rsa {
        bits: 2048,
        pss_only: false,
    };

    #[test]
    fn a_suite_wants_the_key_that_its_name_says() {
        let p256 = Key::Ec(Curve::P256);
        let serves = |key: &Key, suite| serves_suite(key, CipherSuite(suite));
        assert!(serves(&RSA, 0xc02f) && !serves(&p256, 0xc02f));
        assert!(serves(&p256, 0xc02b) && !serves(&RSA, 0xc02b));
        assert!(serves(&RSA, 0x1301) && serves(&p256, 0x1301));
    }

    #[test]
    fn tls_1_3_binds_keys_to_fewer_schemes() {
        let signs = |key: &Key, scheme, only| signs_with(key, SignatureScheme(scheme), only);
        assert!(signs(&RSA, 0x0401, false) && !signs(&RSA, 0x0401, true) && signs(&RSA, 0x0804, true));
        let p384 = Key::Ec(Curve::P384);
        assert!(signs(&p384, 0x0403, false) && !signs(&p384, 0x0403, true) && signs(&p384, 0x0503, true));
        assert!(signs(&Key::Ed25519, 0x0807, true) && !signs(&Key::Ed25519, 0x0403, false));
        let pss = Key::Rsa {
            bits: 2048,
            pss_only: true,
        };
        assert!(signs(&pss, 0x0809, false) && !signs(&pss, 0x0804, false));
    }
}
