//! ServerKeyExchange, up to TLS 1.2: the group or the prime that the server chose, and with what it signed.

use super::{Malformed, Reader, Reason};
use crate::registry::{CipherSuite, Group, KeyExchange, ProtocolVersion, SignatureScheme};

/// A ServerKeyExchange message (RFC 5246 §7.4.3, RFC 8422 §5.4, RFC 4279 §2). Its layout depends on the suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerKeyExchange<'a> {
    /// The curve, where the exchange runs over a named one.
    pub(crate) group: Option<Group>,
    /// The prime of a finite field, most significant byte first.
    pub(crate) dh_prime: Option<&'a [u8]>,
    /// The server's public key for this handshake; empty in suites that share a key and nothing else.
    pub(crate) public: &'a [u8],
    /// The hint for which shared key to use (RFC 4279 §2).
    pub(crate) psk_hint: Option<&'a [u8]>,
    /// With what the server signed; `None` before TLS 1.2, and where nothing is signed.
    pub(crate) signature_scheme: Option<SignatureScheme>,
    /// The signature; empty where nothing is signed.
    pub(crate) signature: &'a [u8],
}

/// The curve types of RFC 8422 §5.4.
const NAMED_CURVE: u8 = 3;

impl<'a> ServerKeyExchange<'a> {
    /// Reads the body of the message, for the suite and version of the ServerHello.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other, the curve is not a named one, or the suite has no such message.
    pub(crate) fn parse(body: &'a [u8], suite: CipherSuite, version: ProtocolVersion) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let mut message = Self::default();
        let exchange = suite.key_exchange();
        if matches!(exchange, KeyExchange::Psk | KeyExchange::DhePsk | KeyExchange::EcdhePsk) || is_rsa_psk(suite) {
            message.psk_hint = Some(reader.vec16("psk_identity_hint")?.rest());
        }
        match exchange {
            KeyExchange::Ecdhe | KeyExchange::EcdhePsk => message.curve(&mut reader)?,
            KeyExchange::Dhe | KeyExchange::DhePsk => message.field(&mut reader)?,
            KeyExchange::Anon if suite.name().is_some_and(|name| name.contains("_ECDH_")) => {
                message.curve(&mut reader)?;
            }
            KeyExchange::Anon => message.field(&mut reader)?,
            KeyExchange::Psk => {}
            KeyExchange::Other if is_rsa_psk(suite) => {}
            KeyExchange::Rsa | KeyExchange::Tls13 | KeyExchange::Other => {
                return Err(Malformed {
                    what: "server_key_exchange for this suite",
                    at: 0,
                    why: Reason::Value {
                        found: u32::from(suite.0),
                    },
                });
            }
        }
        if matches!(exchange, KeyExchange::Ecdhe | KeyExchange::Dhe) {
            if version >= ProtocolVersion::TLS12 {
                message.signature_scheme = Some(SignatureScheme(reader.u16("signature_algorithm")?));
            }
            message.signature = reader.vec16("signature")?.rest();
        }
        reader.end("server_key_exchange")?;
        Ok(message)
    }

    fn curve(&mut self, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        let at = reader.offset();
        let kind = reader.u8("curve_type")?;
        if kind != NAMED_CURVE {
            return Err(Malformed {
                what: "curve_type",
                at,
                why: Reason::Value { found: u32::from(kind) },
            });
        }
        self.group = Some(Group(reader.u16("namedcurve")?));
        self.public = reader.vec8("public")?.rest();
        Ok(())
    }

    fn field(&mut self, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        self.dh_prime = Some(reader.vec16("dh_p")?.rest());
        reader.vec16("dh_g")?;
        self.public = reader.vec16("dh_Ys")?.rest();
        Ok(())
    }

    /// Bits of the prime, leading zeros not counted.
    pub(crate) fn dh_bits(&self) -> Option<u32> {
        let prime = self.dh_prime?;
        let zeros = prime.iter().take_while(|&&byte| byte == 0).count();
        let significant = prime.get(zeros..)?;
        let unused = significant.first().map_or(0, |byte| byte.leading_zeros());
        Some((significant.len() as u32 * 8).saturating_sub(unused))
    }
}

