//! JA3, JA3S and JA4: names for the shape of a hello.
//!
//! JA3 and JA3S (Salesforce, 2017) are the MD5 of five, respectively three, lists of decimal numbers. JA4 (FoxIO, 2023, BSD 3-Clause) sorts
//! what browsers shuffle. GREASE values count in none of them (RFC 8701). Only JA4 of TLS over TCP is here.

use std::fmt::{Display, Write};

use data_encoding::HEXLOWER;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::extension::Extensions;
use super::{ClientHello, ServerHello};
use crate::registry::{CipherSuite, ExtensionType, ProtocolVersion, is_grease};

/// The JA3 of a ClientHello, in hexadecimal.
pub(crate) fn ja3(hello: &ClientHello<'_>) -> String {
    HEXLOWER.encode(&Md5::digest(ja3_text(hello)))
}

/// The JA3S of a ServerHello, in hexadecimal.
pub(crate) fn ja3s(hello: &ServerHello<'_>) -> String {
    let text = format!(
        "{},{},{}",
        hello.legacy_version().0,
        hello.cipher_suite().0,
        join(types(hello.extensions()), '-')
    );
    HEXLOWER.encode(&Md5::digest(text))
}

/// The JA4 of a ClientHello that came over TCP.
pub(crate) fn ja4(hello: &ClientHello<'_>) -> String {
    // Sorted as numbers they are in the order of their four digits.
    let mut suites: Vec<u16> = hello.cipher_suites().map(|suite| suite.0).collect();
    suites.sort_unstable();
    let all: Vec<u16> = types(hello.extensions()).collect();
    let is_fixed = |kind: &u16| *kind == ExtensionType::SERVER_NAME.0 || *kind == ExtensionType::ALPN.0;
    let mut kinds: Vec<u16> = all.iter().copied().filter(|kind| !is_fixed(kind)).collect();
    kinds.sort_unstable();
    let mut extensions = in_fours(kinds.iter().copied());
    if let Some(schemes) = hello.signature_schemes() {
        extensions.push('_');
        extensions.push_str(&in_fours(schemes.map(|scheme| scheme.0)));
    }
    format!(
        "t{}{}{:02}{:02}{}_{}_{}",
        version(hello.highest_version()),
        if hello.has(ExtensionType::SERVER_NAME) {
            'd'
        } else {
            'i'
        },
        suites.len().min(99),
        all.len().min(99),
        protocol(hello.alpn().and_then(|mut names| names.next())),
        short_hash(&in_fours(suites.iter().copied())),
        if kinds.is_empty() {
            NOTHING.to_owned()
        } else {
            short_hash(&extensions)
        },
    )
}

/// What JA4 has where there is nothing to hash.
const NOTHING: &str = "000000000000";

fn ja3_text(hello: &ClientHello<'_>) -> String {
    format!(
        "{},{},{},{},{}",
        hello.legacy_version().0,
        join(hello.cipher_suites().map(|CipherSuite(code)| code), '-'),
        join(types(hello.extensions()), '-'),
        join(hello.groups().into_iter().flatten().map(|group| group.0), '-'),
        join(hello.ec_point_formats().unwrap_or_default(), '-'),
    )
}

/// The types of the extensions, GREASE left out.
fn types(extensions: Extensions<'_>) -> impl Iterator<Item = u16> {
    extensions
        .filter(|(kind, _)| !is_grease(kind.0))
        .map(|(kind, _)| kind.0)
}

fn join(items: impl IntoIterator<Item = impl Display>, separator: char) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push(separator);
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{item}");
    }
    text
}

/// Codes of four hexadecimal digits, with commas between them.
fn in_fours(codes: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for code in codes {
        if !text.is_empty() {
            text.push(',');
        }
        HEXLOWER.encode_append(&code.to_be_bytes(), &mut text);
    }
    text
}

