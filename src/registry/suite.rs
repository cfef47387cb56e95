//! Cipher suites: names, what they ask of the server's key, and how long their records are.
//!
//! Names and columns come from tls-parser's table, which follows the IANA registry; a short list of our own adds what it lacks. The lengths
//! are arithmetic on RFC 9846 §5.2, RFC 5246 §6.2.3, RFC 7366 §3, RFC 7905 §2 and RFC 6655 §3: they tell an alert from a Finished where
//! both are encrypted.

use std::fmt;

use tls_parser::{TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::{ProtocolVersion, Row, find, openssl, print, row};

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

/// What the server must hold to use a suite, or the key that a signature scheme needs.
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

/// The length fields of two records that matter without keys. Header bytes are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordSizes {
    /// A record that holds one alert.
    pub(crate) alert: u16,
    /// A record that holds one Finished message.
    pub(crate) finished: u16,
}

/// How a suite protects a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    /// Authenticated encryption: bytes of explicit nonce (before TLS 1.3) and of tag.
    Aead { nonce: u16, tag: u16 },
    /// A block cipher and a MAC.
    Block { block: u16, mac: u16 },
    /// A stream cipher or none, and a MAC.
    Stream { mac: u16 },
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

    /// A value that is reserved to be ignored (RFC 8701 §2).
    pub(crate) const fn is_grease(self) -> bool {
        super::is_grease(self.0)
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
        matches!(self.protection(), Some(Protection::Aead { .. }))
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
        let suite = self.known().filter(|_| !self.is_signalling())?;
        Some(match suite.prf {
            TlsPRF::Sha384 => 48,
            TlsPRF::Sha512 => 64,
            _ => 32,
        })
    }

    /// Bytes of authentication tag or MAC that a record carries.
    pub(crate) fn tag_len(self) -> Option<u16> {
        Some(match self.protection()? {
            Protection::Aead { tag, .. } => tag,
            Protection::Block { mac, .. } | Protection::Stream { mac } => mac,
        })
    }

    fn protection(self) -> Option<Protection> {
        let suite = self.known().filter(|_| !self.is_signalling())?;
        let tag = if suite.name.contains("_CCM_8") { 8 } else { 16 };
        if matches!(suite.enc, TlsCipherEnc::Chacha20_Poly1305 | TlsCipherEnc::Aegis) {
            return Some(Protection::Aead { nonce: 0, tag });
        }
        if matches!(suite.enc_mode, TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm) {
            return Some(Protection::Aead { nonce: 8, tag });
        }
        let mac = match suite.mac {
            TlsCipherMac::Null => 0,
            TlsCipherMac::HmacMd5 => 16,
            TlsCipherMac::HmacSha1 => 20,
            TlsCipherMac::HmacSha256 => 32,
            TlsCipherMac::HmacSha384 => 48,
            TlsCipherMac::HmacSha512 => 64,
            TlsCipherMac::Aead => return None,
        };
        if matches!(suite.enc_mode, TlsCipherEncMode::Cbc) {
            let block = match suite.enc {
                TlsCipherEnc::Des | TlsCipherEnc::TripleDes | TlsCipherEnc::Rc2 | TlsCipherEnc::Idea => 8,
                _ => 16,
            };
            return Some(Protection::Block { block, mac });
        }
        Some(Protection::Stream { mac })
    }

    /// The lengths of an encrypted alert and an encrypted Finished under this suite, with the least padding. `None` for suites that are not
    /// known, and for DTLS.
    ///
    /// `encrypt_then_mac`: both hellos carried the extension (RFC 7366); it matters to block ciphers only.
    pub(crate) fn record_sizes(self, version: ProtocolVersion, encrypt_then_mac: bool) -> Option<RecordSizes> {
        let protection = self.protection()?;
        let header: u16 = 4;
        let finished = if version.is_tls13() {
            header + self.hash_len()?
        } else if version == ProtocolVersion::SSL3 {
            // SSL 3.0 sends an MD5 and a SHA-1 hash (RFC 6101 §5.6.9).
            header + 36
        } else {
            header + 12
        };
        if version.is_tls13() != self.is_tls13() || version.rank() < ProtocolVersion::SSL3.0 {
            return None;
        }
        let size = |plain: u16| match protection {
            // The content type travels inside (RFC 9846 §5.2); integrity-only suites append their MAC (RFC 9150 §5).
            Protection::Aead { tag, .. } if version.is_tls13() => plain + 1 + tag,
            Protection::Stream { mac } if version.is_tls13() => plain + 1 + mac,
            Protection::Aead { nonce, tag } => nonce + plain + tag,
            Protection::Stream { mac } => plain + mac,
            Protection::Block { block, mac } => {
                // An explicit IV came with TLS 1.1; at least the byte that tells the length of the padding is always there.
                let iv = if version >= ProtocolVersion::TLS11 { block } else { 0 };
                if encrypt_then_mac {
                    iv + (plain + 1).next_multiple_of(block) + mac
                } else {
                    iv + (plain + mac + 1).next_multiple_of(block)
                }
            }
        };
        Some(RecordSizes {
            alert: size(2),
            finished: size(finished),
        })
    }
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

    fn sizes(suite: u16, version: ProtocolVersion, encrypt_then_mac: bool) -> (u16, u16) {
        let sizes = CipherSuite(suite).record_sizes(version, encrypt_then_mac).unwrap();
        (sizes.alert, sizes.finished)
    }

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
        assert_eq!(CipherSuite(0xe013).record_sizes(ProtocolVersion::TLS12, false), None);
    }

    #[test]
    fn records_of_tls_1_3_hide_their_type_and_carry_a_tag() {
        assert_eq!(sizes(0x1301, ProtocolVersion::TLS13, false), (19, 53));
        assert_eq!(sizes(0x1302, ProtocolVersion::TLS13, false), (19, 69));
        assert_eq!(sizes(0x1305, ProtocolVersion::TLS13, false), (11, 45));
        assert_eq!(sizes(0x1303, ProtocolVersion(0x7f1c), false), (19, 53));
    }

    #[test]
    fn records_of_authenticated_encryption_in_tls_1_2() {
        assert_eq!(sizes(0xc02f, ProtocolVersion::TLS12, false), (26, 40));
        assert_eq!(sizes(0xc0ac, ProtocolVersion::TLS12, false), (26, 40));
        assert_eq!(sizes(0xc0ae, ProtocolVersion::TLS12, false), (18, 32));
        assert_eq!(sizes(0xcca8, ProtocolVersion::TLS12, false), (18, 32));
    }

    #[test]
    fn records_of_block_ciphers_are_padded() {
        assert_eq!(sizes(0x002f, ProtocolVersion::TLS12, false), (48, 64));
        assert_eq!(sizes(0x002f, ProtocolVersion::TLS12, true), (52, 68));
        assert_eq!(sizes(0xc027, ProtocolVersion::TLS12, false), (64, 80));
        assert_eq!(sizes(0xc027, ProtocolVersion::TLS12, true), (64, 80));
        assert_eq!(sizes(0xc028, ProtocolVersion::TLS12, false), (80, 96));
        assert_eq!(sizes(0xc028, ProtocolVersion::TLS12, true), (80, 96));
        assert_eq!(sizes(0x000a, ProtocolVersion::TLS12, false), (32, 48));
        assert_eq!(sizes(0x000a, ProtocolVersion::TLS12, true), (36, 52));
        assert_eq!(sizes(0x002f, ProtocolVersion::TLS10, false), (32, 48));
        assert_eq!(sizes(0x000a, ProtocolVersion::TLS10, false), (24, 40));
        assert_eq!(sizes(0x002f, ProtocolVersion::SSL3, false), (32, 64));
    }

    #[test]
    fn records_of_stream_ciphers_only_grow_by_the_mac() {
        assert_eq!(sizes(0x0005, ProtocolVersion::TLS12, false), (22, 36));
        assert_eq!(sizes(0x0004, ProtocolVersion::TLS12, false), (18, 32));
        assert_eq!(sizes(0x0002, ProtocolVersion::TLS12, false), (22, 36));
    }

    #[test]
    fn a_suite_has_no_sizes_in_a_version_that_cannot_use_it() {
        assert_eq!(CipherSuite(0x1301).record_sizes(ProtocolVersion::TLS12, false), None);
        assert_eq!(CipherSuite(0xc02f).record_sizes(ProtocolVersion::TLS13, false), None);
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
            for version in 0x0300..=0x0305 {
                let _ = suite.record_sizes(ProtocolVersion(version), code % 2 == 0);
            }
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
