//! What the client offers.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::registry::{Authentication, CipherSuite, ExtensionType, Group, ProtocolVersion, SignatureScheme, is_grease};
use crate::tls::{ClientHello, ClientStack, Malformed, Sslv2ClientHello, guess_client, ja3, ja4};

/// Bytes of a name of a shared key that is kept (RFC 4279 §5.3 has them up to 128).
const IDENTITY_MAX: usize = 128;

/// A ClientHello, with GREASE (RFC 8701) taken out of every list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Offer {
    /// Every version offered, best first: `supported_versions`, else `legacy_version` alone.
    pub(crate) versions: Vec<ProtocolVersion>,
    /// True where the versions come from the extension `supported_versions`.
    pub(crate) lists_versions: bool,
    /// Cipher suites in the client's order, signalling values included.
    pub(crate) cipher_suites: Vec<CipherSuite>,
    /// `supported_groups`.
    pub(crate) groups: Vec<Group>,
    /// Groups for which a key share was sent.
    pub(crate) key_shares: Vec<Group>,
    /// `signature_algorithms`.
    pub(crate) signature_schemes: Vec<SignatureScheme>,
    /// ALPN protocols, as text.
    pub(crate) alpn: Vec<String>,
    /// `server_name`.
    pub(crate) server_name: Option<String>,
    /// Extension types in order.
    pub(crate) extensions: Vec<ExtensionType>,
    /// A pre-shared key or a session ticket with content was offered.
    pub(crate) resumption: bool,
    /// The identity of the first pre-shared key, where it is text: the name of a key that was agreed on elsewhere. Tickets are none.
    pub(crate) psk_identity: Option<String>,
    /// `early_data` was offered: records before the answer are 0-RTT.
    pub(crate) early_data: bool,
    /// TLS_FALLBACK_SCSV (RFC 7507) is among the suites.
    pub(crate) fallback: bool,
    /// `encrypted_client_hello` is there, real or GREASE.
    pub(crate) ech: bool,
    /// `compress_certificate` is there, so certificate sizes say little.
    pub(crate) compresses_certificates: bool,
    /// An SSLv2-format hello.
    pub(crate) sslv2: bool,
    /// Bytes of the handshake message.
    pub(crate) len: u32,
    /// Which TLS library the shape of the hello points at.
    pub(crate) stack: ClientStack,
    /// JA3 fingerprint: MD5 in hex. `None` for SSL 2.0's format, which has none.
    pub(crate) ja3: Option<String>,
    /// JA4 fingerprint.
    pub(crate) ja4: Option<String>,
    /// The first thing in it that breaks its format.
    pub(crate) fault: Option<Malformed>,
}

/// Offers that were seen, each kept once: a client sends the same one again and again.
#[derive(Debug, Default)]
pub(crate) struct Offers(HashSet<Arc<Offer>, foldhash::fast::RandomState>);

impl Offers {
    /// Hostile clients may vary at will: no more than this is remembered.
    const KEPT: usize = 1_024;

    /// The one holder of an offer.
    pub(crate) fn intern(&mut self, offer: Offer) -> Arc<Offer> {
        if let Some(known) = self.0.get(&offer) {
            return Arc::clone(known);
        }
        let new = Arc::new(offer);
        if self.0.len() < Self::KEPT {
            self.0.insert(Arc::clone(&new));
        }
        new
    }
}

impl Offer {
    /// From a ClientHello; `len` is that of the handshake message in bytes.
    pub(crate) fn from_hello(hello: &ClientHello<'_>, len: u32) -> Self {
        let listed: Option<Vec<ProtocolVersion>> = hello.supported_versions().map(Iterator::collect);
        let lists_versions = listed.is_some();
        Self {
            versions: listed.unwrap_or_else(|| vec![hello.legacy_version()]),
            lists_versions,
            cipher_suites: hello.cipher_suites().collect(),
            groups: hello.groups().into_iter().flatten().collect(),
            key_shares: hello
                .key_shares()
                .into_iter()
                .flatten()
                .map(|(group, _)| group)
                .collect(),
            signature_schemes: hello.signature_schemes().into_iter().flatten().collect(),
            alpn: hello.alpn().into_iter().flatten().map(text).collect(),
            server_name: hello.server_name().map(text),
            extensions: hello
                .extensions()
                .map(|(kind, _)| kind)
                .filter(|kind| !is_grease(kind.0))
                .collect(),
            resumption: hello.has_psk() || hello.session_ticket().is_some_and(|ticket| !ticket.is_empty()),
            psk_identity: hello.psk_identity().and_then(printable),
            early_data: hello.has_early_data(),
            fallback: hello.has_fallback_scsv(),
            ech: hello.has_ech(),
            compresses_certificates: hello.compress_certificate().is_some(),
            sslv2: false,
            len,
            stack: guess_client(hello),
            ja3: Some(ja3(hello)),
            ja4: Some(ja4(hello)),
            fault: hello.fault(),
        }
    }

