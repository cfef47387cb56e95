//! Did this key make that signature?
//!
//! One table for certificates, OCSP responses, CRLs and the messages of TLS: RSA of 512 to 16384 bits with MD5 and above, RSASSA-PSS with
//! SHA-1 and above and any salt, ECDSA on P-256, P-384 and P-521 with SHA-1 and above, Ed25519. That MD5 is broken is for others to say;
//! whether the signature fits can be told. ring does what it knows, fast; RustCrypto does the rest. What neither does (DSA, Ed448, ML-DSA,
//! other curves, national standards, keys of absurd size) is [`Verification::Unsupported`]: never taken for a signature that is wrong.

mod ecdsa;
mod hash;
mod rsa;

use ring::signature::{ED25519, UnparsedPublicKey};

use super::Certificate;
use super::key::{Key, Method, Scheme};

/// What a check of a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verification {
    /// The key made it.
    Yes,
    /// The key did not make it.
    No,
    /// The algorithm or the key is one that cannot be checked here.
    Unsupported,
}

impl Verification {
    const fn of(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }
}

/// Whether `child` bears a signature of `issuer`'s key. Names are not looked at.
pub(crate) fn verifies(child: &Certificate, issuer: &Certificate) -> Verification {
    verify_with_key(
        issuer,
        child.signature_algorithm.method,
        child.signed_bytes(),
        child.signature(),
    )
}

/// Whether the key that `signer` certifies made `signature` of `message` by `method`.
///
/// For the messages of TLS the method is [`Method::of_tls`] or [`Method::before_tls12`], and the message what is signed there
/// (RFC 5246 §7.4.3, §7.4.8).
pub(crate) fn verify_with_key(signer: &Certificate, method: Method, message: &[u8], signature: &[u8]) -> Verification {
    let key = signer.key_bytes();
    match (method.scheme, &signer.key) {
        (Scheme::RsaPkcs1 | Scheme::RsaMd5Sha1, Key::Rsa { pss_only: true, .. }) => Verification::No,
        (Scheme::RsaPkcs1, Key::Rsa { .. }) => rsa::pkcs1(key, method.digest, message, signature),
        (Scheme::RsaMd5Sha1, Key::Rsa { .. }) => rsa::md5_and_sha1(key, message, signature),
        (Scheme::RsaPss { salt: Some(salt) }, Key::Rsa { .. }) => {
            rsa::pss(key, method.digest, salt, message, signature)
        }
        (Scheme::Ecdsa, Key::Ec(curve)) => ecdsa::verify(curve, key, method.digest, message, signature),
        (Scheme::Ed25519, Key::Ed25519) => {
            Verification::of(UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
        }
        (Scheme::RsaPss { salt: None }, Key::Rsa { .. })
        | (Scheme::Ed448, Key::Ed448)
        | (Scheme::Dsa, Key::Dsa { .. })
        | (Scheme::MlDsa(_), Key::MlDsa(_))
        | (Scheme::Sm2, Key::Ec(_))
        | (Scheme::Other, _)
        | (_, Key::Other(_)) => Verification::Unsupported,
        // A key of another kind cannot have made such a signature.
        _ => Verification::No,
    }
}

#[cfg(test)]
mod tests;
