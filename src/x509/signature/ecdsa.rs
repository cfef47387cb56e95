//! ECDSA (FIPS 186-5 §6): P-256 and P-384 with the hashes of their size by ring, the other pairs and P-521 by RustCrypto.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::{Verification, hash};
use crate::x509::key::{Curve, Digest};

/// The first byte of a point of which both coordinates are written (SEC 1 §2.3.3); ring reads no other.
const UNCOMPRESSED: u8 = 4;

/// Whether the point `key` made `signature`, a sequence of two numbers in DER.
pub(super) fn verify(
    curve: &Curve,
    key: &[u8],
    digest: Option<Digest>,
    message: &[u8],
    signature: &[u8],
) -> Verification {
    let Some(digest) = digest else {
        return Verification::Unsupported;
    };
    if let Some(algorithm) = of_ring(curve, digest)
        && key.first() == Some(&UNCOMPRESSED)
    {
        return Verification::of(
            UnparsedPublicKey::new(algorithm, key)
                .verify(message, signature)
                .is_ok(),
        );
    }
    let Some(hash) = hash::hash(digest, message) else {
        return Verification::Unsupported;
    };
    macro_rules! on {
        ($curve:ident) => {{
            use $curve::ecdsa::{Signature, VerifyingKey};
            let fits = VerifyingKey::from_sec1_bytes(key)
                .and_then(|key| key.verify_prehash(&hash, &Signature::from_der(signature)?));
            Verification::of(fits.is_ok())
        }};
    }
    match curve {
        Curve::P256 => on!(p256),
        Curve::P384 => on!(p384),
        Curve::P521 => on!(p521),
        Curve::Named(_) | Curve::Other(_) | Curve::Explicit => Verification::Unsupported,
    }
}

fn of_ring(curve: &Curve, digest: Digest) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, digest) {
        (Curve::P256, Digest::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Digest::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (Curve::P384, Digest::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Digest::Sha384) => &ECDSA_P384_SHA384_ASN1,
        _ => return None,
    })
}
