//! Which library a ClientHello looks like, from its shape alone.
//!
//! Libraries order their signature schemes each in its own way, and hardly any program changes that order; the other traits (GREASE, point
//! formats, compression of certificates, extensions) confirm it or tell apart who shares it. Where the traits disagree, or the order is not
//! known, the answer is [`ClientStack::Unknown`]: a wrong name would explain an alert by a library that never sent it. A program that
//! imitates another's hello is taken for the other.
//!
//! Orders measured on hellos of: OpenSSL 1.1.1–4.0, Chromium, Firefox and NSS 3.87–3.110, GnuTLS 3.7–3.8, Go 1.19–1.27, Java 17 and 25,
//! rustls 0.23, Mbed TLS 3.6, wolfSSL 5.5–5.7, s2n-tls, Erlang/OTP 27; those of SChannel and of older versions are from captures of others.

use super::ClientHello;
use crate::registry::{CipherSuite, ExtensionType};

/// A family of TLS client libraries. All members of a family send the same alerts for the same faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ClientStack {
    /// OpenSSL, and programs built on it: curl, Python, Node.js, Ruby, PHP.
    OpenSsl,
    /// BoringSSL: Chrome, Edge, Electron, Android, Envoy, gRPC.
    BoringSsl,
    /// Apple's Network.framework and SecureTransport: Safari, iOS.
    Apple,
    /// NSS: Firefox, Thunderbird.
    Nss,
    /// Go's crypto/tls.
    Go,
    /// Java's JSSE.
    Jsse,
    /// rustls.
    Rustls,
    /// GnuTLS.
    GnuTls,
    /// Mbed TLS.
    MbedTls,
    /// wolfSSL.
    WolfSsl,
    /// s2n-tls: the AWS command line and SDKs.
    S2n,
    /// Erlang/OTP's ssl: RabbitMQ, Elixir.
    Erlang,
    /// Windows: SChannel, and .NET on it.
    Schannel,
    /// None that is known for sure.
    #[default]
    Unknown,
}

impl ClientStack {
    /// The name in reports; `None` where it is unknown.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OpenSsl => "OpenSSL",
            Self::BoringSsl => "BoringSSL",
            Self::Apple => "Apple",
            Self::Nss => "NSS",
            Self::Go => "Go",
            Self::Jsse => "Java JSSE",
            Self::Rustls => "rustls",
            Self::GnuTls => "GnuTLS",
            Self::MbedTls => "Mbed TLS",
            Self::WolfSsl => "wolfSSL",
            Self::S2n => "s2n-tls",
            Self::Erlang => "Erlang/OTP",
            Self::Schannel => "SChannel",
            Self::Unknown => return None,
        })
    }
}

/// Signature schemes that are looked at.
const SCHEMES: usize = 12;

/// Guesses the library that made a hello.
pub(crate) fn guess_client(hello: &ClientHello<'_>) -> ClientStack {
    // ML-DSA comes first or last by version and build, and only blurs the order.
    let mut schemes = [0; SCHEMES];
    let offered = hello
        .signature_schemes()
        .into_iter()
        .flatten()
        .filter(|scheme| scheme.0 >> 8 != 9);
    for (place, scheme) in schemes.iter_mut().zip(offered) {
        *place = scheme.0;
    }
    if hello.has_grease() {
        with_grease(hello, &schemes)
    } else {
        without_grease(hello, &schemes)
    }
}

/// Two families send GREASE by default.
fn with_grease(hello: &ClientHello<'_>, schemes: &[u16; SCHEMES]) -> ClientStack {
    let compression = |algorithm| {
        hello
            .compress_certificate()
            .is_some_and(|mut list| list.next() == Some(algorithm) && list.next().is_none())
    };
    let (zlib, brotli) = (compression(1), compression(2));
    let settings = hello.has(ExtensionType::APPLICATION_SETTINGS) || hello.has(ExtensionType::APPLICATION_SETTINGS_OLD);
    let twice = has_apples_slip(schemes);
    match schemes {
        [0x0403, 0x0804, 0x0401, 0x0503, ..] if (twice || zlib) && !settings && !brotli => ClientStack::Apple,
        [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, ..] if !twice && !zlib => {
            ClientStack::BoringSsl
        }
        _ => ClientStack::Unknown,
    }
}

/// Apple names rsa_pss_rsae_sha384 twice.
fn has_apples_slip(schemes: &[u16; SCHEMES]) -> bool {
    schemes.iter().filter(|&&scheme| scheme == 0x0805).count() > 1
}

