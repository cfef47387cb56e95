//! The hello of SSL 2.0, which old clients and scanners still send; nothing else of that version is read.

use super::{Malformed, Reader, Reason};
use crate::registry::{CipherSuite, ProtocolVersion, is_grease};

/// The CLIENT-HELLO of SSL 2.0, also sent by old clients to ask for SSL 3.0 or TLS (RFC 5246 §E.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sslv2ClientHello<'a> {
    version: ProtocolVersion,
    cipher_specs: &'a [u8],
}

impl<'a> Sslv2ClientHello<'a> {
    /// Reads the record's contents, from the message type on.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit the record.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let kind = reader.u8("msg_type")?;
        if kind != 1 {
            return Err(Malformed {
                what: "msg_type",
                at: 0,
                why: Reason::Value { found: u32::from(kind) },
            });
        }
        let version = ProtocolVersion(reader.u16("version")?);
        let specs = reader.u16("cipher_spec_length")?;
        let session_id = reader.u16("session_id_length")?;
        let challenge = reader.u16("challenge_length")?;
        if !specs.is_multiple_of(3) {
            return Err(Malformed {
                what: "cipher_spec_length",
                at: 3,
                why: Reason::Odd,
            });
        }
        let cipher_specs = reader.bytes(usize::from(specs), "cipher_specs")?;
        reader.bytes(usize::from(session_id), "session_id")?;
        reader.bytes(usize::from(challenge), "challenge")?;
        Ok(Self { version, cipher_specs })
    }

    /// The highest version that the client can speak.
    pub(crate) const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The suites of SSL 3.0 and TLS among the cipher specs: those whose first byte is 0.
    pub(crate) fn cipher_suites(&self) -> impl Iterator<Item = CipherSuite> + use<'a> {
        self.cipher_specs
            .chunks_exact(3)
            .filter_map(|spec| match *spec {
                [0, high, low] => Some(u16::from_be_bytes([high, low])),
                _ => None,
            })
            .filter(|&code| !is_grease(code))
            .map(CipherSuite)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn suites_of_ssl_2_alone_are_left_out() {
        let body = [1, 3, 1, 0, 6, 0, 0, 0, 2, 0x00, 0x00, 0x2f, 0x01, 0x00, 0x80, 5, 6];
        let hello = Sslv2ClientHello::parse(&body).unwrap();
        assert_eq!(hello.version(), ProtocolVersion::TLS10);
        assert_eq!(hello.cipher_suites().collect::<Vec<_>>(), [CipherSuite(0x002f)]);
        assert!(Sslv2ClientHello::parse(&body[..16]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Sslv2ClientHello::parse(&body).map(|hello| hello.cipher_suites().count());
        }
    }
}