fn version(version: ProtocolVersion) -> &'static str {
    match version.rank() {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// First and last character of the first application protocol, or of its hexadecimal form where these are no letters or digits.
fn protocol(name: Option<&[u8]>) -> String {
    let ends = |text: &[u8]| match (text.first(), text.last()) {
        (Some(&first), Some(&last)) => Some([first, last]),
        _ => None,
    };
    let Some(name) = name else { return "00".to_owned() };
    let pair = match ends(name) {
        Some(pair) if pair.iter().all(u8::is_ascii_alphanumeric) => pair,
        _ => ends(HEXLOWER.encode(name).as_bytes()).unwrap_or(*b"00"),
    };
    pair.iter().map(|&byte| char::from(byte)).collect()
}

fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return NOTHING.to_owned();
    }
    let mut hash = HEXLOWER.encode(&Sha256::digest(text));
    hash.truncate(NOTHING.len());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::client_hello::testing::{client_hello, codes, extension, vec16};
    use crate::tls::server_hello::testing::server_hello;

    /// The hello of the example in FoxIO's description of JA4.
    fn example() -> Vec<u8> {
        let suites = [
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        let schemes = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let extensions = [
            extension(0x1a1a, &[]),
            extension(0x001b, &[2, 0, 2]),
            extension(0x0000, &vec16(&[&[0][..], &vec16(b"a.example")].concat())),
            extension(0x0033, &vec16(&[])),
            extension(0x0010, &vec16(b"\x02h2\x08http/1.1")),
            extension(0x4469, &[]),
            extension(0x0017, &[]),
            extension(0x002d, &[1, 1]),
            extension(0x000d, &vec16(&codes(&schemes))),
            extension(0x0005, &[1, 0, 0, 0, 0]),
            extension(0x0023, &[]),
            extension(0x0012, &[]),
            extension(0x002b, &[6, 0x0a, 0x0a, 3, 4, 3, 3]),
            extension(0xff01, &[0]),
            extension(0x000b, &[1, 0]),
            extension(0x000a, &vec16(&codes(&[0x3a3a, 29, 23, 24]))),
            extension(0x0015, &[0; 9]),
        ];
        client_hello(0x0303, &[0; 32], &suites, &extensions)
    }

    #[test]
    fn ja4_is_that_of_its_authors_example() {
        let body = example();
        assert_eq!(
            ja4(&ClientHello::parse(&body).unwrap()),
            "t13d1516h2_8daaf6152771_e5627efa2ab1"
        );
    }

    #[test]
    fn ja3_leaves_grease_out() {
        let body = example();
        assert_eq!(
            ja3_text(&ClientHello::parse(&body).unwrap()),
            "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,\
             27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23-24,0"
        );
    }

    #[test]
    fn a_bare_hello_has_fingerprints_too() {
        let body = client_hello(0x0301, &[], &[0x0005, 0x000a], &[]);
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(ja3_text(&hello), "769,5-10,,,");
        let ja4 = ja4(&hello);
        assert!(
            ja4.starts_with("t10i020000_") && ja4.ends_with("_000000000000"),
            "{ja4}"
        );
    }

    #[test]
    fn ja3s_hashes_three_lists() {
        let body = server_hello(
            0x0303,
            [0; 32],
            &[],
            0xc02f,
            &[extension(0xff01, &[0]), extension(11, &[1, 0])],
        );
        // MD5 of "771,49199,65281-11".
        assert_eq!(
            ja3s(&ServerHello::parse(&body).unwrap()),
            "303951d4c50efb2e991652225a6f02b1"
        );
    }

    #[test]
    fn protocols_that_are_no_text_are_named_by_their_bytes() {
        assert_eq!(protocol(Some(b"h2")), "h2");
        assert_eq!(protocol(Some(b"http/1.1")), "h1");
        assert_eq!(protocol(Some(&[0xab])), "ab");
        assert_eq!(protocol(Some(&[0x30, 0xab])), "3b");
        assert_eq!(protocol(None), "00");
    }
}
