//! Trust stores of Java and Windows, and bundles: the certificates that lie in them unencrypted.
//!
//! A JKS or JCEKS file has its certificates in the clear; its password protects keys and, by a hash that is not looked at here, against
//! changes. In PKCS#12 (RFC 7292) certificates may be encrypted, and mostly are outside of Java's own `cacerts`; those are not read: it
//! would take three ciphers that nothing else here needs. PKCS#7 (RFC 2315) serves to hand certificates around. No password is asked for.

use super::der::{Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET, oid_text};

/// The first tag of a choice that belongs to its context, constructed.
const CONTEXT_0: u8 = 0xa0;

/// Bytes of the hash at the end of a JKS file.
const HASH_LEN: usize = 20;

const DATA: &str = "1.2.840.113549.1.7.1";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";
const CERT_BAG: &str = "1.2.840.113549.1.12.10.1.3";
const X509_CERTIFICATE: &str = "1.2.840.113549.1.9.22.1";

/// True for a key store of Java's own kinds.
pub(super) fn is_java(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce])
}

/// The trusted certificates of a JKS or JCEKS file as far as it can be read, and true where that is all of it. The certificates of its
/// private keys are passed over.
pub(super) fn java(bytes: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut certificates = Vec::new();
    let whole = java_entries(&mut { bytes }, &mut certificates).is_some();
    (certificates, whole)
}

fn java_entries<'a>(rest: &mut &'a [u8], certificates: &mut Vec<&'a [u8]>) -> Option<()> {
    take(rest, 4)?;
    let version = number(rest)?;
    for _ in 0..number(rest)? {
        let kind = number(rest)?;
        text(rest)?;
        take(rest, 8)?;
        match kind {
            1 => {
                sized(rest)?;
                for _ in 0..number(rest)? {
                    java_certificate(rest, version)?;
                }
            }
            2 => certificates.push(java_certificate(rest, version)?),
            // JCEKS' secret keys are serialised objects, whose end only Java finds.
            _ => return None,
        }
    }
    (rest.len() == HASH_LEN).then_some(())
}

fn java_certificate<'a>(rest: &mut &'a [u8], version: u32) -> Option<&'a [u8]> {
    if version > 1 {
        text(rest)?;
    }
    sized(rest)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(u32::from_be_bytes(*taken))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, left) = rest.split_first_chunk()?;
    *rest = left;
    take(rest, usize::from(u16::from_be_bytes(*len)))
}

fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = number(rest)?;
    take(rest, usize::try_from(len).ok()?)
}

/// The certificates of a PKCS#12 file that are not encrypted, and true where other parts of it are; `None` where it is none.
pub(super) fn pkcs12(bytes: &[u8]) -> Option<(Vec<&[u8]>, bool)> {
    let mut file = Reader::new(bytes).expect(SEQUENCE, "file").ok()?.inside();
    file.expect(INTEGER, "version").ok()?;
    let (kind, safe) = content(&mut file)?;
    if kind != DATA {
        return None;
    }
    let (mut certificates, mut is_encrypted) = (Vec::new(), false);
    let mut parts = inside_octets(safe)?;
    while !parts.is_empty() {
        let (kind, part) = content(&mut parts)?;
        match kind.as_str() {
            DATA => {
                let mut bags = inside_octets(part)?;
                while !bags.is_empty() {
                    let mut bag = bags.expect(SEQUENCE, "bag").ok()?.inside();
                    certificates.extend(certificate_of(&mut bag));
                }
            }
            kind => is_encrypted |= kind == ENCRYPTED_DATA,
        }
    }
    Some((certificates, is_encrypted))
}

/// The certificate of a bag that holds one.
fn certificate_of<'a>(bag: &mut Reader<'a>) -> Option<&'a [u8]> {
    let (kind, value) = named(bag)?;
    if kind != CERT_BAG {
        return None;
    }
    let mut certificate = value.inside().expect(SEQUENCE, "certificate").ok()?.inside();
    let (kind, value) = named(&mut certificate)?;
    let octets = value.inside().expect(OCTET_STRING, "certificate").ok()?;
    (kind == X509_CERTIFICATE).then_some(octets.body)
}

/// The certificates of a PKCS#7 bundle; `None` where it is none.
pub(super) fn pkcs7(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (kind, content) = content(&mut Reader::new(bytes))?;
    if kind != SIGNED_DATA {
        return None;
    }
    let mut signed = content.inside().expect(SEQUENCE, "signed data").ok()?.inside();
    signed.expect(INTEGER, "version").ok()?;
    signed.expect(SET, "digests").ok()?;
    signed.expect(SEQUENCE, "content").ok()?;
    let list = signed.expect(CONTEXT_0, "certificates").ok()?;
    let (mut rest, mut certificates) = (list.inside(), Vec::new());
    while !rest.is_empty() {
        let element = rest.next("certificate").ok()?;
        let start = element.at.checked_sub(list.body_at)?;
        let end = element.range().end.checked_sub(list.body_at)?;
        certificates.push(list.body.get(start..end)?);
    }
    Some(certificates)
}

/// What a ContentInfo holds, and of which kind it is (RFC 2315 §7).
fn content<'a>(reader: &mut Reader<'a>) -> Option<(String, Element<'a>)> {
    named(&mut reader.expect(SEQUENCE, "content").ok()?.inside())
}

/// An object identifier and the value that follows it.
fn named<'a>(reader: &mut Reader<'a>) -> Option<(String, Element<'a>)> {
    let kind = reader.expect(OBJECT_IDENTIFIER, "kind").ok()?;
    Some((oid_text(kind.body), reader.expect(CONTEXT_0, "value").ok()?))
}

/// The sequence that is wrapped in an octet string.
fn inside_octets(value: Element<'_>) -> Option<Reader<'_>> {
    let octets = value.inside().expect(OCTET_STRING, "content").ok()?;
    Some(Reader::new(octets.body).expect(SEQUENCE, "list").ok()?.inside())
}
