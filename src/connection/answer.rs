//! What the server answers.

use crate::registry::{CipherSuite, ExtensionType, Group, ProtocolVersion};
use crate::tls::{Downgrade, ServerHello, ja3s};

/// A ServerHello or HelloRetryRequest.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// It is a HelloRetryRequest (RFC 9846 §4.1.4).
    pub(crate) is_retry: bool,
    /// The version chosen: `supported_versions` where it is there (RFC 9846 §4.2.1), else `legacy_version`.
    pub(crate) version: ProtocolVersion,
    /// The suite chosen.
    pub(crate) cipher_suite: CipherSuite,
    /// The group of the key share (TLS 1.3).
    pub(crate) group: Option<Group>,
    /// The protocol chosen by ALPN, where it is in the clear (TLS ≤ 1.2).
    pub(crate) alpn: Option<String>,
    /// A pre-shared key was taken (TLS 1.3).
    pub(crate) psk: bool,
    /// The session id is not empty and equals the client's: resumption in TLS ≤ 1.2.
    pub(crate) echoes_session: bool,
    /// `encrypt_then_mac` was agreed (RFC 7366).
    pub(crate) encrypt_then_mac: bool,
    /// The last eight bytes of the random say that the server can do more than it chose (RFC 9846 §4.2.3).
    pub(crate) downgrade: Option<Downgrade>,
    /// The body of the message, for what is asked of it only where a report shows it.
    body: Box<[u8]>,
}

impl Answer {
    /// From a ServerHello and its body; a session id equal to the client's says that a session was taken up.
    pub(crate) fn from_hello(hello: &ServerHello<'_>, body: &[u8], client_session_id: &[u8]) -> Self {
        Self {
            is_retry: hello.is_hello_retry_request(),
            version: hello.version(),
            cipher_suite: hello.cipher_suite(),
            group: hello.group(),
            alpn: hello.alpn().map(|name| String::from_utf8_lossy(name).into_owned()),
            psk: hello.selected_psk().is_some(),
            echoes_session: !client_session_id.is_empty() && hello.session_id() == client_session_id,
            encrypt_then_mac: hello.has_encrypt_then_mac(),
            downgrade: hello.downgrade(),
            body: body.into(),
        }
    }

    /// The first four bytes of the random as seconds since 1970, which some servers of TLS ≤ 1.2 fill so (RFC 5246 §7.4.1.2); most do not.
    pub(super) fn random_as_time(&self) -> Option<i64> {
        // The random follows the two bytes of the version.
        let first = self.body.get(2..)?.first_chunk()?;
        (!self.version.is_tls13()).then(|| u32::from_be_bytes(*first).into())
    }

    /// How many timestamps of transparency logs came with it (TLS ≤ 1.2).
    pub(crate) fn timestamps(&self) -> usize {
        ServerHello::parse(&self.body).map_or(0, |hello| hello.timestamps())
    }

    /// The types of its extensions, in wire order.
    pub(crate) fn extensions(&self) -> Vec<ExtensionType> {
        ServerHello::parse(&self.body)
            .map(|hello| hello.extensions().map(|(kind, _)| kind).collect())
            .unwrap_or_default()
    }

    /// True where the extension is there.
    pub(crate) fn has(&self, kind: ExtensionType) -> bool {
        ServerHello::parse(&self.body).is_ok_and(|hello| hello.has(kind))
    }

    /// JA3S fingerprint: MD5 in hex.
    pub(crate) fn ja3s(&self) -> Option<String> {
        ServerHello::parse(&self.body).ok().map(|hello| ja3s(&hello))
    }
}