/// The identity with which a client names the shared key, up to TLS 1.2: ClientKeyExchange begins with it in every suite that has one
/// (RFC 4279 §2–4, RFC 5489 §2). `None` for other suites, and where the message is too short.
pub(crate) fn client_psk_identity(body: &[u8], suite: CipherSuite) -> Option<&[u8]> {
    let shares_key = matches!(
        suite.key_exchange(),
        KeyExchange::Psk | KeyExchange::DhePsk | KeyExchange::EcdhePsk
    ) || is_rsa_psk(suite);
    let mut identity = Reader::new(body).vec16("psk_identity").ok().filter(|_| shares_key)?;
    Some(identity.rest())
}

fn is_rsa_psk(suite: CipherSuite) -> bool {
    suite.name().is_some_and(|name| name.starts_with("TLS_RSA_PSK_"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::client_hello::testing::vec16;

    #[test]
    fn a_curve_is_named_and_signed() {
        let body = [&[3, 0, 29, 2, 7, 8, 8, 4][..], &vec16(b"signed")].concat();
        let message = ServerKeyExchange::parse(&body, CipherSuite(0xc02f), ProtocolVersion::TLS12).unwrap();
        assert_eq!(message.group, Some(Group::X25519));
        assert_eq!(message.signature_scheme, Some(SignatureScheme(0x0804)));
        assert_eq!((message.public, message.signature), (&[7, 8][..], &b"signed"[..]));
    }

    #[test]
    fn before_tls_1_2_the_scheme_goes_without_saying() {
        let body = [&[3, 0, 23, 1, 7][..], &vec16(b"signed")].concat();
        let message = ServerKeyExchange::parse(&body, CipherSuite(0xc013), ProtocolVersion::TLS10).unwrap();
        assert_eq!((message.signature_scheme, message.signature), (None, &b"signed"[..]));
    }

    #[test]
    fn the_size_of_a_prime_is_counted_in_bits() {
        let prime = [&[0, 0x01][..], &[0xff; 63]].concat();
        let body = [vec16(&prime), vec16(&[2]), vec16(&[5]), vec![4, 1], vec16(b"signed")].concat();
        let message = ServerKeyExchange::parse(&body, CipherSuite(0x009e), ProtocolVersion::TLS12).unwrap();
        assert_eq!(message.dh_bits(), Some(505));
        assert_eq!(message.group, None);
    }

    #[test]
    fn anonymous_suites_sign_nothing() {
        let body = [vec16(&[0xff; 128]), vec16(&[2]), vec16(&[5])].concat();
        let message = ServerKeyExchange::parse(&body, CipherSuite(0x0034), ProtocolVersion::TLS12).unwrap();
        assert_eq!((message.dh_bits(), message.signature.len()), (Some(1024), 0));
        let message = ServerKeyExchange::parse(&[3, 0, 23, 1, 7], CipherSuite(0xc018), ProtocolVersion::TLS12).unwrap();
        assert_eq!(message.group, Some(Group::SECP256R1));
    }

    #[test]
    fn shared_keys_come_with_a_hint() {
        let body = vec16(b"hint");
        let message = ServerKeyExchange::parse(&body, CipherSuite(0x00a8), ProtocolVersion::TLS12).unwrap();
        assert_eq!(message.psk_hint, Some(&b"hint"[..]));
    }

    #[test]
    fn a_client_names_the_shared_key_in_suites_that_have_one() {
        let body = [vec16(b"sensor-7"), vec![1, 4]].concat();
        for suite in [0x00a8, 0x00aa, 0xc037, 0x00ac] {
            assert_eq!(client_psk_identity(&body, CipherSuite(suite)), Some(&b"sensor-7"[..]));
        }
        assert_eq!(client_psk_identity(&body, CipherSuite(0xc02f)), None);
        assert_eq!(client_psk_identity(&[0, 9, 1], CipherSuite(0x00a8)), None);
    }

    #[test]
    fn a_suite_without_this_message_is_refused() {
        assert!(ServerKeyExchange::parse(&[], CipherSuite(0x009c), ProtocolVersion::TLS12).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(
            body in prop::collection::vec(any::<u8>(), 0..60),
            suite in prop::sample::select(vec![0xc02f_u16, 0x009e, 0x0034, 0xc018, 0x00a8, 0x00aa, 0xccac, 0x00ac, 0x1301]),
        ) {
            let _ = ServerKeyExchange::parse(&body, CipherSuite(suite), ProtocolVersion::TLS12).map(|message| message.dh_bits());
        }
    }
}
