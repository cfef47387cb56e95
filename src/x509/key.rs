//! Public keys and signature algorithms, by the identifiers that name them in a certificate.

use std::fmt;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::der::{INTEGER, Reader};
use crate::registry::SignatureScheme;

/// An elliptic curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
    /// A curve that has a name, but is rarely supported.
    Named(&'static str),
    /// A curve known only by its identifier.
    Other(String),
    /// Parameters written out instead of a name, which RFC 5480 §2.1.1 forbids.
    Explicit,
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Named(name) => f.write_str(name),
            Self::Other(oid) => write!(f, "curve {oid}"),
            Self::Explicit => f.write_str("with explicit parameters"),
        }
    }
}

/// A public key's kind and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// RSA.
    Rsa {
        /// Length of the modulus.
        bits: u32,
        /// True where the key is bound to RSASSA-PSS (RFC 4055 §1.2).
        pss_only: bool,
    },
    /// An elliptic curve key, for ECDSA or ECDH.
    Ec(Curve),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// DSA.
    Dsa {
        /// Length of the prime; 0 where the parameters are left to the issuer's.
        bits: u32,
    },
    /// ML-DSA (RFC 9881): 44, 65 or 87.
    MlDsa(u8),
    /// Known only by its identifier.
    Other(String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits, pss_only: false } => write!(f, "RSA {bits}"),
            Self::Rsa { bits, pss_only: true } => write!(f, "RSA-PSS {bits}"),
            Self::Ec(curve) => write!(f, "EC {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::Dsa { bits } => write!(f, "DSA {bits}"),
            Self::MlDsa(set) => write!(f, "ML-DSA-{set}"),
            Self::Other(oid) => write!(f, "key of type {oid}"),
        }
    }
}

impl Key {
    /// What a check of its signature costs, in checks of usual keys: on one machine 60 µs on P-256, 2 ms on P-521, 24 ms with 16384 bits
    /// of RSA.
    pub(super) const fn cost(&self) -> u32 {
        match self {
            Self::Rsa { bits: 8193.., .. } => 12,
            _ => 1,
        }
    }

    /// From a SubjectPublicKeyInfo.
    pub(super) fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let oid = info.algorithm.algorithm.to_id_string();
        let bits = &info.subject_public_key.data;
        match oid.as_str() {
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => {
                let modulus = RSAPublicKey::from_der(bits).map_or(&[][..], |(_, key)| key.modulus);
                Self::Rsa {
                    bits: length_in_bits(modulus),
                    pss_only: oid.ends_with(".10"),
                }
            }
            "1.2.840.10045.2.1" => Self::Ec(curve(info.algorithm.parameters.as_ref())),
            "1.2.840.10040.4.1" => Self::Dsa {
                bits: info.algorithm.parameters.as_ref().map_or(0, |parameters| {
                    let prime = Reader::new(parameters.data).expect(INTEGER, "p");
                    prime.map_or(0, |prime| length_in_bits(prime.body))
                }),
            },
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            "2.16.840.1.101.3.4.3.17" => Self::MlDsa(44),
            "2.16.840.1.101.3.4.3.18" => Self::MlDsa(65),
            "2.16.840.1.101.3.4.3.19" => Self::MlDsa(87),
            _ => Self::Other(oid),
        }
    }
}

/// The length of a big-endian number without its leading zeros.
pub(super) fn length_in_bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let Some((first, rest)) = number.get(zeros..).and_then(<[u8]>::split_first) else {
        return 0;
    };
    u32::try_from(rest.len())
        .unwrap_or(0)
        .saturating_mul(8)
        .saturating_add(8 - first.leading_zeros())
}

