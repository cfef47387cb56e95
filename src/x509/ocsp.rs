//! OCSP responses (RFC 6960): what a server staples to say that its certificate is not revoked.
//!
//! Read with the places of what is wrong, since a broken staple is a cause of its own. Extensions are passed over: a stapled response
//! answers no nonce.

use std::ops::Range;

use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

use super::der::{
    BIT_STRING, ENUMERATED, Element, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE,
    oid_text,
};
use super::key::SignatureAlgorithm;
use super::revocation::{Answer, Revocation, RevocationReason, Signer, Standing, StatusReport, answer_at};
use super::signature::{verifies, verify_with_key};
use super::{Certificate, Malformed, Name, Verification};
use crate::evidence::Time;

/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
const CONTEXT_1: u8 = 0xa1;
/// `[2]`, constructed.
const CONTEXT_2: u8 = 0xa2;
/// `[0] IMPLICIT NULL`: good.
const GOOD: u8 = 0x80;
/// `[2] IMPLICIT NULL`: unknown.
const UNKNOWN: u8 = 0x82;

/// The responseStatus of a response that holds answers.
const SUCCESSFUL: u8 = 0;
/// id-pkix-ocsp-basic, the only kind of response there is.
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
/// Certificates of a response that are looked at; a responder needs one.
const CERTIFICATES_READ: usize = 4;

/// Who signed a response, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResponderId {
    /// Whoever has this name.
    Name(Name),
    /// Whoever has the key with this SHA-1 hash.
    KeyHash(Vec<u8>),
}

/// Which certificate an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CertificateId {
    hash: String,
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial: Vec<u8>,
}

/// What a response says about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SingleResponse {
    id: CertificateId,
    /// What it says.
    pub(crate) standing: Standing,
    /// From when on that was known to be so.
    pub(crate) this_update: Time,
    /// By when newer information is there.
    pub(crate) next_update: Option<Time>,
}

/// The answers of a response, and what vouches for them.
#[derive(Clone, Debug)]
pub(crate) struct BasicResponse {
    /// Who signed it.
    pub(crate) responder: ResponderId,
    /// When it was signed.
    pub(crate) produced_at: Time,
    /// What it says, one certificate each.
    pub(crate) responses: Vec<SingleResponse>,
    /// Certificates that come with it, as far as they can be read: the responder's, if it is not the issuer.
    pub(crate) certificates: Vec<Certificate>,
    algorithm: Option<SignatureAlgorithm>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

/// An OCSPResponse.
#[derive(Clone, Debug)]
pub(crate) enum OcspResponse {
    /// It holds answers.
    Basic(Box<BasicResponse>),
    /// The responder refused to answer, with this OCSPResponseStatus (RFC 6960 §4.2.1): 3 is tryLater, 6 unauthorized.
    Unsuccessful(u8),
}

/// What `response`, an OCSPResponse in DER, says about `certificate`, issued by `issuer`, at `at`.
///
/// Without the issuer nobody can check the signature, and the certificate is recognised by its serial number and the issuer's name.
pub(crate) fn ocsp_status(
    response: &[u8],
    certificate: &Certificate,
    issuer: Option<&Certificate>,
    at: Option<Time>,
) -> StatusReport {
    match OcspResponse::parse(response) {
        Ok(OcspResponse::Basic(basic)) => basic.status(certificate, issuer, at),
        Ok(OcspResponse::Unsuccessful(status)) => StatusReport::without_statement(Answer::Unsuccessful(status)),
        Err(malformed) => StatusReport::without_statement(Answer::Unreadable(malformed)),
    }
}

impl OcspResponse {
    /// Reads a response in DER.
    ///
    /// # Errors
    /// [`Malformed`] with the place of the first defect.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let mut file = Reader::new(der);
        let mut outer = file.expect(SEQUENCE, "OCSPResponse")?.inside();
        end(file, "OCSPResponse")?;
        let status = small(&outer.expect(ENUMERATED, "responseStatus")?)?;
        let Some(bytes) = outer.optional(CONTEXT_0, "responseBytes")? else {
            return match status {
                SUCCESSFUL => Err(Malformed::new(outer.at(), "a successful response holds no answer")),
                status => Ok(Self::Unsuccessful(status)),
            };
        };
        end(outer, "responseBytes")?;
        if status != SUCCESSFUL {
            return Ok(Self::Unsuccessful(status));
        }
        let mut bytes = bytes.inside().expect(SEQUENCE, "responseBytes")?.inside();
        let kind = bytes.expect(OBJECT_IDENTIFIER, "responseType")?;
        let response = bytes.expect(OCTET_STRING, "response")?;
        let oid = oid_text(kind.body);
        if oid != BASIC {
            return Err(Malformed::new(kind.at, format!("responseType {oid} is not known")));
        }
        let mut inside = response.inside();
        let basic = inside.expect(SEQUENCE, "BasicOCSPResponse")?;
        end(inside, "BasicOCSPResponse")?;
        BasicResponse::read(der, basic).map(|basic| Self::Basic(Box::new(basic)))
    }
}

