//! Cipher suites: names, what they ask of the server's key, and how long their tags and hashes are.
//!
//! Names and columns come from tls-parser's table, which follows the IANA registry; a short list of our own adds what it lacks. The lengths
//! tell an alert from a Finished where both are encrypted (RFC 9846 §5.2).

use std::fmt;

use tls_parser::{TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::{Row, find, openssl, print, row};

/// A cipher suite's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CipherSuite(pub(crate) u16);

/// How the two sides agree on a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyExchange {
    /// The client encrypts the secret to the key in the server's certificate.
    Rsa,
    /// Ephemeral Diffie-Hellman over a finite field, signed.
    Dhe,
    /// Ephemeral Diffie-Hellman over a curve, signed.
    Ecdhe,
    /// A shared key alone.
    Psk,
    /// A shared key and Diffie-Hellman over a curve.
    EcdhePsk,
    /// A shared key and Diffie-Hellman over a finite field.
    DhePsk,
    /// Diffie-Hellman that nobody signs.
    Anon,
    /// TLS 1.3: chosen by extensions, not by the suite.
    Tls13,
    /// Something rarer (static Diffie-Hellman, RSA_PSK, Kerberos, SRP, GOST), or unknown.
    Other,
}

/// What the server must hold to use a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Authentication {
    /// An RSA key with its certificate.
    Rsa,
    /// An ECDSA or EdDSA key with its certificate.
    Ecdsa,
    /// A DSA key with its certificate.
    Dss,
    /// A shared key.
    Psk,
    /// Nothing.
    Anon,
    /// Any of these: TLS 1.3 suites do not say.
    Any,
    /// Something rarer, or unknown.
    Other,
}

impl CipherSuite {
    /// "The client can do secure renegotiation" (RFC 5746 §3.3).
    pub(crate) const EMPTY_RENEGOTIATION_INFO_SCSV: Self = Self(0x00ff);
    /// "This is a retry at a lower version" (RFC 7507 §3).
    pub(crate) const FALLBACK_SCSV: Self = Self(0x5600);

    fn known(self) -> Option<&'static TlsCipherSuite> {
        TlsCipherSuite::from_id(self.0)
    }

    /// The registered name.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self.known() {
            Some(suite) => Some(suite.name),
            None => find(ADDITIONS, self.0).map(|row| row.name),
        }
    }

    /// The name in OpenSSL's cipher strings; TLS 1.3 suites have the registered one.
    pub(crate) fn openssl_name(self) -> Option<&'static str> {
        find(openssl::NAMES, self.0).map(|row| row.name)
    }

    /// A suite that only TLS 1.3 can negotiate.
    pub(crate) fn is_tls13(self) -> bool {
        self.key_exchange() == KeyExchange::Tls13
    }

    /// Not a suite but a signal within the list (SCSV).
    pub(crate) const fn is_signalling(self) -> bool {
        matches!(self, Self::EMPTY_RENEGOTIATION_INFO_SCSV | Self::FALLBACK_SCSV)
    }

    /// True where the suite encrypts and authenticates in one step (RFC 5116): GCM, CCM, ChaCha20-Poly1305.
    pub(crate) fn is_aead(self) -> bool {
        self.real().is_some_and(is_aead)
    }

    /// How the secret is agreed on.
    pub(crate) fn key_exchange(self) -> KeyExchange {
        let Some(suite) = self.known() else {
            return KeyExchange::Other;
        };
        match (&suite.kx, &suite.au) {
            (TlsCipherKx::Tls13, _) => KeyExchange::Tls13,
            (TlsCipherKx::Null, _) => KeyExchange::Other,
            (_, TlsCipherAu::Null) => KeyExchange::Anon,
            // tls-parser has columns swapped where the registered name is PSK_DHE.
            (TlsCipherKx::Psk, TlsCipherAu::Dhe) | (TlsCipherKx::Dhe, TlsCipherAu::Psk) => KeyExchange::DhePsk,
            (TlsCipherKx::Ecdhe, TlsCipherAu::Psk) => KeyExchange::EcdhePsk,
            (TlsCipherKx::Psk, _) => KeyExchange::Psk,
            (TlsCipherKx::Rsa, TlsCipherAu::Rsa) => KeyExchange::Rsa,
            (TlsCipherKx::Dhe, _) => KeyExchange::Dhe,
            (TlsCipherKx::Ecdhe, _) => KeyExchange::Ecdhe,
            _ => KeyExchange::Other,
        }
    }

    /// What the server must hold. RSA_PSK suites need a shared key and an RSA certificate; they count as `Rsa`.
    pub(crate) fn authentication(self) -> Authentication {
        let Some(suite) = self.known() else {
            return Authentication::Other;
        };
        match (&suite.kx, &suite.au) {
            (TlsCipherKx::Null, _) => Authentication::Other,
            (TlsCipherKx::Tls13, _) => Authentication::Any,
            (_, TlsCipherAu::Null) => Authentication::Anon,
            (TlsCipherKx::Rsa, _) | (TlsCipherKx::Dhe | TlsCipherKx::Ecdhe, TlsCipherAu::Rsa) => Authentication::Rsa,
            (TlsCipherKx::Ecdhe, TlsCipherAu::Ecdsa) => Authentication::Ecdsa,
            (TlsCipherKx::Dhe, TlsCipherAu::Dss) => Authentication::Dss,
            (_, TlsCipherAu::Psk) | (TlsCipherKx::Psk, _) => Authentication::Psk,
            _ => Authentication::Other,
        }
    }

    /// Bytes of the hash that the handshake runs on: 32, 48 or 64. It is the length of Finished in TLS 1.3.
    pub(crate) fn hash_len(self) -> Option<u16> {
        Some(match self.real()?.prf {
            TlsPRF::Sha384 => 48,
            TlsPRF::Sha512 => 64,
            _ => 32,
        })
    }

    /// Bytes of authentication tag or MAC that a record carries.
    pub(crate) fn tag_len(self) -> Option<u16> {
        let suite = self.real()?;
        if is_aead(suite) {
            let is_short = matches!(suite.enc_mode, TlsCipherEncMode::Ccm) && suite.name.contains("_CCM_8");
            return Some(if is_short { 8 } else { 16 });
        }
        Some(match suite.mac {
            TlsCipherMac::Null => 0,
            TlsCipherMac::HmacMd5 => 16,
            TlsCipherMac::HmacSha1 => 20,
            TlsCipherMac::HmacSha256 => 32,
            TlsCipherMac::HmacSha384 => 48,
            TlsCipherMac::HmacSha512 => 64,
            TlsCipherMac::Aead => return None,
        })
    }

    /// Its row, where it is no signal.
    fn real(self) -> Option<&'static TlsCipherSuite> {
        self.known().filter(|_| !self.is_signalling())
    }
}

