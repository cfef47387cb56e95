//! Messages about certificates up to TLS 1.2, where they are in the clear: Certificate, CertificateRequest, CertificateVerify,
//! CertificateStatus; and NewSessionTicket.
//!
//! Only the layers of TLS are taken apart here; what a certificate or a name says is another module's matter.

use super::extension::Codes;
use super::{Malformed, Reader, Reason};
use crate::registry::{ProtocolVersion, SignatureScheme};

/// A Certificate message: the chain as it was sent, leaf first. After `parse` no accessor can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate<'a> {
    list: Reader<'a>,
}

impl<'a> Certificate<'a> {
    /// Reads the body of a message up to TLS 1.2 (RFC 5246 §7.4.2).
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let list = reader.vec24("certificate_list")?;
        reader.end("certificate_list")?;
        let mut walk = list;
        while !walk.is_empty() {
            walk.vec24("certificate")?;
        }
        Ok(Self { list })
    }

    /// The certificates in DER, in the order of the message.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut list = self.list;
        std::iter::from_fn(move || list.vec24("certificate").ok().map(|mut certificate| certificate.rest()))
    }
}

/// A CertificateRequest message. After `parse` no accessor can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateRequest<'a> {
    key_types: &'a [u8],
    signature_schemes: &'a [u8],
    authorities: Reader<'a>,
}

impl<'a> CertificateRequest<'a> {
    /// Reads the body of a message up to TLS 1.2 (RFC 5246 §7.4.4); the list of signature schemes is there from TLS 1.2 on.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &'a [u8], version: ProtocolVersion) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let key_types = reader.vec8("certificate_types")?.rest();
        let signature_schemes = if version >= ProtocolVersion::TLS12 {
            let mut list = reader.vec16("supported_signature_algorithms")?;
            list.even("supported_signature_algorithms")?;
            list.rest()
        } else {
            &[]
        };
        let authorities = reader.vec16("certificate_authorities")?;
        reader.end("certificate_authorities")?;
        check_names(authorities)?;
        Ok(Self {
            key_types,
            signature_schemes,
            authorities,
        })
    }

    /// The kinds of keys that the server takes: numbers of the registry "TLS ClientCertificateType Identifiers".
    pub(crate) const fn key_types(&self) -> &'a [u8] {
        self.key_types
    }

    /// The schemes that the server can verify, GREASE left out; empty before TLS 1.2.
    pub(crate) const fn signature_schemes(&self) -> Codes<'a, SignatureScheme> {
        Codes::new(self.signature_schemes)
    }

    /// The names of the authorities that the server trusts, each in DER. An empty list says nothing (RFC 5246 §7.4.4).
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut list = self.authorities;
        std::iter::from_fn(move || list.vec16("distinguished_name").ok().map(|mut name| name.rest()))
    }
}

/// A CertificateVerify message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify<'a> {
    /// With what it is signed; `None` before TLS 1.2, where that goes without saying.
    pub(crate) scheme: Option<SignatureScheme>,
    /// The signature over all handshake messages before this one.
    pub(crate) signature: &'a [u8],
}

impl<'a> CertificateVerify<'a> {
    /// Reads the body of a message up to TLS 1.2 (RFC 5246 §7.4.8).
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &'a [u8], version: ProtocolVersion) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let scheme = if version >= ProtocolVersion::TLS12 {
            Some(SignatureScheme(reader.u16("signature_algorithm")?))
        } else {
            None
        };
        let signature = reader.vec16("signature")?.rest();
        reader.end("signature")?;
        Ok(Self { scheme, signature })
    }
}

fn check_names(mut names: Reader<'_>) -> Result<(), Malformed> {
    while !names.is_empty() {
        names.vec16("distinguished_name")?;
    }
    Ok(())
}

/// A CertificateStatus message (RFC 6066 §8, RFC 6961 §2.2), up to TLS 1.2. After `parse` no accessor can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateStatus<'a> {
    list: Reader<'a>,
}

impl<'a> CertificateStatus<'a> {
    const OCSP: u8 = 1;
    const OCSP_MULTI: u8 = 2;

    /// Reads the body of the message.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other, or the type of response is unknown.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let list = match reader.u8("status_type")? {
            Self::OCSP => {
                let single = reader;
                reader.vec24("ocsp_response")?;
                single
            }
            Self::OCSP_MULTI => reader.vec24("ocsp_response_list")?,
            other => {
                return Err(Malformed {
                    what: "status_type",
                    at: 0,
                    why: Reason::Value {
                        found: u32::from(other),
                    },
                });
            }
        };
        reader.end("ocsp_response")?;
        let mut walk = list;
        while !walk.is_empty() {
            walk.vec24("ocsp_response")?;
        }
        Ok(Self { list })
    }

    /// The OCSP responses in DER, the leaf's first, then its issuers' where the client took more than one; empty where the server has
    /// none for that certificate.
    pub(crate) fn responses(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut list = self.list;
        std::iter::from_fn(move || list.vec24("ocsp_response").ok().map(|mut response| response.rest()))
    }
}

