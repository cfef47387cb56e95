//! What a server asks of the client's certificate (CertificateRequest, TLS ≤ 1.2).

use std::sync::Arc;

use hashbrown::HashMap;

use crate::registry::{ProtocolVersion, SignatureScheme};
use crate::tls::{CertificateRequest, Malformed};
use crate::x509::{Certificate, Key, Name};

/// What a clear CertificateRequest says.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateRequestSeen {
    /// Kinds of keys that the server takes: ClientCertificateType (RFC 5246 §7.4.4, RFC 8422 §5.5).
    pub(crate) key_types: Box<[u8]>,
    /// Signature schemes that the server takes.
    pub(crate) schemes: Vec<SignatureScheme>,
    /// The first [`CertificateRequestSeen::NAMES_KEPT`] authorities that it names; none: any will do.
    pub(crate) authorities: Vec<Name>,
    /// How many more it names.
    pub(crate) more_authorities: usize,
}

impl CertificateRequestSeen {
    /// Most names that are read. Where a server sends its system's whole store there are some 150.
    const NAMES_KEPT: usize = 1_000;

    /// `rsa_sign`.
    const RSA: u8 = 1;
    /// `dss_sign`.
    const DSA: u8 = 2;
    /// `ecdsa_sign`; of Ed25519 and Ed448 too (RFC 8422 §5.5).
    const EC: u8 = 64;

    fn from_message(message: &CertificateRequest<'_>) -> Self {
        let mut names = message.authorities();
        let authorities = names.by_ref().take(Self::NAMES_KEPT).map(Name::parse).collect();
        Self {
            key_types: message.key_types().into(),
            schemes: message.signature_schemes().collect(),
            authorities,
            more_authorities: names.count(),
        }
    }

    /// How many authorities the server names.
    pub(crate) fn authority_count(&self) -> usize {
        self.authorities.len() + self.more_authorities
    }

    /// True where the server names an authority of this name.
    pub(crate) fn names(&self, authority: &Name) -> bool {
        self.authorities.iter().any(|listed| listed.matches(authority))
    }

    /// True where the certificate's key is of a kind that the server takes, or of one that no such kind is known for.
    pub(crate) fn takes_key_of(&self, certificate: &Certificate) -> bool {
        let kind = match certificate.key {
            Key::Rsa { .. } => Self::RSA,
            Key::Dsa { .. } => Self::DSA,
            Key::Ec(_) | Key::Ed25519 | Key::Ed448 => Self::EC,
            Key::MlDsa(_) | Key::Other(_) => return true,
        };
        self.key_types.contains(&kind)
    }

    /// The kinds of keys that the server takes, as they are called.
    pub(crate) fn key_kinds(&self) -> impl Iterator<Item = String> {
        self.key_types.iter().map(|kind| match *kind {
            Self::RSA => "RSA".to_owned(),
            Self::DSA => "DSA".to_owned(),
            Self::EC => "EC".to_owned(),
            other => format!("type {other}"),
        })
    }
}

/// Requests that were seen, each read and kept once: a server sends the same one to every client.
#[derive(Debug, Default)]
pub(crate) struct Requests(
    HashMap<(ProtocolVersion, Box<[u8]>), Arc<CertificateRequestSeen>, foldhash::fast::RandomState>,
);

impl Requests {
    /// Hostile servers may vary at will: no more than this is remembered.
    const KEPT: usize = 256;

    /// The one holder of what a message says.
    ///
    /// # Errors
    /// [`Malformed`] where its lengths do not fit each other.
    pub(super) fn read(
        &mut self,
        version: ProtocolVersion,
        body: Box<[u8]>,
    ) -> Result<Arc<CertificateRequestSeen>, Malformed> {
        let key = (version, body);
        if let Some(known) = self.0.get(&key) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(CertificateRequestSeen::from_message(&CertificateRequest::parse(
            &key.1, version,
        )?));
        if self.0.len() < Self::KEPT {
            self.0.insert(key, Arc::clone(&new));
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::request_naming;
    use crate::x509::testing::{Authority, odd};

    fn read(requests: &mut Requests, body: &[u8]) -> Arc<CertificateRequestSeen> {
        requests.read(ProtocolVersion::TLS12, body.into()).unwrap()
    }

    #[test]
    fn equal_requests_are_kept_once() {
        let root = Authority::root("Root");
        let body = request_naming(&[root.name()]);
        let mut requests = Requests::default();
        let (one, other) = (read(&mut requests, &body), read(&mut requests, &body));
        assert!(Arc::ptr_eq(&one, &other));
        assert!(one.names(&root.certificate().subject) && one.authority_count() == 1);
        let older = requests.read(ProtocolVersion::TLS10, body.into());
        assert!(older.is_err(), "before TLS 1.2 there is no list of schemes");
    }

    #[test]
    fn names_past_the_cap_are_counted() {
        let root = Authority::root("Root");
        let names = vec![root.name(); CertificateRequestSeen::NAMES_KEPT + 7];
        let request = read(&mut Requests::default(), &request_naming(&names));
        assert_eq!((request.authorities.len(), request.more_authorities), (1_000, 7));
    }

    #[test]
    fn a_key_has_to_be_of_a_kind_that_is_taken() {
        let request = CertificateRequestSeen {
            key_types: [1, 64].into(),
            ..CertificateRequestSeen::default()
        };
        assert!(request.takes_key_of(&odd("rsa-sha1")) && request.takes_key_of(&odd("ed25519")));
        let rsa_only = CertificateRequestSeen {
            key_types: [1].into(),
            ..CertificateRequestSeen::default()
        };
        assert!(!rsa_only.takes_key_of(&odd("p384-sha256")));
        assert_eq!(request.key_kinds().collect::<Vec<_>>(), ["RSA", "EC"]);
    }
}
