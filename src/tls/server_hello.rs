//! What a server chose: the ServerHello of SSL 3.0 to TLS 1.3, and the HelloRetryRequest that looks like one.

use super::client_hello::extension_block;
use super::extension::{self, Extensions};
use super::{Malformed, Reader, Reason};
use crate::registry::{CipherSuite, ExtensionType, Group, ProtocolVersion};

/// The random of a HelloRetryRequest: SHA-256 of that word (RFC 9846 §4.2.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What the end of a server's random says to a client that offered more (RFC 9846 §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Downgrade {
    /// "I can do TLS 1.3, but negotiate TLS 1.2."
    ToTls12,
    /// "I can do TLS 1.2 or better, but negotiate TLS 1.1 or below."
    ToTls11OrBelow,
}

/// A ServerHello (RFC 9846 §4.2.3, RFC 5246 §7.4.1.3). After [`ServerHello::parse`] no accessor can fail.
///
/// An accessor for an extension answers `None` where the extension is absent or cannot be read; [`ServerHello::fault`] tells the two apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerHello<'a> {
    legacy_version: ProtocolVersion,
    random: &'a [u8; 32],
    session_id: &'a [u8],
    cipher_suite: CipherSuite,
    compression_method: u8,
    extensions: Reader<'a>,
    tail: Option<Malformed>,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of a server_hello message, without its four bytes of header.
    ///
    /// # Errors
    /// [`Malformed`] where the message ends within the fields before the extensions.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let legacy_version = ProtocolVersion(reader.u16("legacy_version")?);
        let random = reader.array("random")?;
        // Drafts of TLS 1.3 up to 21 wrote their own number here, and had neither session id nor compression method.
        let early_draft = legacy_version.0 >> 8 == 0x7f;
        let session_id = if early_draft {
            &[]
        } else {
            reader.vec8("legacy_session_id_echo")?.rest()
        };
        let cipher_suite = CipherSuite(reader.u16("cipher_suite")?);
        let compression_method = if early_draft {
            0
        } else {
            reader.u8("legacy_compression_method")?
        };
        let (extensions, tail) = if reader.is_empty() {
            (reader, None)
        } else {
            extension_block(reader)
        };
        Ok(Self {
            legacy_version,
            random,
            session_id,
            cipher_suite,
            compression_method,
            extensions,
            tail,
        })
    }

    /// The first thing that is wrong with the message although it could be read.
    pub(crate) fn fault(&self) -> Option<Malformed> {
        self.check().err()
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.session_id.len() > 32 {
            return Err(Malformed {
                what: "legacy_session_id_echo",
                at: 35,
                why: Reason::TooLong { max: 32 },
            });
        }
        if let Some(malformed) = self.tail.or_else(|| self.extensions().fault()) {
            return Err(malformed);
        }
        self.read(ExtensionType::SUPPORTED_VERSIONS, selected_version)
            .transpose()?;
        self.read(ExtensionType::KEY_SHARE, |body| self.share(body))
            .transpose()?;
        self.read(ExtensionType::ALPN, extension::names).transpose()?;
        Ok(())
    }

    fn read<T>(
        &self,
        kind: ExtensionType,
        parse: impl FnOnce(Reader<'a>) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        self.extensions().reader(kind).map(parse)
    }

    fn get<T>(&self, kind: ExtensionType, parse: impl FnOnce(Reader<'a>) -> Result<T, Malformed>) -> Option<T> {
        self.read(kind, parse)?.ok()
    }

    /// Group and key of the server; a HelloRetryRequest has the group alone (RFC 9846 §4.3.8).
    fn share(&self, mut body: Reader<'a>) -> Result<(Group, &'a [u8]), Malformed> {
        let group = Group(body.u16("server_share")?);
        let mut key = Reader::new(&[]);
        if !self.is_hello_retry_request() {
            key = body.vec16("key_exchange")?;
            key.some("key_exchange")?;
        }
        body.end("server_share")?;
        Ok((group, key.rest()))
    }

    /// The version field of the message: TLS 1.2 where TLS 1.3 was chosen.
    pub(crate) const fn legacy_version(&self) -> ProtocolVersion {
        self.legacy_version
    }

    /// The version chosen.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.get(ExtensionType::SUPPORTED_VERSIONS, selected_version)
            .map_or(self.legacy_version, ProtocolVersion)
    }

    /// True where this is no answer but the wish for another ClientHello.
    pub(crate) fn is_hello_retry_request(&self) -> bool {
        self.random == &HELLO_RETRY_REQUEST
    }

    /// The session id: the client's own where a session is resumed, and always in TLS 1.3.
    pub(crate) const fn session_id(&self) -> &'a [u8] {
        self.session_id
    }

    /// The random.
    pub(crate) const fn random(&self) -> &'a [u8; 32] {
        self.random
    }

    /// The compression chosen: 0 is none.
    pub(crate) const fn compression_method(&self) -> u8 {
        self.compression_method
    }

    /// The suite chosen.
    pub(crate) const fn cipher_suite(&self) -> CipherSuite {
        self.cipher_suite
    }

    /// The extensions in wire order.
    pub(crate) const fn extensions(&self) -> Extensions<'a> {
        Extensions::new(self.extensions)
    }

    /// True where the extension is there, whatever it holds.
    pub(crate) fn has(&self, kind: ExtensionType) -> bool {
        self.extensions().find(kind).is_some()
    }

    /// The group of the server's key share, or the one that a HelloRetryRequest asks for.
    pub(crate) fn group(&self) -> Option<Group> {
        self.key_share().map(|(group, _)| group)
    }

    /// The server's key share (TLS 1.3): the group and the key, which a HelloRetryRequest does not have.
    pub(crate) fn key_share(&self) -> Option<(Group, &'a [u8])> {
        self.get(ExtensionType::KEY_SHARE, |body| self.share(body))
    }

    /// The application protocol chosen, up to TLS 1.2; TLS 1.3 sends it encrypted.
    pub(crate) fn alpn(&self) -> Option<&'a [u8]> {
        self.get(ExtensionType::ALPN, extension::names)?.next()
    }

    /// How many timestamps of transparency logs the server sends along, up to TLS 1.2 (RFC 6962 §3.3.1).
    pub(crate) fn timestamps(&self) -> usize {
        self.get(ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP, |mut body| {
            let mut list = body.vec16("sct_list")?;
            body.end("sct_list")?;
            let mut count = 0;
            while !list.is_empty() {
                list.vec16("signed_certificate_timestamp")?;
                count += 1;
            }
            Ok(count)
        })
        .unwrap_or(0)
    }

    /// Which of the client's shared keys the server took, counted from 0.
    pub(crate) fn selected_psk(&self) -> Option<u16> {
        self.get(ExtensionType::PRE_SHARED_KEY, |body| {
            extension::code(body, "selected_identity")
        })
    }

    /// True where block ciphers encrypt before they authenticate (RFC 7366).
    pub(crate) fn has_encrypt_then_mac(&self) -> bool {
        self.has(ExtensionType::ENCRYPT_THEN_MAC)
    }

    /// The mark in the random by which a newer server tells a client that offered more that somebody may have meddled.
    pub(crate) fn downgrade(&self) -> Option<Downgrade> {
        match self.random.last_chunk()? {
            b"DOWNGRD\x01" => Some(Downgrade::ToTls12),
            b"DOWNGRD\x00" => Some(Downgrade::ToTls11OrBelow),
            _ => None,
        }
    }
}

