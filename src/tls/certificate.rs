//! Messages about certificates: Certificate, CertificateRequest, CertificateStatus, and NewSessionTicket.
//!
//! Only the layers of TLS are taken apart here; what a certificate or a name says is another module's matter.

use super::extension::{Codes, Extensions};
use super::{Malformed, Reader, Reason};
use crate::registry::{ExtensionType, ProtocolVersion, SignatureScheme};

/// A Certificate message: the chain as it was sent, leaf first. After `parse` no accessor can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate<'a> {
    list: Reader<'a>,
    /// Extensions follow each certificate (TLS 1.3).
    with_extensions: bool,
}

impl<'a> Certificate<'a> {
    /// Reads the body of a message up to TLS 1.2 (RFC 5246 §7.4.2).
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Self::list(&mut reader, false)
    }

    /// Reads the body of a message of TLS 1.3 (RFC 9846 §4.5.1), once it is decrypted.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse_tls13(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        reader.vec8("certificate_request_context")?;
        Self::list(&mut reader, true)
    }

    fn list(reader: &mut Reader<'a>, with_extensions: bool) -> Result<Self, Malformed> {
        let list = reader.vec24("certificate_list")?;
        reader.end("certificate_list")?;
        let mut walk = list;
        while !walk.is_empty() {
            walk.vec24("certificate")?;
            if with_extensions {
                walk.vec16("extensions")?;
            }
        }
        Ok(Self { list, with_extensions })
    }

    /// The certificates in DER, in the order of the message.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.entries().map(|(certificate, _)| certificate)
    }

    /// The certificates with the extensions of each, which are empty before TLS 1.3.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a [u8], Extensions<'a>)> + use<'a> {
        let (mut list, with_extensions) = (self.list, self.with_extensions);
        std::iter::from_fn(move || {
            let certificate = list.vec24("certificate").ok()?.rest();
            let extensions = if with_extensions {
                list.vec16("extensions").ok()?
            } else {
                Reader::new(&[])
            };
            Some((certificate, Extensions::new(extensions)))
        })
    }

    /// The stapled OCSP response of the leaf (TLS 1.3 only; RFC 9846 §4.5.1.1), in DER.
    pub(crate) fn ocsp_response(&self) -> Option<&'a [u8]> {
        let (_, extensions) = self.entries().next()?;
        CertificateStatus::read(extensions.reader(ExtensionType::STATUS_REQUEST)?)
            .ok()?
            .ocsp_response
    }

    /// True where no certificate was sent: a client's "I have none".
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A CertificateRequest message. After `parse` no accessor can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateRequest<'a> {
    certificate_types: &'a [u8],
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
        let certificate_types = reader.vec8("certificate_types")?.rest();
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
            certificate_types,
            signature_schemes,
            authorities,
        })
    }

    /// Reads the body of a message of TLS 1.3 (RFC 9846 §4.4.2), once it is decrypted.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse_tls13(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        reader.vec8("certificate_request_context")?;
        let extensions = Extensions::new(reader.vec16("extensions")?);
        reader.end("extensions")?;
        if let Some(fault) = extensions.fault() {
            return Err(fault);
        }
        let list = |kind, what| match extensions.reader(kind) {
            Some(mut body) => body.vec16(what),
            None => Ok(Reader::new(&[])),
        };
        let authorities = list(ExtensionType::CERTIFICATE_AUTHORITIES, "certificate_authorities")?;
        check_names(authorities)?;
        Ok(Self {
            certificate_types: &[],
            signature_schemes: list(ExtensionType::SIGNATURE_ALGORITHMS, "supported_signature_algorithms")?.rest(),
            authorities,
        })
    }

    /// The kinds of certificate that are welcome, up to TLS 1.2: 1 RSA, 2 DSA, 64 ECDSA (IANA "TLS ClientCertificateType").
    pub(crate) const fn certificate_types(&self) -> &'a [u8] {
        self.certificate_types
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

fn check_names(mut names: Reader<'_>) -> Result<(), Malformed> {
    while !names.is_empty() {
        names.vec16("distinguished_name")?;
    }
    Ok(())
}

/// A CertificateStatus message (RFC 6066 §8, RFC 6961 §2.2), up to TLS 1.2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateStatus<'a> {
    /// The OCSP response for the leaf, in DER; `None` where the server sent an empty one.
    pub(crate) ocsp_response: Option<&'a [u8]>,
}

impl<'a> CertificateStatus<'a> {
    const OCSP: u8 = 1;
    const OCSP_MULTI: u8 = 2;

