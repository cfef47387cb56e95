//! Where the parts of a certificate lie (RFC 5280 §4.1), found by lengths alone.
//!
//! The walk reads no value but knows every place, so that a damaged certificate can be described as far as it goes, a root can be filed
//! under its name without being read, and a signature can be checked over exactly the bytes that were signed.

use std::ops::Range;

use data_encoding::HEXLOWER;

use super::der::{BIT_STRING, INTEGER, Malformed, Reader, SEQUENCE};
use super::distinguished_name::Name;

/// `[0] EXPLICIT`: the version.
const VERSION: u8 = 0xa0;
/// `[1] IMPLICIT`: the issuer's unique identifier, unused since 1999.
const ISSUER_UID: u8 = 0x81;
/// `[2] IMPLICIT`: the subject's unique identifier, unused since 1999.
const SUBJECT_UID: u8 = 0x82;
/// `[3] EXPLICIT`: the extensions.
const EXTENSIONS: u8 = 0xa3;

/// Places of the parts, each in bytes from the start of the certificate; empty where the walk did not get there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Skeleton {
    /// The part that is signed, with its header.
    pub(super) signed: Range<usize>,
    /// The serial number's value.
    pub(super) serial: Range<usize>,
    /// The issuer's name, with its header.
    pub(super) issuer: Range<usize>,
    /// The validity, with its header.
    pub(super) validity: Range<usize>,
    /// The value of notBefore.
    pub(super) not_before: Range<usize>,
    /// The value of notAfter.
    pub(super) not_after: Range<usize>,
    /// The subject's name, with its header.
    pub(super) subject: Range<usize>,
    /// The SubjectPublicKeyInfo, with its header.
    pub(super) key_info: Range<usize>,
    /// The public key itself, as it stands in the bit string.
    pub(super) key: Range<usize>,
    /// The list of extensions, with its header.
    pub(super) extensions: Range<usize>,
    /// The algorithm of the signature, with its header.
    pub(super) algorithm: Range<usize>,
    /// The signature.
    pub(super) signature: Range<usize>,
}

impl Skeleton {
    /// Walks the certificate.
    pub(super) fn walk(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut skeleton = Self::default();
        skeleton.fill(bytes)?;
        Ok(skeleton)
    }

    /// Walks as far as it goes, noting each place as it is found.
    fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut file = Reader::new(bytes);
        let certificate = file.expect(SEQUENCE, "certificate")?;
        if !file.is_empty() {
            let left = bytes.len().saturating_sub(file.at());
            return Err(Malformed::new(
                file.at(),
                format!("{left} bytes follow the certificate"),
            ));
        }

        let mut outer = certificate.inside();
        let signed = outer.expect(SEQUENCE, "tbsCertificate")?;
        self.signed = signed.range();
        let mut inner = signed.inside();
        inner.optional(VERSION, "version")?;
        self.serial = inner.expect(INTEGER, "serialNumber")?.body_range();
        inner.expect(SEQUENCE, "signature")?;
        self.issuer = inner.expect(SEQUENCE, "issuer")?.range();

        let validity = inner.expect(SEQUENCE, "validity")?;
        self.validity = validity.range();
        let mut times = validity.inside();
        self.not_before = times.next("notBefore")?.body_range();
        self.not_after = times.next("notAfter")?.body_range();

        self.subject = inner.expect(SEQUENCE, "subject")?.range();
        let key_info = inner.expect(SEQUENCE, "subjectPublicKeyInfo")?;
        self.key_info = key_info.range();
        let mut key = key_info.inside();
        key.expect(SEQUENCE, "algorithm of the public key")?;
        self.key = key.expect(BIT_STRING, "subjectPublicKey")?.whole_bits()?;

        inner.optional(ISSUER_UID, "issuerUniqueID")?;
        inner.optional(SUBJECT_UID, "subjectUniqueID")?;
        if let Some(extensions) = inner.optional(EXTENSIONS, "extensions")? {
            let list = extensions.inside().expect(SEQUENCE, "extensions")?;
            self.extensions = list.range();
            let mut entries = list.inside();
            while !entries.is_empty() {
                entries.expect(SEQUENCE, "extension")?;
            }
        }
        if !inner.is_empty() {
            return Err(Malformed::new(
                inner.at(),
                "tbsCertificate: something follows the extensions",
            ));
        }

        self.algorithm = outer.expect(SEQUENCE, "signatureAlgorithm")?.range();
        self.signature = outer.expect(BIT_STRING, "signatureValue")?.whole_bits()?;
        if !outer.is_empty() {
            return Err(Malformed::new(outer.at(), "something follows the signature"));
        }
        Ok(())
    }
}

/// The subject's name in DER; `None` where the certificate does not reach so far.
pub(super) fn subject(bytes: &[u8]) -> Option<&[u8]> {
    let mut skeleton = Skeleton::default();
    // A defect behind the subject does not matter here: whoever wants to use the certificate reads all of it.
    let _ = skeleton.fill(bytes);
    bytes.get(skeleton.subject).filter(|subject| !subject.is_empty())
}

/// What can still be told of a certificate that cannot be read. Every part is `None` where the defect lies before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The subject's name.
    pub(crate) subject: Option<String>,
    /// The issuer's name.
    pub(crate) issuer: Option<String>,
    /// The serial number, in hexadecimal.
    pub(crate) serial: Option<String>,
}

/// Reads what can be read of a certificate that [`super::Certificate::parse`] refused.
pub(crate) fn describe_broken(bytes: &[u8]) -> Broken {
    let mut skeleton = Skeleton::default();
    // The defect itself was told when the certificate was refused.
    let _ = skeleton.fill(bytes);
    let part = |range: &Range<usize>| bytes.get(range.clone()).filter(|part| !part.is_empty());
    Broken {
        subject: part(&skeleton.subject).map(|name| Name::parse(name).text),
        issuer: part(&skeleton.issuer).map(|name| Name::parse(name).text),
        serial: part(&skeleton.serial).map(|serial| HEXLOWER.encode(serial)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Authority;
    use super::*;

    #[test]
    fn every_part_of_a_sound_certificate_is_found() {
        let der = Authority::root("Root").der;
        let skeleton = Skeleton::walk(&der).unwrap();
        assert_eq!(skeleton.signature.end, der.len());
        assert_eq!(&der[skeleton.subject.clone()], &der[skeleton.issuer]);
        assert!(!skeleton.extensions.is_empty() && !skeleton.key.is_empty());
    }

    #[test]
    fn each_cut_is_told_with_its_place() {
        let der = Authority::root("Root").der;
        for cut in 0..der.len() {
            let fault = Skeleton::walk(&der[..cut]).unwrap_err();
            assert!(fault.at <= cut, "{fault} after a cut at {cut}");
        }
    }

    #[test]
    fn bytes_after_the_certificate_are_a_defect() {
        let mut der = Authority::root("Root").der;
        let end = der.len();
        der.extend([0, 0]);
        assert_eq!(
            Skeleton::walk(&der),
            Err(Malformed::new(end, "2 bytes follow the certificate"))
        );
    }

    #[test]
    fn a_broken_certificate_still_tells_its_names() {
        let mut der = Authority::root("Root").der;
        let key = Skeleton::walk(&der).unwrap().key_info;
        der[key.start] = 0x31;
        assert!(Skeleton::walk(&der).is_err());
        let told = describe_broken(&der);
        assert_eq!(told.subject.as_deref(), Some("CN=Root"));
        assert!(told.serial.is_some() && told.issuer == told.subject);
        assert_eq!(describe_broken(&[]), Broken::default());
    }
}