impl BasicResponse {
    fn read(der: &[u8], element: Element<'_>) -> Result<Self, Malformed> {
        let part = |range: Range<usize>| der.get(range).unwrap_or_default();
        let mut basic = element.inside();
        let data = basic.expect(SEQUENCE, "tbsResponseData")?;
        let algorithm = basic.expect(SEQUENCE, "signatureAlgorithm")?;
        let signature = basic.expect(BIT_STRING, "signature")?.whole_bits()?;
        let mut certificates = Vec::new();
        if let Some(list) = basic.optional(CONTEXT_0, "certs")? {
            let mut list = list.inside().expect(SEQUENCE, "certs")?.inside();
            while !list.is_empty() {
                let certificate = list.expect(SEQUENCE, "certificate of a responder")?;
                if certificates.len() < CERTIFICATES_READ {
                    certificates.extend(Certificate::parse(part(certificate.range())).ok());
                }
            }
        }
        end(basic, "certs")?;

        let mut fields = data.inside();
        fields.optional(CONTEXT_0, "version")?;
        let responder = fields.next("responderID")?;
        let responder = match responder.tag {
            CONTEXT_1 => ResponderId::Name(Name::parse(responder.body)),
            CONTEXT_2 => ResponderId::KeyHash(responder.inside().expect(OCTET_STRING, "byKey")?.body.to_vec()),
            tag => {
                return Err(Malformed::new(
                    responder.at,
                    format!("responderID: tag 0x{tag:02x} is neither a name nor a key"),
                ));
            }
        };
        let produced_at = fields.expect(GENERALIZED_TIME, "producedAt")?.generalized_time()?;
        let mut list = fields.expect(SEQUENCE, "responses")?.inside();
        fields.optional(CONTEXT_1, "responseExtensions")?;
        end(fields, "responseExtensions")?;
        let mut responses = Vec::new();
        while !list.is_empty() {
            responses.push(SingleResponse::read(list.expect(SEQUENCE, "SingleResponse")?)?);
        }
        Ok(Self {
            responder,
            produced_at,
            responses,
            certificates,
            algorithm: SignatureAlgorithm::parse(part(algorithm.range())),
            signed: part(data.range()).to_vec(),
            signature: part(signature).to_vec(),
        })
    }

    /// What it says about `certificate`; see [`ocsp_status`].
    pub(crate) fn status(
        &self,
        certificate: &Certificate,
        issuer: Option<&Certificate>,
        at: Option<Time>,
    ) -> StatusReport {
        let vouched = issuer.map_or((Signer::Unknown, Verification::Unsupported), |issuer| {
            self.signed_by(issuer)
        });
        self.says(certificate, issuer, at, vouched)
    }

    /// The same, where who signed it is known already.
    pub(super) fn says(
        &self,
        certificate: &Certificate,
        issuer: Option<&Certificate>,
        at: Option<Time>,
        (signer, signature): (Signer, Verification),
    ) -> StatusReport {
        let about = self.responses.iter().find(|one| one.id.means(certificate, issuer));
        StatusReport {
            answer: about.map_or(Answer::AboutAnother, |one| {
                answer_at(one.standing, one.this_update, one.next_update, at)
            }),
            standing: about.map(|one| one.standing),
            made_at: Some(self.produced_at),
            signer,
            signature,
        }
    }

    /// The serial numbers that it is about, as they stand in certificates.
    pub(super) fn serials(&self) -> impl Iterator<Item = &[u8]> {
        self.responses.iter().map(|one| one.id.serial.as_slice())
    }

    /// Who signed it, seen from the issuer of the certificates it is about, and whether the signature fits (RFC 6960 §4.2.2.2).
    pub(super) fn signed_by(&self, issuer: &Certificate) -> (Signer, Verification) {
        // Some send the issuer's own certificate along.
        let is_delegate = |one: &&Certificate| self.responder.means(one) && one.key_info() != issuer.key_info();
        let delegate = self.certificates.iter().find(is_delegate);
        if self.responder.means(issuer) {
            let signature = self.verify(issuer);
            // A delegate may bear the issuer's name.
            if signature != Verification::No || delegate.is_none() {
                return (Signer::Issuer, signature);
            }
        }
        let Some(delegate) = delegate else {
            return (Signer::Unknown, Verification::Unsupported);
        };
        let signature = self.verify(delegate);
        let purpose = delegate.extensions.extended_key_usage.as_ref();
        let is_charged = purpose.is_some_and(|purpose| purpose.others.iter().any(|one| one == "OCSPSigning"))
            && delegate.issuer.matches(&issuer.subject);
        match (is_charged, verifies(delegate, issuer)) {
            (false, _) | (true, Verification::No) => (Signer::Unauthorized, signature),
            (true, Verification::Yes) => (Signer::Delegate, signature),
            // Its own signature proves nothing where the issuer's on its certificate could not be checked.
            (true, Verification::Unsupported) if signature == Verification::Yes => {
                (Signer::Delegate, Verification::Unsupported)
            }
            (true, Verification::Unsupported) => (Signer::Delegate, signature),
        }
    }

