//! One certificate, read once (RFC 5280 §4.1).
//!
//! The places of the parts come from [`Skeleton`], the values from x509-parser. A certificate that the parser refuses is not an error of
//! ours but a fact about the sender: [`Malformed`] says what is wrong and where.

use std::ops::Range;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::error::X509Error;
use x509_parser::nom::Err as Stop;
use x509_parser::nom::Parser as _;

use super::der::Malformed;
use super::distinguished_name::Name;
use super::extensions::Extensions;
use super::key::{Key, SignatureAlgorithm};
use super::skeleton::Skeleton;
use crate::evidence::Time;

/// A certificate that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// The certificate's bytes.
    pub(crate) der: Arc<[u8]>,
    /// Whom it is about.
    pub(crate) subject: Name,
    /// Who signed it.
    pub(crate) issuer: Name,
    /// The serial number in hexadecimal.
    pub(crate) serial: String,
    /// The first second of its validity.
    pub(crate) not_before: Time,
    /// The last second of its validity; ends in 2262, as [`Time`] does.
    pub(crate) not_after: Time,
    /// What kind of key it certifies.
    pub(crate) key: Key,
    /// How it is signed.
    pub(crate) signature_algorithm: SignatureAlgorithm,
    /// What its extensions say.
    pub(crate) extensions: Extensions,
    /// 1, 2 or 3.
    pub(crate) version: u32,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal: what is pinned.
    pub(crate) spki_sha256: String,
    /// SHA-256 of the certificate, lower-case hexadecimal: the usual fingerprint.
    pub(crate) sha256: String,
    pub(super) fingerprint: [u8; 32],
    places: Skeleton,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`Malformed`] with the place of the first defect. A damaged extension is no such defect: see [`Extensions::unreadable`].
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Malformed> {
        Self::read(Arc::from(der))
    }

    /// As [`Certificate::parse`], of bytes that are kept already.
    pub(super) fn read(der: Arc<[u8]>) -> Result<Self, Malformed> {
        let places = Skeleton::walk(&der)?;
        let parsed = match X509CertificateParser::new()
            .with_deep_parse_extensions(false)
            .parse(&der)
        {
            Ok((_, parsed)) => parsed,
            Err(stop) => return Err(refusal(&stop, &der, &places)),
        };
        Ok(Self::from_parsed(&parsed, places, Arc::clone(&der)))
    }

    fn from_parsed(parsed: &X509Certificate<'_>, places: Skeleton, der: Arc<[u8]>) -> Self {
        let part = |range: &Range<usize>| der.get(range.clone()).unwrap_or_default();
        let (fingerprint, fingerprint_of_key) = (sha256(&der), sha256(part(&places.key_info)));
        Self {
            subject: Name::parse(part(&places.subject)),
            issuer: Name::parse(part(&places.issuer)),
            serial: serial_text(part(&places.serial)),
            not_before: Time::from_seconds(parsed.validity().not_before.timestamp()),
            not_after: Time::from_seconds(parsed.validity().not_after.timestamp()),
            key: Key::of(parsed.public_key()),
            signature_algorithm: SignatureAlgorithm::of(&parsed.signature_algorithm),
            extensions: Extensions::of(parsed.extensions()),
            version: parsed.version().0.saturating_add(1),
            spki_sha256: HEXLOWER.encode(&fingerprint_of_key),
            sha256: HEXLOWER.encode(&fingerprint),
            fingerprint,
            places,
            der,
        }
    }

    /// The serial number's value.
    pub(super) fn serial_bytes(&self) -> &[u8] {
        self.der.get(self.places.serial.clone()).unwrap_or_default()
    }

    /// The issuer's name in DER.
    pub(super) fn issuer_bytes(&self) -> &[u8] {
        self.der.get(self.places.issuer.clone()).unwrap_or_default()
    }

    /// The bytes that the issuer signed.
    pub(super) fn signed_bytes(&self) -> &[u8] {
        self.der.get(self.places.signed.clone()).unwrap_or_default()
    }

    /// The signature.
    pub(super) fn signature(&self) -> &[u8] {
        self.der.get(self.places.signature.clone()).unwrap_or_default()
    }

    /// The public key as it stands in its bit string.
    pub(super) fn key_bytes(&self) -> &[u8] {
        self.der.get(self.places.key.clone()).unwrap_or_default()
    }

    /// The SubjectPublicKeyInfo.
    pub(super) fn key_info(&self) -> &[u8] {
        self.der.get(self.places.key_info.clone()).unwrap_or_default()
    }

    /// What people call it: its common name, else its organization, else its first DNS name, else the whole subject.
    pub(crate) fn display_name(&self) -> &str {
        let subject = &self.subject;
        let named = subject.common_name.as_deref().or(subject.organization.as_deref());
        named
            .or_else(|| self.extensions.dns_names.first().map(String::as_str))
            .unwrap_or(&subject.text)
    }

    /// When it was issued: the earliest timestamp of a transparency log that it carries, else the beginning of its validity.
    pub(crate) fn issued(&self) -> Time {
        self.extensions
            .timestamps
            .as_ref()
            .map_or(self.not_before, |timestamps| timestamps.earliest)
    }

    /// True where subject and issuer are the same; whether the key signed itself is another question.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject.matches(&self.issuer)
    }

    /// True where it may sign others: an authority by basicConstraints, or of a time or make that did not write them.
    pub(crate) fn may_issue(&self) -> bool {
        let said = &self.extensions;
        said.is_ca
            .unwrap_or_else(|| self.version == 1 || said.key_usage.is_some_and(|usage| usage.certificate_sign()))
    }

    /// True where both certify the same key under the same name: two certificates of one authority.
    pub(crate) fn is_same_entity(&self, other: &Self) -> bool {
        self.key_info() == other.key_info() && self.subject.key == other.subject.key
    }

    /// Seconds by which it had ended at `at`; `None` where it had not. The last second is valid (RFC 5280 §4.1.2.5).
    pub(crate) fn expired_by(&self, at: Time) -> Option<i64> {
        let late = at.seconds().saturating_sub(self.not_after.seconds());
        (late > 0).then_some(late)
    }

    /// Seconds by which it had yet to begin at `at`; `None` where it had begun.
    pub(crate) fn begins_after(&self, at: Time) -> Option<i64> {
        let early = self.not_before.seconds().saturating_sub(at.seconds());
        (early > 0).then_some(early)
    }
}