fn curve(parameters: Option<&Any<'_>>) -> Curve {
    let named = parameters
        .filter(|any| any.tag() == Tag::Oid)
        .and_then(|any| any.as_oid().ok());
    let Some(oid) = named else { return Curve::Explicit };
    match oid.to_id_string().as_str() {
        "1.2.840.10045.3.1.7" => Curve::P256,
        "1.3.132.0.34" => Curve::P384,
        "1.3.132.0.35" => Curve::P521,
        "1.2.840.10045.3.1.1" => Curve::Named("P-192"),
        "1.3.132.0.33" => Curve::Named("P-224"),
        "1.3.132.0.10" => Curve::Named("secp256k1"),
        "1.3.36.3.3.2.8.1.1.7" => Curve::Named("brainpoolP256r1"),
        "1.3.36.3.3.2.8.1.1.11" => Curve::Named("brainpoolP384r1"),
        "1.3.36.3.3.2.8.1.1.13" => Curve::Named("brainpoolP512r1"),
        "1.2.156.10197.1.301" => Curve::Named("SM2"),
        other => Curve::Other(other.to_owned()),
    }
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Digest {
    /// MD2, broken.
    Md2,
    /// MD5, broken.
    Md5,
    /// SHA-1, refused by clients since 2017.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SM3, the Chinese standard.
    Sm3,
}

impl Digest {
    /// The usual name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Md2 => "MD2",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sm3 => "SM3",
        }
    }
}

/// The family of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    RsaPkcs1,
    /// MD5 and SHA-1 one after the other, without a name for either (RFC 2246 §7.4.3).
    RsaMd5Sha1,
    /// Bytes of salt; `None` where the mask is made with another hash than the message's, or the parameters cannot be read.
    RsaPss {
        salt: Option<u32>,
    },
    Ecdsa,
    Ed25519,
    Ed448,
    Dsa,
    MlDsa(u8),
    Sm2,
    Other,
}

/// How a signature is made: everything a verifier has to know beside the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(super) scheme: Scheme,
    /// The hash, where it is a part of the choice.
    pub(crate) digest: Option<Digest>,
}

impl Method {
    const fn new(scheme: Scheme, digest: Option<Digest>) -> Self {
        Self { scheme, digest }
    }

    /// What a SignatureScheme of TLS 1.2 and 1.3 stands for (RFC 5246 §7.4.1.4.1, RFC 9846 §4.3.3). That TLS 1.3 binds a curve to each
    /// scheme of ECDSA is not asked.
    pub(crate) fn of_tls(scheme: SignatureScheme) -> Self {
        use Digest::{Md5, Sha1, Sha224, Sha256, Sha384, Sha512, Sm3};
        let pss = |digest, salt| Self::new(Scheme::RsaPss { salt: Some(salt) }, Some(digest));
        match scheme.0 {
            0x0708 => Self::new(Scheme::Sm2, Some(Sm3)),
            0x0804 | 0x0809 => pss(Sha256, 32),
            0x0805 | 0x080a => pss(Sha384, 48),
            0x0806 | 0x080b => pss(Sha512, 64),
            0x0807 => Self::new(Scheme::Ed25519, None),
            0x0808 => Self::new(Scheme::Ed448, None),
            0x081a => Self::new(Scheme::Ecdsa, Some(Sha256)),
            0x081b => Self::new(Scheme::Ecdsa, Some(Sha384)),
            0x081c => Self::new(Scheme::Ecdsa, Some(Sha512)),
            0x0904 => Self::new(Scheme::MlDsa(44), None),
            0x0905 => Self::new(Scheme::MlDsa(65), None),
            0x0906 => Self::new(Scheme::MlDsa(87), None),
            pair => {
                let digest = match pair >> 8 {
                    1 => Md5,
                    2 => Sha1,
                    3 => Sha224,
                    4 => Sha256,
                    5 => Sha384,
                    6 => Sha512,
                    _ => return Self::new(Scheme::Other, None),
                };
                match pair & 0xff {
                    // 0x20: PKCS #1 v1.5 of client certificates in TLS 1.3 (RFC 9963).
                    0x01 | 0x20 => Self::new(Scheme::RsaPkcs1, Some(digest)),
                    0x02 => Self::new(Scheme::Dsa, Some(digest)),
                    0x03 => Self::new(Scheme::Ecdsa, Some(digest)),
                    _ => Self::new(Scheme::Other, None),
                }
            }
        }
    }