fn selected_version(body: Reader<'_>) -> Result<u16, Malformed> {
    extension::code(body, "selected_version")
}

#[cfg(test)]
pub(super) mod testing {
    use crate::tls::client_hello::testing::vec16;

    /// The body of a ServerHello; an empty list of extensions is left out.
    pub(in crate::tls) fn server_hello(
        version: u16,
        random: [u8; 32],
        session_id: &[u8],
        suite: u16,
        extensions: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend(random);
        body.push(session_id.len() as u8);
        body.extend(session_id);
        body.extend(suite.to_be_bytes());
        body.push(0);
        if !extensions.is_empty() {
            body.extend(vec16(&extensions.concat()));
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::*;
    use super::*;
    use crate::tls::client_hello::testing::{extension, vec16};

    #[test]
    fn timestamps_of_logs_are_counted() {
        let count = |list: &[u8]| {
            let body = server_hello(0x0303, [7; 32], &[], 0xc02f, &[extension(18, list)]);
            ServerHello::parse(&body).unwrap().timestamps()
        };
        assert_eq!(count(&vec16(&[vec16(b"one"), vec16(b"two")].concat())), 2);
        assert_eq!(count(&vec16(&[0, 9, 1])), 0);
        let without = server_hello(0x0303, [7; 32], &[], 0xc02f, &[]);
        assert_eq!(ServerHello::parse(&without).unwrap().timestamps(), 0);
    }

    #[test]
    fn the_version_of_tls_1_3_is_in_an_extension() {
        let share = [&[0, 29][..], &vec16(&[1; 32])].concat();
        let body = server_hello(
            0x0303,
            [5; 32],
            &[],
            0x1301,
            &[extension(43, &[3, 4]), extension(51, &share)],
        );
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!(
            (hello.version(), hello.legacy_version()),
            (ProtocolVersion::TLS13, ProtocolVersion::TLS12)
        );
        assert_eq!(hello.group(), Some(Group::X25519));
        assert!(!hello.is_hello_retry_request() && hello.fault().is_none());
    }

    #[test]
    fn a_hello_retry_request_asks_for_a_group() {
        let body = server_hello(0x0303, HELLO_RETRY_REQUEST, &[], 0x1301, &[extension(51, &[0, 24])]);
        let hello = ServerHello::parse(&body).unwrap();
        assert!(hello.is_hello_retry_request() && hello.fault().is_none());
        assert_eq!(hello.group(), Some(Group(24)));
    }

    #[test]
    fn answers_of_tls_1_2_are_read() {
        let mut random = [5; 32];
        random[24..].copy_from_slice(b"DOWNGRD\x01");
        let extensions = [
            extension(22, &[]),
            extension(16, b"\x00\x03\x02h2"),
            extension(0xff01, &[0]),
        ];
        let body = server_hello(0x0303, random, &[1, 2], 0xc02f, &extensions);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!(hello.downgrade(), Some(Downgrade::ToTls12));
        assert_eq!((hello.alpn(), hello.session_id()), (Some(&b"h2"[..]), &[1, 2][..]));
        assert!(hello.has_encrypt_then_mac() && hello.fault().is_none());
        assert_eq!(hello.cipher_suite(), CipherSuite(0xc02f));
    }

    #[test]
    fn early_drafts_of_tls_1_3_lack_two_fields() {
        let body = [
            &[0x7f, 0x12][..],
            &[5; 32],
            &[0x13, 0x01],
            &vec16(&extension(41, &[0, 0])),
        ]
        .concat();
        let hello = ServerHello::parse(&body).unwrap();
        assert!(hello.version().is_tls13());
        assert_eq!(
            (hello.cipher_suite(), hello.selected_psk()),
            (CipherSuite(0x1301), Some(0))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(body in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(hello) = ServerHello::parse(&body) {
                let _ = (hello.fault(), hello.version(), hello.group(), hello.alpn(), hello.downgrade());
            }
        }

        #[test]
        fn the_view_agrees_with_tls_parser(
            version in 0x0301_u16..=0x0303,
            random in any::<[u8; 32]>(),
            session_id in prop::collection::vec(any::<u8>(), 0..=32),
            suite in any::<u16>(),
            extensions in prop::collection::btree_map(any::<u16>(), prop::collection::vec(any::<u8>(), 0..20), 1..8),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let extensions: Vec<_> = extensions.iter().map(|(kind, body)| extension(*kind, body)).collect();
            let mut body = server_hello(version, random, &session_id, suite, &extensions);
            if let Some(cut) = cut {
                body.truncate(cut.index(body.len()));
            }
            let ours = ServerHello::parse(&body);
            if let Ok((_, theirs)) = tls_parser::parse_tls_handshake_server_hello(&body) {
                let ours = ours.unwrap();
                prop_assert_eq!(ours.legacy_version().0, theirs.version.0);
                prop_assert_eq!(&ours.random[..], theirs.random);
                prop_assert_eq!(ours.session_id(), theirs.session_id.unwrap_or_default());
                prop_assert_eq!(ours.cipher_suite().0, theirs.cipher.0);
            } else {
                prop_assert!(ours.is_err() || ours.unwrap().fault().is_some());
            }
        }
    }
}