    /// From a hello in the format of SSL 2.0, which has no extensions.
    pub(crate) fn from_sslv2(hello: &Sslv2ClientHello<'_>, len: u32) -> Self {
        Self {
            versions: vec![hello.version()],
            cipher_suites: hello.cipher_suites().collect(),
            sslv2: true,
            len,
            ..Self::default()
        }
    }

    /// True where a server of this version can be answered to. Without `supported_versions` every version from SSL 3.0 up to the one named may do.
    pub(crate) fn allows(&self, version: ProtocolVersion) -> bool {
        if self.lists_versions {
            return self.versions.contains(&version);
        }
        self.versions.iter().any(|offered| version.rank() <= offered.rank())
    }

    /// True for a hello that any up-to-date server can answer: usual versions, suites and groups.
    pub(crate) fn is_ordinary(&self) -> bool {
        self.offers_tls13()
            && self.offers_older_than_13()
            && self.real_suites().filter(|suite| !suite.is_tls13()).count() >= 4
            && self.groups.contains(&Group::X25519)
            && self.groups.contains(&Group::SECP256R1)
    }

    /// True where a server that knows TLS 1.2 finds in it what it needs, whatever its certificate: suites and signatures of both usual kinds of
    /// keys, and usual groups.
    pub(crate) fn is_wide(&self) -> bool {
        let has = |kind| self.real_suites().any(|suite| suite.authentication() == kind);
        let signs = |kind: u16| self.signature_schemes.iter().any(|scheme| scheme.0 & 0xff == kind);
        has(Authentication::Rsa)
            && has(Authentication::Ecdsa)
            && self.real_suites().count() >= 8
            && (self.signature_schemes.is_empty() || signs(1) && signs(3))
            && self.groups.contains(&Group::SECP256R1)
    }

    /// The highest version offered.
    pub(crate) fn best_version(&self) -> Option<ProtocolVersion> {
        self.versions.iter().copied().max_by_key(|version| version.rank())
    }

    /// The lowest version offered in so many words; without `supported_versions` a client may take less than it names.
    pub(crate) fn least_version(&self) -> Option<ProtocolVersion> {
        self.versions.iter().copied().min_by_key(|version| version.rank())
    }

    /// True where TLS 1.3 is offered.
    pub(crate) fn offers_tls13(&self) -> bool {
        self.versions.iter().any(|version| version.is_tls13())
    }

    /// True where TLS 1.2 or older is offered.
    pub(crate) fn offers_older_than_13(&self) -> bool {
        self.versions.iter().any(|version| !version.is_tls13())
    }

    /// The suites that select a cipher: no signalling values.
    pub(crate) fn real_suites(&self) -> impl Iterator<Item = CipherSuite> + '_ {
        self.cipher_suites
            .iter()
            .copied()
            .filter(|suite| !suite.is_signalling())
    }

    /// True where the client says that it knows secure renegotiation, by the extension or by the signal among the suites (RFC 5746 §3.4).
    pub(crate) fn knows_secure_renegotiation(&self) -> bool {
        self.has(ExtensionType::RENEGOTIATION_INFO)
            || self.cipher_suites.contains(&CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV)
    }

    /// True where the extension is there.
    pub(crate) fn has(&self, extension: ExtensionType) -> bool {
        self.extensions.contains(&extension)
    }
}

/// Bytes as text, where they are that: UTF-8 without control characters.
pub(super) fn printable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_readable = !text.is_empty() && text.len() <= IDENTITY_MAX && !text.chars().any(char::is_control);
    is_readable.then(|| text.to_owned())
}

/// Bytes that should be text, with what is no UTF-8 replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