    /// What a key signs with before TLS 1.2, where nobody chooses (RFC 4346 §7.4.3, RFC 8422 §5.4).
    pub(crate) const fn before_tls12(key: &Key) -> Self {
        match key {
            Key::Rsa { .. } => Self::new(Scheme::RsaMd5Sha1, None),
            Key::Ec(_) => Self::new(Scheme::Ecdsa, Some(Digest::Sha1)),
            Key::Dsa { .. } => Self::new(Scheme::Dsa, Some(Digest::Sha1)),
            _ => Self::new(Scheme::Other, None),
        }
    }

    /// From the identifier of a signature's algorithm, dotted, and its parameters.
    fn of_identifier(oid: &str, parameters: Option<&Any<'_>>) -> Self {
        use Digest::{Md2, Md5, Sha1, Sha224, Sha256, Sha384, Sha512, Sm3};
        let (scheme, digest) = match oid {
            "1.2.840.113549.1.1.2" => (Scheme::RsaPkcs1, Some(Md2)),
            "1.2.840.113549.1.1.4" => (Scheme::RsaPkcs1, Some(Md5)),
            "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => (Scheme::RsaPkcs1, Some(Sha1)),
            "1.2.840.113549.1.1.14" => (Scheme::RsaPkcs1, Some(Sha224)),
            "1.2.840.113549.1.1.11" => (Scheme::RsaPkcs1, Some(Sha256)),
            "1.2.840.113549.1.1.12" => (Scheme::RsaPkcs1, Some(Sha384)),
            "1.2.840.113549.1.1.13" => (Scheme::RsaPkcs1, Some(Sha512)),
            "1.2.840.113549.1.1.10" => pss(parameters),
            "1.2.840.10045.4.1" => (Scheme::Ecdsa, Some(Sha1)),
            "1.2.840.10045.4.3.1" => (Scheme::Ecdsa, Some(Sha224)),
            "1.2.840.10045.4.3.2" => (Scheme::Ecdsa, Some(Sha256)),
            "1.2.840.10045.4.3.3" => (Scheme::Ecdsa, Some(Sha384)),
            "1.2.840.10045.4.3.4" => (Scheme::Ecdsa, Some(Sha512)),
            "1.2.840.10040.4.3" => (Scheme::Dsa, Some(Sha1)),
            "2.16.840.1.101.3.4.3.1" => (Scheme::Dsa, Some(Sha224)),
            "2.16.840.1.101.3.4.3.2" => (Scheme::Dsa, Some(Sha256)),
            "2.16.840.1.101.3.4.3.3" => (Scheme::Dsa, Some(Sha384)),
            "2.16.840.1.101.3.4.3.4" => (Scheme::Dsa, Some(Sha512)),
            "1.3.101.112" => (Scheme::Ed25519, None),
            "1.3.101.113" => (Scheme::Ed448, None),
            "2.16.840.1.101.3.4.3.17" => (Scheme::MlDsa(44), None),
            "2.16.840.1.101.3.4.3.18" => (Scheme::MlDsa(65), None),
            "2.16.840.1.101.3.4.3.19" => (Scheme::MlDsa(87), None),
            "1.2.156.10197.1.501" => (Scheme::Sm2, Some(Sm3)),
            _ => (Scheme::Other, None),
        };
        Self { scheme, digest }
    }
}

/// The algorithm of a signature that says it itself: of a certificate, an OCSP response, a CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm {
    /// What the identifier stands for.
    pub(crate) method: Method,
    /// The identifier, dotted.
    pub(crate) oid: String,
}

impl SignatureAlgorithm {
    /// From an AlgorithmIdentifier.
    pub(super) fn of(identifier: &AlgorithmIdentifier<'_>) -> Self {
        let oid = identifier.algorithm.to_id_string();
        Self {
            method: Method::of_identifier(&oid, identifier.parameters.as_ref()),
            oid,
        }
    }

    /// From an AlgorithmIdentifier in DER.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        AlgorithmIdentifier::from_der(der)
            .ok()
            .map(|(_, identifier)| Self::of(&identifier))
    }
}

