//! Signature schemes (IANA "TLS SignatureScheme").

use std::fmt;

use super::{Row, code_point, print, row};

code_point! {
    /// A signature scheme of TLS 1.3, or a pair (hash, signature) of TLS 1.2, which share their numbers (RFC 9846 §4.3.3).
    SignatureScheme, SCHEMES
}

impl SignatureScheme {
    /// Hash and signature of a TLS 1.2 pair that TLS 1.3 gave no name (RFC 5246 §7.4.1.4.1).
    const fn pair(self) -> Option<(&'static str, &'static str)> {
        let hash = match self.0 >> 8 {
            1 => "md5",
            2 => "sha1",
            3 => "sha224",
            4 => "sha256",
            5 => "sha384",
            6 => "sha512",
            _ => return None,
        };
        let signature = match self.0 & 0xff {
            1 => "rsa",
            2 => "dsa",
            3 => "ecdsa",
            _ => return None,
        };
        Some((hash, signature))
    }
}

/// The registered name, else `dsa+sha1` for pairs of TLS 1.2, else the number.
impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.pair()) {
            (None, Some((hash, signature))) => write!(f, "{signature}+{hash}"),
            (name, _) => print(f, self.0, name),
        }
    }
}

const SCHEMES: &[Row<u16>] = &[
    row(0x0201, "rsa_pkcs1_sha1", "RFC 9846 §4.3.3"),
    row(0x0203, "ecdsa_sha1", "RFC 9846 §4.3.3"),
    row(0x0401, "rsa_pkcs1_sha256", "RFC 9846 §4.3.3"),
    row(0x0403, "ecdsa_secp256r1_sha256", "RFC 9846 §4.3.3"),
    row(0x0420, "rsa_pkcs1_sha256_legacy", "RFC 9963"),
    row(0x0501, "rsa_pkcs1_sha384", "RFC 9846 §4.3.3"),
    row(0x0503, "ecdsa_secp384r1_sha384", "RFC 9846 §4.3.3"),
    row(0x0520, "rsa_pkcs1_sha384_legacy", "RFC 9963"),
    row(0x0601, "rsa_pkcs1_sha512", "RFC 9846 §4.3.3"),
    row(0x0603, "ecdsa_secp521r1_sha512", "RFC 9846 §4.3.3"),
    row(0x0620, "rsa_pkcs1_sha512_legacy", "RFC 9963"),
    row(0x0704, "eccsi_sha256", "draft-wang-tls-raw-public-key-with-ibc"),
    row(0x0705, "iso_ibs1", "draft-wang-tls-raw-public-key-with-ibc"),
    row(0x0706, "iso_ibs2", "draft-wang-tls-raw-public-key-with-ibc"),
    row(0x0707, "iso_chinese_ibs", "draft-wang-tls-raw-public-key-with-ibc"),
    row(0x0708, "sm2sig_sm3", "RFC 8998 §3.2.1"),
    row(0x0709, "gostr34102012_256a", "RFC 9367 §5"),
    row(0x070a, "gostr34102012_256b", "RFC 9367 §5"),
    row(0x070b, "gostr34102012_256c", "RFC 9367 §5"),
    row(0x070c, "gostr34102012_256d", "RFC 9367 §5"),
    row(0x070d, "gostr34102012_512a", "RFC 9367 §5"),
    row(0x070e, "gostr34102012_512b", "RFC 9367 §5"),
    row(0x070f, "gostr34102012_512c", "RFC 9367 §5"),
    row(0x0804, "rsa_pss_rsae_sha256", "RFC 9846 §4.3.3"),
    row(0x0805, "rsa_pss_rsae_sha384", "RFC 9846 §4.3.3"),
    row(0x0806, "rsa_pss_rsae_sha512", "RFC 9846 §4.3.3"),
    row(0x0807, "ed25519", "RFC 9846 §4.3.3"),
    row(0x0808, "ed448", "RFC 9846 §4.3.3"),
    row(0x0809, "rsa_pss_pss_sha256", "RFC 9846 §4.3.3"),
    row(0x080a, "rsa_pss_pss_sha384", "RFC 9846 §4.3.3"),
    row(0x080b, "rsa_pss_pss_sha512", "RFC 9846 §4.3.3"),
    row(0x081a, "ecdsa_brainpoolP256r1tls13_sha256", "RFC 8734 §3"),
    row(0x081b, "ecdsa_brainpoolP384r1tls13_sha384", "RFC 8734 §3"),
    row(0x081c, "ecdsa_brainpoolP512r1tls13_sha512", "RFC 8734 §3"),
    row(0x0904, "mldsa44", "draft-ietf-tls-mldsa"),
    row(0x0905, "mldsa65", "draft-ietf-tls-mldsa"),
    row(0x0906, "mldsa87", "draft-ietf-tls-mldsa"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_sound(SCHEMES);
    }

    #[test]
    fn pairs_without_a_name_are_spelled_out() {
        assert_eq!(SignatureScheme(0x0303).to_string(), "ecdsa+sha224");
        assert_eq!(SignatureScheme(0x0401).to_string(), "rsa_pkcs1_sha256");
    }
}
