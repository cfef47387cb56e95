//! What a client offers: the ClientHello of SSL 3.0 to TLS 1.3.

use super::extension::{self, Codes, Extensions, KeyShares, Names};
use super::{Malformed, Reader, Reason};
use crate::registry::{CipherSuite, ExtensionType, Group, ProtocolVersion, SignatureScheme, is_grease};

/// The longest session id (RFC 5246 §7.4.1.2).
const SESSION_ID_MAX: u32 = 32;

/// A ClientHello (RFC 9846 §4.2.2, RFC 5246 §7.4.1.2). After [`ClientHello::parse`] no accessor can fail.
///
/// Lists come without GREASE values; [`Codes::with_grease`] brings them back. An accessor for an extension answers `None` where the extension
/// is absent or cannot be read; [`ClientHello::fault`] tells the two apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientHello<'a> {
    legacy_version: ProtocolVersion,
    time: u32,
    session_id: Reader<'a>,
    cipher_suites: Reader<'a>,
    compression_methods: Reader<'a>,
    extensions: Reader<'a>,
    /// What is wrong at the end of the message, where it does not keep the rest from being read.
    tail: Option<Malformed>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a client_hello message, without its four bytes of header.
    ///
    /// # Errors
    /// [`Malformed`] where the message ends within the fields before the extensions. Lesser faults are told by [`ClientHello::fault`].
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let legacy_version = ProtocolVersion(reader.u16("legacy_version")?);
        let [first, second, third, fourth, ..] = *reader.array::<32>("random")?;
        let mut hello = Self {
            legacy_version,
            time: u32::from_be_bytes([first, second, third, fourth]),
            session_id: reader.vec8("legacy_session_id")?,
            cipher_suites: reader.vec16("cipher_suites")?,
            compression_methods: reader.vec8("legacy_compression_methods")?,
            extensions: Reader::new(&[]),
            tail: None,
        };
        if !reader.is_empty() {
            (hello.extensions, hello.tail) = extension_block(reader);
        }
        Ok(hello)
    }

    /// The first four bytes of the random as a number: in TLS 1.2's words the seconds since 1970, though most clients no longer say them
    /// (RFC 5246 §7.4.1.2).
    pub(crate) const fn time(&self) -> u32 {
        self.time
    }

    /// The first thing that is wrong with the message although it could be read: an odd list of suites, a session id that is too long, a
    /// list of extensions that does not fit, an extension twice, one with contents that do not parse, bytes after the end.
    pub(crate) fn fault(&self) -> Option<Malformed> {
        self.check().err()
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.session_id.left() > SESSION_ID_MAX as usize {
            return Err(Malformed {
                what: "legacy_session_id",
                at: self.session_id.offset(),
                why: Reason::TooLong { max: SESSION_ID_MAX },
            });
        }
        self.cipher_suites.some("cipher_suites")?;
        self.cipher_suites.even("cipher_suites")?;
        self.compression_methods.some("legacy_compression_methods")?;
        if let Some(malformed) = self.tail.or_else(|| self.extensions().fault()) {
            return Err(malformed);
        }
        self.read(ExtensionType::SERVER_NAME, extension::server_name)
            .transpose()?;
        self.read(ExtensionType::SUPPORTED_VERSIONS, versions).transpose()?;
        self.read(ExtensionType::SUPPORTED_GROUPS, groups).transpose()?;
        self.read(ExtensionType::KEY_SHARE, extension::key_shares).transpose()?;
        self.read(ExtensionType::SIGNATURE_ALGORITHMS, schemes).transpose()?;
        self.read(ExtensionType::SIGNATURE_ALGORITHMS_CERT, schemes)
            .transpose()?;
        self.read(ExtensionType::ALPN, extension::names).transpose()?;
        Ok(())
    }

    /// What one extension holds; `None` where it is absent.
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

    /// The version field of the message; at most TLS 1.2 from clients that keep to RFC 9846.
    pub(crate) const fn legacy_version(&self) -> ProtocolVersion {
        self.legacy_version
    }

    /// The session id: one to resume, or filler for middleboxes (RFC 9846 §E.4).
    pub(crate) fn session_id(&self) -> &'a [u8] {
        { self.session_id }.rest()
    }

    /// The suites in order of preference, signals (SCSV) included, GREASE left out.
    pub(crate) fn cipher_suites(&self) -> Codes<'a, CipherSuite> {
        Codes::new({ self.cipher_suites }.rest())
    }

    /// The extensions in wire order, GREASE included.
    pub(crate) const fn extensions(&self) -> Extensions<'a> {
        Extensions::new(self.extensions)
    }

    /// True where the extension is there, whatever it holds.
    pub(crate) fn has(&self, kind: ExtensionType) -> bool {
        self.extensions().find(kind).is_some()
    }

    /// The host name asked for, byte for byte.
    pub(crate) fn server_name(&self) -> Option<&'a [u8]> {
        self.get(ExtensionType::SERVER_NAME, extension::server_name)
    }

    /// The versions of the extension `supported_versions`, in order of preference, GREASE left out.
    pub(crate) fn supported_versions(&self) -> Option<Codes<'a, ProtocolVersion>> {
        self.get(ExtensionType::SUPPORTED_VERSIONS, versions)
    }

    /// The highest version on offer, drafts of TLS 1.3 counted as such.
    pub(crate) fn highest_version(&self) -> ProtocolVersion {
        self.supported_versions()
            .and_then(|versions| versions.max_by_key(|version| version.rank()))
            .unwrap_or(self.legacy_version)
    }

    /// The groups in order of preference, GREASE left out.
    pub(crate) fn groups(&self) -> Option<Codes<'a, Group>> {
        self.get(ExtensionType::SUPPORTED_GROUPS, groups)
    }

    /// The key shares sent ahead (TLS 1.3), GREASE left out.
    pub(crate) fn key_shares(&self) -> Option<KeyShares<'a>> {
        self.get(ExtensionType::KEY_SHARE, extension::key_shares)
    }

    /// What the client can verify in handshakes, and in certificates unless `signature_algorithms_cert` says otherwise. GREASE left out.
    pub(crate) fn signature_schemes(&self) -> Option<Codes<'a, SignatureScheme>> {
        self.get(ExtensionType::SIGNATURE_ALGORITHMS, schemes)
    }

    /// The application protocols in order of preference. GREASE names of two bytes are left in.
    pub(crate) fn alpn(&self) -> Option<Names<'a>> {
        self.get(ExtensionType::ALPN, extension::names)
    }

    /// The point formats; 0 is uncompressed (RFC 8422 §5.1.2).
    pub(crate) fn ec_point_formats(&self) -> Option<&'a [u8]> {
        self.get(ExtensionType::EC_POINT_FORMATS, |mut body| {
            let mut list = body.vec8("ec_point_format_list")?;
            body.end("ec_point_format_list")?;
            Ok(list.rest())
        })
    }

    /// The algorithms for compressed certificates (RFC 8879): 1 zlib, 2 brotli, 3 zstd. GREASE left out.
    pub(crate) fn compress_certificate(&self) -> Option<Codes<'a, u16>> {
        self.get(ExtensionType::COMPRESS_CERTIFICATE, |body| {
            extension::codes8(body, "algorithms")
        })
    }

    /// The session ticket of TLS 1.2 and below (RFC 5077): empty where the client only says that it can take one.
    pub(crate) fn session_ticket(&self) -> Option<&'a [u8]> {
        self.extensions().find(ExtensionType::SESSION_TICKET)
    }

    /// True where the extension of Encrypted Client Hello is there; it may be GREASE, which looks the same (RFC 9849 §6.2).
    pub(crate) fn has_ech(&self) -> bool {
        self.has(ExtensionType::ENCRYPTED_CLIENT_HELLO)
    }

    /// True where the client offers shared keys or tickets of TLS 1.3.
    pub(crate) fn has_psk(&self) -> bool {
        self.has(ExtensionType::PRE_SHARED_KEY)
    }

    /// The identity of the first shared key on offer: the name of one that was agreed on elsewhere, or a ticket (RFC 9846 §4.3.11).
    pub(crate) fn psk_identity(&self) -> Option<&'a [u8]> {
        self.get(ExtensionType::PRE_SHARED_KEY, |mut body| {
            let mut identities = body.vec16("identities")?;
            Ok(identities.vec16("identity")?.rest())
        })
    }

    /// True where the client sends data ahead of the answer (0-RTT).
    pub(crate) fn has_early_data(&self) -> bool {
        self.has(ExtensionType::EARLY_DATA)
    }

    /// True where the client says that this is a retry at a lower version (RFC 7507).
    pub(crate) fn has_fallback_scsv(&self) -> bool {
        self.cipher_suites().any(|suite| suite == CipherSuite::FALLBACK_SCSV)
    }

    /// True where a suite, a group or an extension is GREASE (RFC 8701).
    pub(crate) fn has_grease(&self) -> bool {
        self.cipher_suites().with_grease().any(|suite| is_grease(suite.0))
            || self.extensions().any(|(kind, _)| is_grease(kind.0))
            || self
                .groups()
                .is_some_and(|groups| groups.with_grease().any(|group| is_grease(group.0)))
    }
}