/// The serial number as OpenSSL prints it, in lower case: without the zero byte that keeps it positive, and with a sign where there is
/// none (RFC 5280 §4.1.2.2 forbids negative numbers).
fn serial_text(value: &[u8]) -> String {
    match value {
        [0, rest @ ..] if !rest.is_empty() => HEXLOWER.encode(rest),
        [0x80..=0xff, ..] => {
            let mut carry = true;
            let mut magnitude: Vec<u8> = Vec::with_capacity(value.len());
            for byte in value.iter().rev() {
                let negated;
                (negated, carry) = (!byte).overflowing_add(u8::from(carry));
                magnitude.push(negated);
            }
            magnitude.reverse();
            format!("-{}", HEXLOWER.encode(&magnitude))
        }
        value => HEXLOWER.encode(value),
    }
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (out, byte) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *out = *byte;
    }
    out
}

/// The parser's reason in words, at the part that it is about.
fn refusal(stop: &Stop<X509Error>, der: &[u8], places: &Skeleton) -> Malformed {
    let (Stop::Error(reason) | Stop::Failure(reason)) = stop else {
        return Malformed::new(der.len(), "the certificate ends early");
    };
    let text = |range: &Range<usize>| String::from_utf8_lossy(der.get(range.clone()).unwrap_or_default()).into_owned();
    match reason {
        X509Error::InvalidDate => Malformed::new(
            places.validity.start,
            format!(
                "validity: \"{}\" to \"{}\" are not times in UTC",
                text(&places.not_before),
                text(&places.not_after)
            ),
        ),
        X509Error::InvalidX509Name => Malformed::new(places.issuer.start, "issuer or subject is no name"),
        X509Error::InvalidSPKI => Malformed::new(places.key_info.start, "the public key cannot be read"),
        X509Error::InvalidExtensions => Malformed::new(places.extensions.start, "the extensions cannot be read"),
        X509Error::InvalidSignatureValue => Malformed::new(places.signature.start, "the signature cannot be read"),
        reason => Malformed::new(places.signed.start, format!("the certificate is not DER: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Leaf, odd};
    use super::*;

    #[test]
    fn what_openssl_prints_is_read() {
        let certificate = odd("every-extension");
        assert_eq!(certificate.subject.text, "O=Staple Org");
        assert_eq!(certificate.display_name(), "Staple Org");
        assert!(certificate.is_self_issued() && certificate.may_issue());
        assert_eq!(certificate.version, 3);
        assert_eq!(certificate.sha256.len(), 64);
        assert_ne!(certificate.sha256, certificate.spki_sha256);
    }

    #[test]
    fn a_certificate_without_a_subject_goes_by_its_first_name() {
        let root = Authority::root("Root");
        let leaf = Leaf::named("shop.example").without_subject().signed_by(&root);
        assert_eq!(Certificate::parse(&leaf).unwrap().display_name(), "shop.example");
    }

    #[test]
    fn serial_numbers_print_as_openssl_prints_them() {
        assert_eq!(serial_text(&[0, 0xb3]), "b3");
        assert_eq!(serial_text(&[0xb3]), "-4d");
        assert_eq!(serial_text(&[0xff, 0]), "-0100");
        assert_eq!(serial_text(&[0]), "00");
    }

    #[test]
    fn both_ends_of_the_validity_are_valid() {
        let certificate = odd("p521");
        let (first, last) = (certificate.not_before, certificate.not_after);
        assert_eq!(
            (certificate.begins_after(first), certificate.expired_by(last)),
            (None, None)
        );
        assert_eq!(
            certificate.expired_by(Time::from_nanos(last.nanos() + 999_999_999)),
            None
        );
        assert_eq!(certificate.expired_by(Time::from_seconds(last.seconds() + 1)), Some(1));
        assert_eq!(certificate.begins_after(Time::from_nanos(first.nanos() - 1)), Some(1));
    }

    #[test]
    fn a_time_with_an_offset_is_told_as_it_stands() {
        let der = odd("version-1").der.to_vec();
        let place = der.iter().rposition(|&byte| byte == b'Z').unwrap();
        let mut broken = der;
        broken[place] = b'X';
        let fault = Certificate::parse(&broken).unwrap_err();
        assert!(fault.what.contains("X\" are not times in UTC"), "{fault}");
    }

    #[test]
    fn no_change_of_a_byte_makes_the_reader_panic() {
        let der = odd("every-extension").der.to_vec();
        for place in 0..der.len() {
            for bit in [1u8, 0x20, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[place] ^= bit;
                if let Err(fault) = Certificate::parse(&changed) {
                    assert!(fault.at <= changed.len());
                }
            }
        }
    }
}