/// Reads the parameters of RSASSA-PSS (RFC 4055 §3.1); fields that are left out mean SHA-1 with a salt of 20 bytes.
fn pss(parameters: Option<&Any<'_>>) -> (Scheme, Option<Digest>) {
    let Some(parameters) = parameters.and_then(|any| RsaSsaPssParams::try_from(any).ok()) else {
        return (Scheme::RsaPss { salt: None }, None);
    };
    let hash = parameters.hash_algorithm_oid().to_id_string();
    let digest = match hash.as_str() {
        "1.3.14.3.2.26" => Some(Digest::Sha1),
        "2.16.840.1.101.3.4.2.4" => Some(Digest::Sha224),
        "2.16.840.1.101.3.4.2.1" => Some(Digest::Sha256),
        "2.16.840.1.101.3.4.2.2" => Some(Digest::Sha384),
        "2.16.840.1.101.3.4.2.3" => Some(Digest::Sha512),
        _ => None,
    };
    let mask_fits = parameters
        .mask_gen_algorithm()
        .is_ok_and(|mask| mask.hash.to_id_string() == hash);
    let salt = (mask_fits && parameters.trailer_field() == 1).then(|| parameters.salt_length());
    (Scheme::RsaPss { salt }, digest)
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method.scheme {
            Scheme::Other => write!(f, "algorithm {}", self.oid),
            _ => self.method.fmt(f),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.scheme {
            Scheme::RsaPkcs1 => "RSA",
            Scheme::RsaMd5Sha1 => "RSA with MD5 and SHA-1",
            Scheme::RsaPss { .. } => "RSA-PSS",
            Scheme::Ecdsa => "ECDSA",
            Scheme::Ed25519 => "Ed25519",
            Scheme::Ed448 => "Ed448",
            Scheme::Dsa => "DSA",
            Scheme::MlDsa(set) => return write!(f, "ML-DSA-{set}"),
            Scheme::Sm2 => "SM2",
            Scheme::Other => "an unknown algorithm",
        };
        match self.digest {
            Some(digest) => write!(f, "{family} with {}", digest.as_str()),
            None => f.write_str(family),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::odd;
    use super::*;

    #[test]
    fn the_length_of_a_modulus_counts_from_its_first_set_bit() {
        assert_eq!(length_in_bits(&[0, 0x80, 0]), 16);
        assert_eq!(length_in_bits(&[0x7f, 0xff]), 15);
        assert_eq!(length_in_bits(&[0, 0]), 0);
    }

    #[test]
    fn keys_and_signatures_print_as_people_say_them() {
        let said = |name: &str| {
            let certificate = odd(name);
            (certificate.key.to_string(), certificate.signature_algorithm.to_string())
        };
        assert_eq!(said("rsa-1024-sha256"), ("RSA 1024".into(), "RSA with SHA-256".into()));
        assert_eq!(said("rsa-md5"), ("RSA 1024".into(), "RSA with MD5".into()));
        assert_eq!(said("rsa-pss"), ("RSA 2048".into(), "RSA-PSS with SHA-256".into()));
        assert_eq!(said("p521"), ("EC P-521".into(), "ECDSA with SHA-512".into()));
        assert_eq!(said("ed448"), ("Ed448".into(), "Ed448".into()));
        assert_eq!(said("explicit-curve").0, "EC with explicit parameters");
    }

    #[test]
    fn schemes_of_tls_and_identifiers_of_certificates_name_the_same_methods() {
        let said = |scheme| Method::of_tls(SignatureScheme(scheme)).to_string();
        assert_eq!(
            Method::of_tls(SignatureScheme(0x0804)),
            odd("rsa-pss").signature_algorithm.method
        );
        assert_eq!(
            Method::of_tls(SignatureScheme(0x0603)),
            odd("p521").signature_algorithm.method
        );
        assert_eq!(
            [0x0101, 0x0420, 0x0202, 0x0905, 0x0708, 0x081a, 0x0a0a].map(said),
            [
                "RSA with MD5",
                "RSA with SHA-256",
                "DSA with SHA-1",
                "ML-DSA-65",
                "SM2 with SM3",
                "ECDSA with SHA-256",
                "an unknown algorithm"
            ]
        );
    }
}