fn versions(body: Reader<'_>) -> Result<Codes<'_, ProtocolVersion>, Malformed> {
    extension::codes8(body, "versions")
}

fn groups(body: Reader<'_>) -> Result<Codes<'_, Group>, Malformed> {
    extension::codes16(body, "named_group_list")
}

fn schemes(body: Reader<'_>) -> Result<Codes<'_, SignatureScheme>, Malformed> {
    extension::codes16(body, "supported_signature_algorithms")
}

/// The list of extensions at the end of a hello, and what is wrong with its length. A list that claims more than there is gives what there is.
pub(super) fn extension_block(mut reader: Reader<'_>) -> (Reader<'_>, Option<Malformed>) {
    let mut claimed = reader;
    match reader.vec16("extensions") {
        Ok(list) => (list, reader.end("extensions").err()),
        Err(malformed) => {
            let list = match claimed.u16("extensions") {
                Ok(_) => claimed,
                Err(_) => Reader::at(&[], claimed.offset()),
            };
            (list, Some(malformed))
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Hellos built from their parts.

    /// A vector with a length of two bytes.
    pub(in crate::tls) fn vec16(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
    }

    /// Code points one after the other.
    pub(in crate::tls) fn codes(codes: &[u16]) -> Vec<u8> {
        codes.iter().flat_map(|code| code.to_be_bytes()).collect()
    }

    /// One extension.
    pub(in crate::tls) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vec16(body)].concat()
    }

    /// The body of a ClientHello; an empty list of extensions is left out.
    pub(in crate::tls) fn client_hello(
        version: u16,
        session_id: &[u8],
        suites: &[u16],
        extensions: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([0xab; 32]);
        body.push(session_id.len() as u8);
        body.extend(session_id);
        body.extend(vec16(&codes(suites)));
        body.extend([1, 0]);
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

    fn modern() -> Vec<u8> {
        client_hello(
            0x0303,
            &[7; 32],
            &[0x2a2a, 0x1301, 0xc02f, 0x00ff],
            &[
                extension(0x1a1a, &[]),
                extension(0, &vec16(&[&[0][..], &vec16(b"shop.example")].concat())),
                extension(10, &vec16(&codes(&[0x3a3a, 0x11ec, 29]))),
                extension(13, &vec16(&codes(&[0x0403, 0x0804]))),
                extension(16, &vec16(b"\x02h2\x08http/1.1")),
                extension(43, &[5, 0x4a, 0x4a, 3, 4, 3]),
                extension(51, &vec16(&[&codes(&[29])[..], &vec16(&[9; 32])].concat())),
                extension(35, b"ticket"),
            ],
        )
    }

    #[test]
    fn the_offer_is_read_without_grease() {
        let body = modern();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(
            hello.cipher_suites().map(|suite| suite.0).collect::<Vec<_>>(),
            [0x1301, 0xc02f, 0x00ff]
        );
        assert_eq!(hello.cipher_suites().with_grease().count(), 4);
        assert_eq!(
            hello.groups().unwrap().map(|group| group.0).collect::<Vec<_>>(),
            [0x11ec, 29]
        );
        assert_eq!(hello.server_name(), Some(&b"shop.example"[..]));
        assert_eq!(hello.alpn().unwrap().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(
            hello.key_shares().unwrap().collect::<Vec<_>>(),
            [(Group(29), &[9; 32][..])]
        );
        assert_eq!(hello.session_ticket(), Some(&b"ticket"[..]));
        assert!(hello.has_grease() && !hello.has_fallback_scsv());
    }

    #[test]
    fn the_first_shared_key_is_known_by_its_identity() {
        let identities = vec16(&[&vec16(b"sensor-7")[..], &[0; 4], &vec16(b"other"), &[0; 4]].concat());
        let binders = vec16(&[&[32][..], &[1; 32], &[32], &[2; 32]].concat());
        let with = |psk: &[u8]| client_hello(0x0303, &[], &[0x1301], &[extension(41, psk)]);
        let body = with(&[identities, binders].concat());
        assert_eq!(
            ClientHello::parse(&body).unwrap().psk_identity(),
            Some(&b"sensor-7"[..])
        );
        let body = with(&[0, 9, 0, 8]);
        let hello = ClientHello::parse(&body).unwrap();
        assert!(hello.has_psk() && hello.psk_identity().is_none());
    }

    #[test]
    fn the_highest_version_comes_from_the_extension() {
        let body = client_hello(0x0303, &[], &[0x1301], &[extension(43, &[6, 0x4a, 0x4a, 3, 3, 3, 4])]);
        assert_eq!(
            ClientHello::parse(&body).unwrap().highest_version(),
            ProtocolVersion::TLS13
        );
        let body = client_hello(0x0302, &[], &[0x002f], &[]);
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.highest_version(), ProtocolVersion::TLS11);
        assert!(hello.extensions().next().is_none() && hello.fault().is_none());
    }

    #[test]
    fn an_unreadable_extension_is_told_and_the_rest_still_comes() {
        let body = modern();
        let hello = ClientHello::parse(&body).unwrap();
        // The list of versions claims five bytes: not a whole number of versions.
        assert!(hello.supported_versions().is_none() && hello.has(ExtensionType::SUPPORTED_VERSIONS));
        assert_eq!(hello.fault().map(|fault| fault.what), Some("versions"));
        assert!(hello.key_shares().is_some());
    }

    #[test]
    fn an_odd_list_of_suites_is_told() {
        // One byte of suites where two make one.
        let body = [&[3, 3][..], &[0; 32], &[0], &[0, 1, 0x2f], &[1, 0]].concat();
        let fault = ClientHello::parse(&body).unwrap().fault().unwrap();
        assert_eq!((fault.what, fault.why), ("cipher_suites", Reason::Odd));
    }

    #[test]
    fn bytes_after_the_end_are_told() {
        let body = [client_hello(0x0303, &[], &[0xc02f], &[extension(23, &[])]), vec![0]].concat();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.fault().unwrap().why, Reason::Trailing { left: 1 });
        assert!(hello.has(ExtensionType::EXTENDED_MASTER_SECRET));
    }

    #[test]
    fn a_list_of_extensions_that_claims_too_much_gives_what_there_is() {
        let mut body = client_hello(0x0303, &[], &[0xc02f], &[extension(23, &[]), extension(22, &[])]);
        body.truncate(body.len() - 1);
        let hello = ClientHello::parse(&body).unwrap();
        assert!(hello.has(ExtensionType::EXTENDED_MASTER_SECRET) && !hello.has(ExtensionType::ENCRYPT_THEN_MAC));
        assert_eq!(hello.fault().unwrap().what, "extensions");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(body in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(hello) = ClientHello::parse(&body) {
                let _ = (hello.fault(), hello.highest_version(), hello.has_grease(), hello.server_name());
                prop_assert!(hello.extensions().count() <= body.len());
            }
        }

        #[test]
        fn the_view_agrees_with_tls_parser(
            version in any::<u16>(),
            session_id in prop::collection::vec(any::<u8>(), 0..=32),
            suites in prop::collection::vec(any::<u16>(), 1..40),
            extensions in prop::collection::btree_map(any::<u16>(), prop::collection::vec(any::<u8>(), 0..20), 1..12),
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let extensions: Vec<_> = extensions.iter().map(|(kind, body)| extension(*kind, body)).collect();
            let mut body = client_hello(version, &session_id, &suites, &extensions);
            if let Some((place, byte)) = damage {
                let place = place.index(body.len());
                body[place] = byte;
            }
            let theirs = tls_parser::parse_tls_handshake_client_hello(&body);
            let ours = ClientHello::parse(&body);
            if let Ok((_, theirs)) = theirs {
                let ours = ours.unwrap();
                prop_assert_eq!(ours.legacy_version().0, theirs.version.0);
                prop_assert_eq!(ours.session_id(), theirs.session_id.unwrap_or_default());
                let suites: Vec<_> = theirs.ciphers.iter().map(|suite| suite.0).collect();
                prop_assert_eq!(ours.cipher_suites().with_grease().map(|suite| suite.0).collect::<Vec<_>>(), suites);
                prop_assert_eq!(ours.compression_methods.left(), theirs.comp.len());
                if ours.fault().is_none() && let Some(bytes) = theirs.ext {
                    prop_assert_eq!(bytes, extensions_of(&body, &ours));
                }
            } else {
                // What tls-parser refuses is a fault here, or worse.
                prop_assert!(ours.is_err() || ours.unwrap().fault().is_some());
            }
        }
    }

    fn extensions_of<'a>(body: &'a [u8], hello: &ClientHello<'a>) -> &'a [u8] {
        let length: usize = hello.extensions().map(|(_, body)| 4 + body.unwrap().len()).sum();
        &body[body.len() - length..]
    }
}