    fn verify(&self, signer: &Certificate) -> Verification {
        self.algorithm.as_ref().map_or(Verification::Unsupported, |algorithm| {
            verify_with_key(signer, algorithm.method, &self.signed, &self.signature)
        })
    }
}

impl ResponderId {
    fn means(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => certificate.subject.matches(name),
            Self::KeyHash(hash) => {
                digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.key_bytes()).as_ref() == hash.as_slice()
            }
        }
    }
}

impl SingleResponse {
    fn read(element: Element<'_>) -> Result<Self, Malformed> {
        let mut fields = element.inside();
        let mut id = fields.expect(SEQUENCE, "certID")?.inside();
        let mut hash = id.expect(SEQUENCE, "hashAlgorithm")?.inside();
        let id = CertificateId {
            hash: oid_text(hash.expect(OBJECT_IDENTIFIER, "hashAlgorithm")?.body),
            issuer_name_hash: id.expect(OCTET_STRING, "issuerNameHash")?.body.to_vec(),
            issuer_key_hash: id.expect(OCTET_STRING, "issuerKeyHash")?.body.to_vec(),
            serial: id.expect(INTEGER, "serialNumber")?.body.to_vec(),
        };
        let status = fields.next("certStatus")?;
        let standing = match status.tag {
            GOOD => Standing::Good,
            UNKNOWN => Standing::Unknown,
            CONTEXT_1 => {
                let mut info = status.inside();
                let at = info.expect(GENERALIZED_TIME, "revocationTime")?.generalized_time()?;
                let reason = match info.optional(CONTEXT_0, "revocationReason")? {
                    Some(reason) => {
                        let reason = reason.inside().expect(ENUMERATED, "revocationReason")?;
                        Some(RevocationReason(small(&reason)?))
                    }
                    None => None,
                };
                Standing::Revoked(Revocation { at, reason })
            }
            tag => {
                return Err(Malformed::new(
                    status.at,
                    format!("certStatus: tag 0x{tag:02x} is neither good, revoked nor unknown"),
                ));
            }
        };
        let this_update = fields.expect(GENERALIZED_TIME, "thisUpdate")?.generalized_time()?;
        let next_update = match fields.optional(CONTEXT_0, "nextUpdate")? {
            Some(next) => Some(
                next.inside()
                    .expect(GENERALIZED_TIME, "nextUpdate")?
                    .generalized_time()?,
            ),
            None => None,
        };
        fields.optional(CONTEXT_1, "singleExtensions")?;
        end(fields, "singleExtensions")?;
        Ok(Self {
            id,
            standing,
            this_update,
            next_update,
        })
    }
}

impl CertificateId {
    fn means(&self, certificate: &Certificate, issuer: Option<&Certificate>) -> bool {
        let algorithm = match self.hash.as_str() {
            "1.3.14.3.2.26" => &SHA1_FOR_LEGACY_USE_ONLY,
            "2.16.840.1.101.3.4.2.1" => &SHA256,
            "2.16.840.1.101.3.4.2.2" => &SHA384,
            "2.16.840.1.101.3.4.2.3" => &SHA512,
            _ => return false,
        };
        let fits = |bytes, hash: &[u8]| digest::digest(algorithm, bytes).as_ref() == hash;
        self.serial == certificate.serial_bytes()
            && fits(certificate.issuer_bytes(), &self.issuer_name_hash)
            && issuer.is_none_or(|issuer| fits(issuer.key_bytes(), &self.issuer_key_hash))
    }
}

/// A number of one byte.
fn small(element: &Element<'_>) -> Result<u8, Malformed> {
    match element.body {
        [number] => Ok(*number),
        _ => Err(Malformed::new(element.at, "a number is longer than one byte")),
    }
}

/// Nothing may follow `last`.
fn end(reader: Reader<'_>, last: &str) -> Result<(), Malformed> {
    if reader.is_empty() {
        Ok(())
    } else {
        Err(Malformed::new(reader.at(), format!("something follows {last}")))
    }
}

#[cfg(test)]
mod tests;