    /// Reads the body of the message.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other, or the type of response is unknown.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(Reader::new(body))
    }

    fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let at = reader.offset();
        let mut response = match reader.u8("status_type")? {
            Self::OCSP => reader.vec24("ocsp_response")?,
            // One response for each certificate, the leaf's first.
            Self::OCSP_MULTI => reader.vec24("ocsp_response_list")?.vec24("ocsp_response")?,
            other => {
                return Err(Malformed {
                    what: "status_type",
                    at,
                    why: Reason::Value {
                        found: u32::from(other),
                    },
                });
            }
        };
        reader.end("ocsp_response")?;
        Ok(Self {
            ocsp_response: Some(response.rest()).filter(|response| !response.is_empty()),
        })
    }
}

/// A NewSessionTicket message up to TLS 1.2 (RFC 5077 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket<'a> {
    /// How long the server means to honour the ticket, in seconds; 0 says nothing.
    pub(crate) lifetime_hint: u32,
    /// The ticket.
    pub(crate) ticket: &'a [u8],
}

impl<'a> NewSessionTicket<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    /// [`Malformed`] where the lengths do not fit each other.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let lifetime_hint = reader.u32("ticket_lifetime_hint")?;
        let ticket = reader.vec16("ticket")?.rest();
        reader.end("ticket")?;
        Ok(Self { lifetime_hint, ticket })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::client_hello::testing::{extension, vec16};

    fn vec24(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
    }

    #[test]
    fn a_chain_comes_in_the_order_of_the_message() {
        let body = vec24(&[vec24(b"leaf"), vec24(b"issuer")].concat());
        let message = Certificate::parse(&body).unwrap();
        assert_eq!(message.certificates().collect::<Vec<_>>(), [&b"leaf"[..], b"issuer"]);
        assert!(Certificate::parse(&[0, 0, 0]).unwrap().is_empty());
    }

    #[test]
    fn a_certificate_that_is_cut_off_is_named() {
        let malformed = Certificate::parse(&[0, 0, 5, 0, 0, 9, 1, 2]).unwrap_err();
        assert_eq!((malformed.what, malformed.at), ("certificate", 6));
    }

    #[test]
    fn certificates_of_tls_1_3_carry_extensions() {
        let staple = extension(5, &[&[1][..], &vec24(b"good")].concat());
        let body = [
            &[0][..],
            &vec24(&[vec24(b"leaf"), vec16(&staple), vec24(b"issuer"), vec16(&[])].concat()),
        ]
        .concat();
        let message = Certificate::parse_tls13(&body).unwrap();
        assert_eq!(message.certificates().collect::<Vec<_>>(), [&b"leaf"[..], b"issuer"]);
        assert_eq!(message.ocsp_response(), Some(&b"good"[..]));
    }

    #[test]
    fn a_request_names_types_schemes_and_authorities() {
        let body = [&[2, 1, 64][..], &vec16(&[4, 3, 8, 4]), &vec16(&vec16(b"CN"))].concat();
        let request = CertificateRequest::parse(&body, ProtocolVersion::TLS12).unwrap();
        assert_eq!(request.certificate_types(), [1, 64]);
        assert_eq!(request.signature_schemes().count(), 2);
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
    fn a_request_of_tls_1_3_is_made_of_extensions() {
        let extensions = [extension(13, &vec16(&[8, 4])), extension(47, &vec16(&vec16(b"CN")))].concat();
        let body = [&[0][..], &vec16(&extensions)].concat();
        let request = CertificateRequest::parse_tls13(&body).unwrap();
        assert_eq!(
            request.signature_schemes().collect::<Vec<_>>(),
            [SignatureScheme(0x0804)]
        );
        assert_eq!(request.authorities().count(), 1);
    }

    #[test]
    fn an_empty_staple_is_no_staple() {
        assert_eq!(CertificateStatus::parse(&[1, 0, 0, 0]).unwrap().ocsp_response, None);
        assert_eq!(
            CertificateStatus::parse(&[1, 0, 0, 1, 7]).unwrap().ocsp_response,
            Some(&[7][..])
        );
        assert_eq!(
            CertificateStatus::parse(&[9]).unwrap_err().why,
            Reason::Value { found: 9 }
        );
    }

    #[test]
    fn a_ticket_has_a_lifetime() {
        let ticket = NewSessionTicket::parse(&[0, 0, 1, 44, 0, 2, 8, 9]).unwrap();
        assert_eq!((ticket.lifetime_hint, ticket.ticket), (300, &[8, 9][..]));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(body in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(message) = Certificate::parse(&body) {
                prop_assert!(message.certificates().map(<[u8]>::len).sum::<usize>() <= body.len());
            }
            let _ = Certificate::parse_tls13(&body).map(|message| message.ocsp_response());
            let _ = CertificateRequest::parse(&body, ProtocolVersion::TLS12).map(|request| request.authorities().count());
            let _ = CertificateRequest::parse_tls13(&body).map(|request| request.authorities().count());
            let _ = (CertificateStatus::parse(&body), NewSessionTicket::parse(&body));
        }
    }
}
