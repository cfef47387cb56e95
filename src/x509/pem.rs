//! Certificate files as users have them: PEM with any number of certificates and comments, one certificate in DER, and key stores of
//! Java and Windows and PKCS#7 bundles as far as they are not encrypted. Where they are, the reason names the command that converts them.

use x509_parser::pem::Pem;

use super::der::{INTEGER, OBJECT_IDENTIFIER, Reader, SEQUENCE};
use super::{Certificate, keystore};

/// How to make PEM of what Java keeps.
const KEYTOOL: &str = "convert it: keytool -importkeystore -srckeystore FILE -destkeystore roots.p12 -deststoretype PKCS12 && \
                       openssl pkcs12 -in roots.p12 -nokeys -out roots.pem";
/// How to make PEM of PKCS#12.
const OPENSSL: &str = "convert it: openssl pkcs12 -in FILE -nokeys -out roots.pem";

/// What a file held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The certificates in DER, in the file's order.
    pub(super) certificates: Vec<Vec<u8>>,
    /// What was passed over, in words.
    pub(super) problems: Vec<String>,
}

/// Reads a certificate file.
///
/// # Errors
/// In words: what the file holds instead of certificates.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let contents = if bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        read_pem(bytes)?
    } else {
        read_der(bytes)?
    };
    if contents.certificates.is_empty() {
        return Err(contents
            .problems
            .into_iter()
            .next()
            .unwrap_or_else(|| "it holds no certificate".to_owned()));
    }
    Ok(contents)
}

fn read_pem(bytes: &[u8]) -> Result<Contents, String> {
    let mut contents = Contents::default();
    let mut others: Vec<String> = Vec::new();
    for (number, block) in (1u32..).zip(Pem::iter_from_buffer(bytes)) {
        match block {
            Ok(block) => match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" => contents.take(&block.contents, number),
                // OpenSSL's form: settings of trust follow the certificate.
                "TRUSTED CERTIFICATE" => contents.take(first_element(&block.contents), number),
                "PKCS7" | "CMS" => {
                    let certificates = keystore::pkcs7(&block.contents).unwrap_or_default();
                    certificates.into_iter().for_each(|der| contents.take(der, number));
                }
                label => others.push(label.to_owned()),
            },
            Err(reason) => contents.problems.push(format!("block {number}: {reason}")),
        }
    }
    if contents.certificates.is_empty() && contents.problems.is_empty() {
        others.dedup();
        return Err(match others.as_slice() {
            [] => "it begins a PEM block but does not end one".to_owned(),
            labels => format!("it holds {}, no certificate", labels.join(" and ")),
        });
    }
    Ok(contents)
}

impl Contents {
    fn take_all(&mut self, ders: &[&[u8]]) {
        (1..).zip(ders).for_each(|(number, der)| self.take(der, number));
    }

    fn take(&mut self, der: &[u8], number: u32) {
        match Certificate::parse(der) {
            Ok(_) => self.certificates.push(der.to_vec()),
            Err(fault) => self.problems.push(format!("certificate {number}: {fault}")),
        }
    }
}

fn first_element(bytes: &[u8]) -> &[u8] {
    Reader::new(bytes)
        .next("certificate")
        .ok()
        .and_then(|element| bytes.get(element.range()))
        .unwrap_or(bytes)
}

fn read_der(bytes: &[u8]) -> Result<Contents, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut contents = Contents::default();
    if keystore::is_java(bytes) {
        let (certificates, is_whole) = keystore::java(bytes);
        contents.take_all(&certificates);
        if !is_whole {
            contents.problems.push(format!(
                "it is a Java key store, of which not all can be read; {KEYTOOL}"
            ));
        }
        return Ok(contents);
    }
    match first_inside(bytes) {
        Some(INTEGER) => match keystore::pkcs12(bytes) {
            Some((certificates, is_encrypted)) => {
                contents.take_all(&certificates);
                if is_encrypted {
                    contents
                        .problems
                        .push(format!("it is a PKCS#12 key store with encrypted parts; {OPENSSL}"));
                }
            }
            None => {
                return Err(format!(
                    "it is a PKCS#12 key store that cannot be read here, or a private key; {OPENSSL}"
                ));
            }
        },
        Some(OBJECT_IDENTIFIER) => match keystore::pkcs7(bytes) {
            Some(certificates) => contents.take_all(&certificates),
            None => {
                return Err("it is a PKCS#7 bundle that cannot be read here; convert it: openssl pkcs7 -inform DER -in FILE -print_certs -out roots.pem".to_owned());
            }
        },
        Some(_) => contents.take(bytes, 1),
        None => return Err("it is neither PEM nor DER".to_owned()),
    }
    Ok(contents)
}