/// A NewSessionTicket message up to TLS 1.2 (RFC 5077 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket {
    /// How long the server means to honour the ticket, in seconds; 0 says nothing.
    pub(crate) lifetime_hint: u32,
}

impl NewSessionTicket {
    /// Reads the body of the message.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let lifetime_hint = reader.u32("ticket_lifetime_hint")?;
        reader.vec16("ticket")?;
        reader.end("ticket")?;
        Ok(Self { lifetime_hint })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::client_hello::testing::vec16;

    fn vec24(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
    }

    #[test]
    fn a_chain_comes_in_the_order_of_the_message() {
        let body = vec24(&[vec24(b"leaf"), vec24(b"issuer")].concat());
        let message = Certificate::parse(&body).unwrap();
        assert_eq!(message.certificates().collect::<Vec<_>>(), [&b"leaf"[..], b"issuer"]);
        assert_eq!(Certificate::parse(&[0, 0, 0]).unwrap().certificates().count(), 0);
    }

    #[test]
    fn a_certificate_that_is_cut_off_is_named() {
        let malformed = Certificate::parse(&[0, 0, 5, 0, 0, 9, 1, 2]).unwrap_err();
        assert_eq!((malformed.what, malformed.at), ("certificate", 6));
    }

    #[test]
    fn a_request_names_schemes_and_authorities() {
        let body = [&[2, 1, 64][..], &vec16(&[4, 3, 8, 4]), &vec16(&vec16(b"CN"))].concat();
        let request = CertificateRequest::parse(&body, ProtocolVersion::TLS12).unwrap();
        assert_eq!(
            (request.key_types(), request.signature_schemes().count()),
            (&[1, 64][..], 2)
        );
        assert_eq!(request.authorities().collect::<Vec<_>>(), [b"CN"]);
    }

    #[test]
    fn a_request_before_tls_1_2_has_no_schemes() {
        let body = [&[1, 1][..], &vec16(&[])].concat();
        let request = CertificateRequest::parse(&body, ProtocolVersion::TLS10).unwrap();
        assert_eq!(
            (request.signature_schemes().count(), request.authorities().count()),
            (0, 0)
        );
    }

    #[test]
    fn a_status_holds_one_response_or_one_for_each_certificate() {
        let responses = |body: &[u8]| -> Vec<Vec<u8>> {
            let status = CertificateStatus::parse(body).unwrap();
            status.responses().map(<[u8]>::to_vec).collect()
        };
        assert_eq!(responses(&[1, 0, 0, 0]), [Vec::<u8>::new()]);
        assert_eq!(responses(&[1, 0, 0, 1, 7]), [[7]]);
        let several = [&[2][..], &vec24(&[vec24(&[7]), vec24(&[]), vec24(&[8, 9])].concat())].concat();
        assert_eq!(responses(&several), [vec![7], vec![], vec![8, 9]]);
    }

    #[test]
    fn a_status_that_does_not_add_up_is_malformed() {
        for (body, what, at) in [
            (&[1, 0, 0, 2, 7][..], "ocsp_response", 4),
            (&[1, 0, 0, 1, 7, 7][..], "ocsp_response", 5),
            (&[2, 0, 0, 4, 0, 0, 2, 7][..], "ocsp_response", 7),
            (&[9][..], "status_type", 0),
        ] {
            let malformed = CertificateStatus::parse(body).unwrap_err();
            assert_eq!((malformed.what, malformed.at), (what, at), "{body:?}");
        }
    }

    #[test]
    fn certificate_verify_names_its_scheme_from_tls_1_2_on() {
        let newer = CertificateVerify::parse(&[4, 3, 0, 1, 9], ProtocolVersion::TLS12).unwrap();
        assert_eq!(
            (newer.scheme, newer.signature),
            (Some(SignatureScheme(0x0403)), &[9][..])
        );
        let older = CertificateVerify::parse(&[0, 1, 9], ProtocolVersion::TLS11).unwrap();
        assert_eq!((older.scheme, older.signature), (None, &[9][..]));
        assert!(CertificateVerify::parse(&[4, 3, 0, 2, 9], ProtocolVersion::TLS12).is_err());
    }

    #[test]
    fn a_ticket_has_a_lifetime() {
        let ticket = NewSessionTicket::parse(&[0, 0, 1, 44, 0, 2, 8, 9]).unwrap();
        assert_eq!(ticket.lifetime_hint, 300);
        assert!(NewSessionTicket::parse(&[0, 0, 1, 44, 0, 2, 8]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(body in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(message) = Certificate::parse(&body) {
                prop_assert!(message.certificates().map(<[u8]>::len).sum::<usize>() <= body.len());
            }
            let _ = CertificateRequest::parse(&body, ProtocolVersion::TLS12).map(|request| request.authorities().count());
            let _ = (CertificateStatus::parse(&body), NewSessionTicket::parse(&body), CertificateVerify::parse(&body, ProtocolVersion::TLS12));
        }
    }
}
