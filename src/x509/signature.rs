//! Did this key sign that certificate?
//!
//! The table is ring's: RSA from 1024 to 8192 bits with SHA-1 and above, RSASSA-PSS from 2048 bits, ECDSA on P-256 and P-384 with SHA-256
//! and SHA-384, Ed25519. What it does not do (MD5, P-521, shorter or longer RSA keys, DSA, ML-DSA, national standards) is
//! [`Verification::Unsupported`]: never taken for a signature that is wrong.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};

use super::Certificate;
use super::key::{Curve, Digest, Key, Scheme};
use crate::registry::SignatureScheme;

/// What a check of a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verification {
    /// The issuer's key made it.
    Yes,
    /// The issuer's key did not make it.
    No,
    /// The algorithm or the key is one that cannot be checked here.
    Unsupported,
}

/// Whether `child` bears a signature of `issuer`'s key. Names are not looked at.
pub(crate) fn verifies(child: &Certificate, issuer: &Certificate) -> Verification {
    let algorithm = &child.signature_algorithm;
    check(
        (algorithm.scheme, algorithm.digest),
        issuer,
        child.signed_bytes(),
        child.signature(),
    )
}

/// Whether the key that `signer` certifies made `signature` over `message`, by a scheme of TLS (RFC 9846 §4.3.3). The pairs of hash and
/// signature of RFC 5246 §7.4.1.4.1 have the same numbers, bound to no curve.
pub(crate) fn made_by_key(
    signer: &Certificate,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Verification {
    check(of_tls(scheme), signer, message, signature)
}

fn check(by: (Scheme, Option<Digest>), signer: &Certificate, message: &[u8], signature: &[u8]) -> Verification {
    match choose(by.0, by.1, &signer.key) {
        Choice::Check(algorithm) => {
            match UnparsedPublicKey::new(algorithm, signer.key_bytes()).verify(message, signature) {
                Ok(()) => Verification::Yes,
                Err(_) => Verification::No,
            }
        }
        Choice::WrongKind => Verification::No,
        Choice::Unsupported => Verification::Unsupported,
    }
}

fn of_tls(scheme: SignatureScheme) -> (Scheme, Option<Digest>) {
    let pss = Scheme::RsaPss { usual: true };
    match scheme.0 {
        0x0201 => (Scheme::RsaPkcs1, Some(Digest::Sha1)),
        0x0401 => (Scheme::RsaPkcs1, Some(Digest::Sha256)),
        0x0501 => (Scheme::RsaPkcs1, Some(Digest::Sha384)),
        0x0601 => (Scheme::RsaPkcs1, Some(Digest::Sha512)),
        0x0403 => (Scheme::Ecdsa, Some(Digest::Sha256)),
        0x0503 => (Scheme::Ecdsa, Some(Digest::Sha384)),
        0x0804 | 0x0809 => (pss, Some(Digest::Sha256)),
        0x0805 | 0x080a => (pss, Some(Digest::Sha384)),
        0x0806 | 0x080b => (pss, Some(Digest::Sha512)),
        0x0807 => (Scheme::Ed25519, None),
        _ => (Scheme::Other, None),
    }
}

/// How to check.
enum Choice {
    Check(&'static dyn VerificationAlgorithm),
    /// A key of this kind cannot have made such a signature.
    WrongKind,
    Unsupported,
}

fn choose(scheme: Scheme, digest: Option<Digest>, key: &Key) -> Choice {
    use Digest::{Sha1, Sha256, Sha384, Sha512};
    let digest = digest.unwrap_or(Digest::Md2);
    match (scheme, key) {
        (Scheme::RsaPkcs1, &Key::Rsa { bits, pss_only: false }) => match (digest, bits) {
            (Sha1, 1024..=8192) => Choice::Check(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            (Sha256, 1024..=8192) => Choice::Check(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            (Sha384, 2048..=8192) => Choice::Check(&RSA_PKCS1_2048_8192_SHA384),
            (Sha512, 1024..=8192) => Choice::Check(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            _ => Choice::Unsupported,
        },
        (Scheme::RsaPss { usual: true }, Key::Rsa { bits: 2048..=8192, .. }) => match digest {
            Sha256 => Choice::Check(&RSA_PSS_2048_8192_SHA256),
            Sha384 => Choice::Check(&RSA_PSS_2048_8192_SHA384),
            Sha512 => Choice::Check(&RSA_PSS_2048_8192_SHA512),
            _ => Choice::Unsupported,
        },
        (Scheme::Ecdsa, Key::Ec(curve)) => match (curve, digest) {
            (Curve::P256, Sha256) => Choice::Check(&ECDSA_P256_SHA256_ASN1),
            (Curve::P256, Sha384) => Choice::Check(&ECDSA_P256_SHA384_ASN1),
            (Curve::P384, Sha256) => Choice::Check(&ECDSA_P384_SHA256_ASN1),
            (Curve::P384, Sha384) => Choice::Check(&ECDSA_P384_SHA384_ASN1),
            _ => Choice::Unsupported,
        },
        (Scheme::Ed25519, Key::Ed25519) => Choice::Check(&ED25519),
        (Scheme::RsaPkcs1 | Scheme::RsaPss { .. }, Key::Rsa { .. })
        | (Scheme::Ed448, Key::Ed448)
        | (Scheme::Dsa, Key::Dsa { .. })
        | (Scheme::MlDsa(_), Key::MlDsa(_))
        | (Scheme::Sm2, Key::Ec(_))
        | (Scheme::Other, _)
        | (_, Key::Other(_)) => Choice::Unsupported,
        _ => Choice::WrongKind,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Leaf, odd};
    use super::*;

    fn own(name: &str) -> Verification {
        let certificate = odd(name);
        verifies(&certificate, &certificate)
    }

    #[test]
    fn self_signatures_of_every_supported_kind_verify() {
        for name in [
            "rsa-1024-sha256",
            "rsa-sha1",
            "rsa-pss",
            "p384-sha256",
            "ed25519",
            "version-1",
            "every-extension",
        ] {
            assert_eq!(own(name), Verification::Yes, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_not_called_wrong() {
        for name in ["rsa-md5", "rsa-512", "p521", "explicit-curve", "ed448"] {
            assert_eq!(own(name), Verification::Unsupported, "{name}");
        }
    }

    #[test]
    fn every_root_of_mozilla_signed_itself() {
        for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            let root = Certificate::parse(der).unwrap();
            let expected = match root.key {
                Key::Ec(Curve::P521) => Verification::Unsupported,
                _ => Verification::Yes,
            };
            assert_eq!(verifies(&root, &root), expected, "{}", root.display_name());
        }
    }

    #[test]
    fn another_key_of_the_same_name_did_not_sign() {
        let (one, other) = (Authority::root("Root"), Authority::root("Root"));
        let leaf = Certificate::parse(&Leaf::named("a.example").signed_by(&one)).unwrap();
        assert_eq!(verifies(&leaf, &one.certificate()), Verification::Yes);
        assert_eq!(verifies(&leaf, &other.certificate()), Verification::No);
        assert_eq!(verifies(&leaf, &odd("rsa-sha1")), Verification::No);
    }

    #[test]
    fn a_message_of_tls_is_signed_by_the_key_and_over_its_bytes() {
        let (own, other) = (Authority::root("One"), Authority::root("Other").certificate());
        let (signature, own) = (own.sign(b"transcript"), own.certificate());
        let ecdsa = SignatureScheme(0x0403);
        let made = |signer, scheme, message: &[u8]| made_by_key(signer, scheme, message, &signature);
        assert_eq!(made(&own, ecdsa, b"transcript"), Verification::Yes);
        assert_eq!(made(&own, ecdsa, b"transcripT"), Verification::No);
        assert_eq!(made(&other, ecdsa, b"transcript"), Verification::No);
        assert_eq!(made(&own, SignatureScheme(0x0804), b"transcript"), Verification::No);
        assert_eq!(
            made(&own, SignatureScheme(0x0708), b"transcript"),
            Verification::Unsupported
        );
    }

    #[test]
    fn a_changed_byte_breaks_the_signature() {
        let mut der = odd("version-1").der.to_vec();
        let place = der.windows(9).position(|bytes| bytes == b"version-1").unwrap();
        der[place] = b'V';
        let changed = Certificate::parse(&der).unwrap();
        assert_eq!(verifies(&changed, &changed), Verification::No);
    }
}