fn without_grease(hello: &ClientHello<'_>, schemes: &[u16; SCHEMES]) -> ClientStack {
    let formats = hello.ec_point_formats();
    let has = |kind| hello.has(kind);
    let signals = |suite| hello.cipher_suites().any(|offered| offered == suite);
    match schemes {
        [
            0x0403,
            0x0503,
            0x0603,
            0x0807,
            0x0808,
            0x0804,
            0x0805,
            0x0806,
            0x0809,
            ..,
        ] if has(ExtensionType::STATUS_REQUEST_V2) || has(ExtensionType::SIGNATURE_ALGORITHMS_CERT) => {
            ClientStack::Jsse
        }
        [0x0603, 0x0601, 0x0503, 0x0501, 0x0403, 0x0401, 0x0402, 0x0303, ..] if formats == Some(&[0]) => {
            ClientStack::Jsse
        }
        [0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809 | 0x081a, ..] => ClientStack::OpenSsl,
        // A list that the program set itself: no other library offers compressed points.
        _ if formats == Some(&[0, 1, 2]) => ClientStack::OpenSsl,
        [0x0804, 0x0403, 0x0807, 0x0805, 0x0806, ..] if !has(ExtensionType::ENCRYPT_THEN_MAC) => ClientStack::Go,
        [0x0403, 0x0503, 0x0603, 0x0203, 0x0804, 0x0805, 0x0806, 0x0401, ..]
        | [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, ..]
            if has(ExtensionType::RENEGOTIATION_INFO) || has(ExtensionType::RECORD_SIZE_LIMIT) =>
        {
            ClientStack::Nss
        }
        [0x0401, 0x0809, 0x0804, 0x0403, 0x0807, 0x0501, ..] => ClientStack::GnuTls,
        [0x0503, 0x0403, 0x0807, 0x0806, 0x0805, 0x0804, ..] | [0x0503, 0x0403, 0x0603, 0x0807, 0x0806, 0x0805, ..] => {
            ClientStack::Rustls
        }
        [0x0403, 0x0503, 0x0603, 0x0806, 0x0805, 0x0804, ..] => ClientStack::MbedTls,
        [0x0603, 0x0601, 0x0503, 0x0501, 0x0403, 0x0401, 0x0303, ..]
            if has(ExtensionType::ENCRYPT_THEN_MAC) && signals(CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV) =>
        {
            ClientStack::MbedTls
        }
        [0x0603, 0x0503, 0x0403, 0x0203, 0x0807 | 0x0806, ..] => ClientStack::WolfSsl,
        [0x0403, 0x0503, 0x0603, 0x0809, 0x080a, ..] => ClientStack::S2n,
        [0x0807, 0x0808, 0x0603, 0x0503, 0x0403, ..] | [0x0603, 0x080b, 0x0806, 0x0601, 0x0503, ..] => {
            ClientStack::Erlang
        }
        [
            0x0804,
            0x0805,
            0x0806,
            0x0401,
            0x0501,
            0x0201,
            0x0403,
            0x0503,
            0x0203,
            ..,
        ]
        | [0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202, ..] => ClientStack::Schannel,
        [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, ..] => ClientStack::BoringSsl,
        [0x0403, 0x0804, 0x0401, 0x0503, 0x0203, ..] if has_apples_slip(schemes) => ClientStack::Apple,
        _ => ClientStack::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::client_hello::testing::{client_hello, codes, extension, vec16};

    fn guess(suites: &[u16], schemes: &[u16], more: &[Vec<u8>]) -> ClientStack {
        let mut extensions = vec![extension(13, &vec16(&codes(schemes)))];
        extensions.extend_from_slice(more);
        let body = client_hello(0x0303, &[], suites, &extensions);
        guess_client(&ClientHello::parse(&body).unwrap())
    }

    #[test]
    fn libraries_are_known_by_the_order_of_their_signature_schemes() {
        let openssl = [0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804];
        assert_eq!(guess(&[0x1302], &openssl, &[]), ClientStack::OpenSsl);
        let newer = [
            0x0905, 0x0906, 0x0904, 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x081a, 0x081b,
        ];
        assert_eq!(guess(&[0x1302], &newer, &[]), ClientStack::OpenSsl);
        let go = [0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501];
        assert_eq!(guess(&[0xc02b], &go, &[]), ClientStack::Go);
        let gnutls = [0x0401, 0x0809, 0x0804, 0x0403, 0x0807, 0x0501, 0x080a];
        assert_eq!(guess(&[0x1302], &gnutls, &[]), ClientStack::GnuTls);
        let rustls = [0x0503, 0x0403, 0x0807, 0x0806, 0x0805, 0x0804, 0x0601];
        assert_eq!(guess(&[0x1302], &rustls, &[]), ClientStack::Rustls);
    }

    #[test]
    fn java_shares_the_beginning_of_openssls_order() {
        let java = [
            0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a,
        ];
        assert_eq!(guess(&[0x1302], &java, &[extension(17, &[])]), ClientStack::Jsse);
        assert_eq!(guess(&[0x1302], &java, &[]), ClientStack::Unknown);
    }

    #[test]
    fn browsers_with_grease_are_told_apart_by_how_they_compress() {
        let chrome = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        assert_eq!(
            guess(&[0x2a2a, 0x1301], &chrome, &[extension(27, &[2, 0, 2])]),
            ClientStack::BoringSsl
        );
        let safari = [
            0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201,
        ];
        assert_eq!(
            guess(&[0x2a2a, 0x1302], &safari, &[extension(27, &[2, 0, 1])]),
            ClientStack::Apple
        );
        assert_eq!(
            guess(&[0x2a2a, 0x1302], &safari, &[extension(27, &[2, 0, 2])]),
            ClientStack::Unknown
        );
    }

    #[test]
    fn a_list_that_the_program_set_is_openssls_only_with_its_point_formats() {
        assert_eq!(
            guess(&[0xc02f], &[0x0401], &[extension(11, &[3, 0, 1, 2])]),
            ClientStack::OpenSsl
        );
        assert_eq!(guess(&[0xc02f], &[0x0401], &[]), ClientStack::Unknown);
        let body = client_hello(0x0301, &[], &[0x0005], &[]);
        assert_eq!(guess_client(&ClientHello::parse(&body).unwrap()), ClientStack::Unknown);
    }
}
