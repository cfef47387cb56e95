//! RSA (RFC 8017): what ring does from 1024 to 8192 bits by ring, the rest by RustCrypto.

use ::rsa::traits::SignatureScheme;
use ::rsa::{BoxedUint, Pkcs1v15Sign, Pss, PublicKey};
use md5::Md5;
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::{Verification, hash};
use crate::x509::der::{INTEGER, Reader, SEQUENCE};
use crate::x509::key::{Digest, length_in_bits};

/// Bits of the shortest and the longest modulus; OpenSSL's longest is the same.
const MODULUS: std::ops::RangeInclusive<u32> = 512..=16_384;
/// Bits of the longest exponent, as in ring and RustCrypto: work grows with it, and nobody has reason for more than 17.
const EXPONENT: u32 = 33;

/// A key whose numbers are within bounds, so that a check of it costs no more than one of 16384 bits does.
struct Numbers<'a> {
    /// Big-endian, without leading zeros, as the exponent is.
    modulus: &'a [u8],
    exponent: &'a [u8],
    bits: u32,
}

impl<'a> Numbers<'a> {
    /// Reads an RSAPublicKey (RFC 8017 §A.1.1); `None` where it is none, or of a size or kind that nobody uses.
    fn read(key: &'a [u8]) -> Option<Self> {
        let mut numbers = Reader::new(key).expect(SEQUENCE, "RSAPublicKey").ok()?.inside();
        let mut next = |what| {
            let body = numbers.expect(INTEGER, what).ok()?.body;
            let zeros = body.iter().take_while(|&&byte| byte == 0).count();
            body.get(zeros..)
        };
        let (modulus, exponent) = (next("modulus")?, next("publicExponent")?);
        let bits = length_in_bits(modulus);
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let fits = MODULUS.contains(&bits)
            && (2..=EXPONENT).contains(&length_in_bits(exponent))
            && is_odd(modulus)
            && is_odd(exponent);
        fits.then_some(Self {
            modulus,
            exponent,
            bits,
        })
    }

    fn by_ring(&self, parameters: &RsaParameters, message: &[u8], signature: &[u8]) -> Verification {
        let key = RsaPublicKeyComponents {
            n: self.modulus,
            e: self.exponent,
        };
        Verification::of(key.verify(parameters, message, signature).is_ok())
    }

    fn by_rust_crypto(&self, padding: impl SignatureScheme, hash: &[u8], signature: &[u8]) -> Verification {
        let number = BoxedUint::from_be_slice_vartime;
        let size = usize::try_from(self.bits).unwrap_or_default();
        let key = PublicKey::new_with_size_limits(number(self.modulus), number(self.exponent), size..=size);
        key.map_or(Verification::Unsupported, |key| {
            Verification::of(key.verify(padding, hash, signature).is_ok())
        })
    }
}

/// RSASSA-PKCS1-v1_5.
pub(super) fn pkcs1(key: &[u8], digest: Option<Digest>, message: &[u8], signature: &[u8]) -> Verification {
    let (Some(numbers), Some(digest)) = (Numbers::read(key), digest) else {
        return Verification::Unsupported;
    };
    let fast = match (digest, numbers.bits) {
        (Digest::Sha1, 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        (Digest::Sha256, 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        (Digest::Sha384, 2048..=8192) => Some(&RSA_PKCS1_2048_8192_SHA384),
        (Digest::Sha512, 1024..=8192) => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        _ => None,
    };
    if let Some(parameters) = fast {
        return numbers.by_ring(parameters, message, signature);
    }
    let padding = match digest {
        Digest::Md5 => Pkcs1v15Sign::new::<Md5>(),
        Digest::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
        Digest::Sha224 => Pkcs1v15Sign::new::<Sha224>(),
        Digest::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Digest::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Digest::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        Digest::Md2 | Digest::Sm3 => return Verification::Unsupported,
    };
    hash::hash(digest, message).map_or(Verification::Unsupported, |hash| {
        numbers.by_rust_crypto(padding, &hash, signature)
    })
}

/// Both hashes without the name of either, as TLS 1.0 and 1.1 sign (RFC 4346 §7.4.3).
pub(super) fn md5_and_sha1(key: &[u8], message: &[u8], signature: &[u8]) -> Verification {
    let parts = [Digest::Md5, Digest::Sha1].map(|digest| hash::hash(digest, message).unwrap_or_default());
    Numbers::read(key).map_or(Verification::Unsupported, |numbers| {
        numbers.by_rust_crypto(Pkcs1v15Sign::new_unprefixed(), &parts.concat(), signature)
    })
}

/// RSASSA-PSS with `salt` bytes of salt, the mask made with the same hash.
pub(super) fn pss(key: &[u8], digest: Option<Digest>, salt: u32, message: &[u8], signature: &[u8]) -> Verification {
    let (Some(numbers), Some(digest)) = (Numbers::read(key), digest) else {
        return Verification::Unsupported;
    };
    let fast = match (digest, salt, numbers.bits) {
        (Digest::Sha256, 32, 2048..=8192) => Some(&RSA_PSS_2048_8192_SHA256),
        (Digest::Sha384, 48, 2048..=8192) => Some(&RSA_PSS_2048_8192_SHA384),
        (Digest::Sha512, 64, 2048..=8192) => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    if let Some(parameters) = fast {
        return numbers.by_ring(parameters, message, signature);
    }
    let Some(hash) = hash::hash(digest, message) else {
        return Verification::Unsupported;
    };
    // A salt longer than the longest modulus fits into none.
    let salt = usize::try_from(salt).unwrap_or(usize::MAX).min(2048);
    match digest {
        Digest::Sha1 => numbers.by_rust_crypto(Pss::<Sha1>::new_with_salt(salt), &hash, signature),
        Digest::Sha224 => numbers.by_rust_crypto(Pss::<Sha224>::new_with_salt(salt), &hash, signature),
        Digest::Sha256 => numbers.by_rust_crypto(Pss::<Sha256>::new_with_salt(salt), &hash, signature),
        Digest::Sha384 => numbers.by_rust_crypto(Pss::<Sha384>::new_with_salt(salt), &hash, signature),
        Digest::Sha512 => numbers.by_rust_crypto(Pss::<Sha512>::new_with_salt(salt), &hash, signature),
        Digest::Md2 | Digest::Md5 | Digest::Sm3 => Verification::Unsupported,
    }
}