fn is_aead(suite: &TlsCipherSuite) -> bool {
    matches!(suite.enc, TlsCipherEnc::Chacha20_Poly1305 | TlsCipherEnc::Aegis)
        || matches!(suite.enc_mode, TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm)
}

impl From<u16> for CipherSuite {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, self.name())
    }
}

/// Registered suites that tls-parser's table lacks.
const ADDITIONS: &[Row<u16>] = &[
    row(0xc100, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC", "RFC 9189 §4"),
    row(0xc101, "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC", "RFC 9189 §4"),
    row(0xc102, "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT", "RFC 9189 §4"),
    row(0xc103, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L", "RFC 9367 §4"),
    row(0xc104, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_L", "RFC 9367 §4"),
    row(0xc105, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_S", "RFC 9367 §4"),
    row(0xc106, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S", "RFC 9367 §4"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn additions_are_sorted_and_not_in_the_other_table() {
        assert_sound(ADDITIONS);
        assert!(ADDITIONS.iter().all(|row| TlsCipherSuite::from_id(row.code).is_none()));
    }

    #[test]
    fn suites_tell_what_key_the_server_needs() {
        let properties = |code| (CipherSuite(code).key_exchange(), CipherSuite(code).authentication());
        assert_eq!(properties(0xc02f), (KeyExchange::Ecdhe, Authentication::Rsa));
        assert_eq!(properties(0xc02b), (KeyExchange::Ecdhe, Authentication::Ecdsa));
        assert_eq!(properties(0x009e), (KeyExchange::Dhe, Authentication::Rsa));
        assert_eq!(properties(0x0032), (KeyExchange::Dhe, Authentication::Dss));
        assert_eq!(properties(0x009c), (KeyExchange::Rsa, Authentication::Rsa));
        assert_eq!(properties(0x00a8), (KeyExchange::Psk, Authentication::Psk));
        assert_eq!(properties(0xc0aa), (KeyExchange::DhePsk, Authentication::Psk));
        assert_eq!(properties(0xccac), (KeyExchange::EcdhePsk, Authentication::Psk));
        assert_eq!(properties(0x00ac), (KeyExchange::Other, Authentication::Rsa));
        assert_eq!(properties(0x00a6), (KeyExchange::Anon, Authentication::Anon));
        assert_eq!(properties(0xc018), (KeyExchange::Anon, Authentication::Anon));
        assert_eq!(properties(0x1301), (KeyExchange::Tls13, Authentication::Any));
        assert_eq!(properties(0x00ff), (KeyExchange::Other, Authentication::Other));
        assert_eq!(properties(0x7777), (KeyExchange::Other, Authentication::Other));
    }

    #[test]
    fn signals_are_no_suites() {
        assert!(CipherSuite::FALLBACK_SCSV.is_signalling() && !CipherSuite(0xc02f).is_signalling());
        assert_eq!(CipherSuite::FALLBACK_SCSV.name(), Some("TLS_FALLBACK_SCSV"));
        assert_eq!(CipherSuite::FALLBACK_SCSV.hash_len(), None);
    }

    #[test]
    fn unknown_suites_keep_their_number() {
        assert_eq!(CipherSuite(0xe013).to_string(), "0xe013");
        assert_eq!(
            CipherSuite(0xc102).to_string(),
            "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT"
        );
    }

    #[test]
    fn suites_tell_how_long_their_tags_and_hashes_are() {
        let lengths = |code| (CipherSuite(code).tag_len(), CipherSuite(code).hash_len());
        assert_eq!(lengths(0x1301), (Some(16), Some(32)));
        assert_eq!(lengths(0x1302), (Some(16), Some(48)));
        assert_eq!(lengths(0x1305), (Some(8), Some(32)));
        assert_eq!(lengths(0xcca8), (Some(16), Some(32)));
        assert_eq!(lengths(0x002f), (Some(20), Some(32)));
        assert_eq!(lengths(0xc028), (Some(48), Some(48)));
        assert_eq!(lengths(0xe013), (None, None));
        assert!(CipherSuite(0xc02f).is_aead() && !CipherSuite(0xc027).is_aead());
    }

    #[test]
    fn every_known_suite_can_be_asked_anything() {
        for code in 0..=u16::MAX {
            let suite = CipherSuite(code);
            let _ = (
                suite.to_string(),
                suite.authentication(),
                suite.tag_len(),
                suite.hash_len(),
            );
            if let Some(name) = suite.name() {
                assert!(name.starts_with("TLS_"), "{name}");
                assert_eq!(
                    name.contains("_anon_"),
                    suite.key_exchange() == KeyExchange::Anon,
                    "{name}"
                );
            }
        }
    }
}