/// The tag of what comes first inside the outer sequence.
fn first_inside(bytes: &[u8]) -> Option<u8> {
    // Key stores are often written in BER, without a length.
    if let [SEQUENCE, 0x80, tag, ..] = bytes {
        return Some(*tag);
    }
    Reader::new(bytes).expect(SEQUENCE, "file").ok()?.inside().peek()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, ODD_PEM, odd};
    use super::*;

    #[test]
    fn pem_with_comments_yields_every_certificate() {
        let contents = read(ODD_PEM.as_bytes()).unwrap();
        assert_eq!(contents.certificates.len(), 12);
        assert_eq!(contents.problems, Vec::<String>::new());
        let windows = format!("\u{feff}{}", ODD_PEM.replace('\n', "\r\n"));
        assert_eq!(read(windows.as_bytes()).unwrap().certificates.len(), 12);
    }

    #[test]
    fn der_holds_one() {
        let der = Authority::root("Root").der;
        assert_eq!(read(&der).unwrap().certificates, [der]);
    }

    #[test]
    fn a_damaged_block_does_not_hide_the_next() {
        let text = format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{ODD_PEM}");
        let contents = read(text.as_bytes()).unwrap();
        assert_eq!(contents.certificates.len(), 12);
        assert!(
            contents.problems[0].starts_with("certificate 1: "),
            "{:?}",
            contents.problems
        );
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let reason = |bytes: &[u8]| read(bytes).unwrap_err();
        assert_eq!(reason(b""), "it is empty");
        assert_eq!(reason(b"hello"), "it is neither PEM nor DER");
        assert_eq!(
            reason(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "it holds PRIVATE KEY, no certificate"
        );
        assert!(reason(&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]).contains("keytool -importkeystore"));
        assert!(reason(&[0x30, 0x06, 0x02, 0x01, 0x03, 0x30, 0x01, 0x00]).contains("openssl pkcs12"));
        assert!(reason(&[0x30, 0x80, 0x06, 0x09]).contains("openssl pkcs7"));
        let mut cut = odd("ed25519").der.to_vec();
        cut.pop();
        assert!(reason(&cut).contains("neither") || reason(&cut).contains("announced"));
    }

    #[test]
    fn key_stores_and_bundles_hold_the_same_two_roots() {
        let stores: [&[u8]; 5] = [
            include_bytes!("../../fixtures/trust/stores/java.jks"),
            include_bytes!("../../fixtures/trust/stores/java.jceks"),
            include_bytes!("../../fixtures/trust/stores/open.p12"),
            include_bytes!("../../fixtures/trust/stores/bundle.p7b"),
            include_bytes!("../../fixtures/trust/stores/bundle.p7b.pem"),
        ];
        let roots = [
            &include_bytes!("../../fixtures/trust/fernwick-root.pem")[..],
            include_bytes!("../../fixtures/trust/northwind-root.pem"),
        ];
        let mut roots = roots.map(|pem| read(pem).unwrap().certificates.remove(0));
        roots.sort();
        for (place, store) in stores.iter().enumerate() {
            let mut contents = read(store).unwrap();
            contents.certificates.sort();
            assert_eq!(contents.certificates, roots, "{place}");
            assert_eq!(contents.problems, Vec::<String>::new(), "{place}");
        }
    }

    #[test]
    fn an_encrypted_key_store_is_answered_with_its_conversion() {
        let reason = read(include_bytes!("../../fixtures/trust/stores/encrypted.p12")).unwrap_err();
        assert!(reason.contains("openssl pkcs12 -in FILE -nokeys"), "{reason}");
    }

    #[test]
    fn no_cut_and_no_changed_byte_of_a_key_store_does_harm() {
        let stores: [&[u8]; 3] = [
            include_bytes!("../../fixtures/trust/stores/java.jks"),
            include_bytes!("../../fixtures/trust/stores/open.p12"),
            include_bytes!("../../fixtures/trust/stores/bundle.p7b"),
        ];
        for store in stores {
            for place in 0..store.len() {
                let cut = read(store.get(..place).unwrap());
                assert!(cut.is_err() || !cut.unwrap().problems.is_empty());
                let mut changed = store.to_vec();
                changed[place] ^= 0xff;
                let _ = read(&changed);
            }
        }
    }
}
