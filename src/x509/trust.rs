//! Trust anchors: the roots that a client is taken to know.
//!
//! They stand for the client's own store, which no capture shows. The built-in set is Mozilla's. Roots are filed under their names without
//! being read; only the few that a chain leads to are read at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use ring::digest::{Context, SHA256};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::der::hex;
use super::distinguished_name::folded;
use super::{Certificate, Interned, Name, pem, skeleton};

/// The version of the crate that holds Mozilla's roots: its date is the date of the list.
const MOZILLA_VERSION: &str = "1.0.11";

/// Where systems keep their roots in one PEM file; the first that exists is the one to read.
pub(crate) const SYSTEM_TRUST_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older Fedora, RHEL, CentOS
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // macOS, OpenBSD, FreeBSD, Alpine
    "/usr/local/etc/ssl/cert.pem",        // FreeBSD's ports
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
    "/etc/openssl/certs/ca-certificates.crt", // NetBSD
];

/// One set of trust anchors.
#[derive(Debug)]
pub(crate) struct TrustStore {
    /// `mozilla`, `system`, or the file that was named.
    pub(crate) name: String,
    /// The version of a set that has one.
    pub(crate) version: Option<String>,
    /// What was passed over while it was read, in words.
    pub(crate) problems: Vec<String>,
    anchors: Vec<Arc<Interned>>,
    sha256: OnceLock<String>,
    by_subject: OnceLock<BTreeMap<Box<[u8]>, Vec<usize>>>,
    organizations: OnceLock<BTreeSet<String>>,
}

impl TrustStore {
    /// The roots that Mozilla trusts for servers, as built in.
    pub(crate) fn mozilla() -> Self {
        let anchors = TLS_SERVER_ROOT_CERTS.iter().map(|der| Interned::new(der));
        Self::of(
            "mozilla".to_owned(),
            Some(MOZILLA_VERSION.to_owned()),
            anchors.map(Arc::new).collect(),
            Vec::new(),
        )
    }

    /// The certificates of a file.
    ///
    /// # Errors
    /// In words: why none of its bytes is a certificate that can be used.
    pub(crate) fn from_pem_or_der(name: impl Into<String>, bytes: &[u8]) -> Result<Self, String> {
        let contents = pem::read(bytes)?;
        let anchors = contents
            .certificates
            .iter()
            .map(|der| Arc::new(Interned::new(der)))
            .collect();
        Ok(Self::of(name.into(), None, anchors, contents.problems))
    }

    fn of(name: String, version: Option<String>, anchors: Vec<Arc<Interned>>, problems: Vec<String>) -> Self {
        Self {
            name,
            version,
            problems,
            anchors,
            sha256: OnceLock::new(),
            by_subject: OnceLock::new(),
            organizations: OnceLock::new(),
        }
    }

    /// The anchors, in the order of their source.
    pub(crate) fn anchors(&self) -> &[Arc<Interned>] {
        &self.anchors
    }

    /// SHA-256 over the sorted anchors, lower-case hexadecimal: the same set has the same value, however it was stored.
    pub(crate) fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let mut sorted: Vec<&[u8]> = self.anchors.iter().map(|anchor| anchor.der()).collect();
            sorted.sort_unstable();
            sorted.dedup();
            let mut context = Context::new(&SHA256);
            sorted.iter().for_each(|der| context.update(der));
            hex(context.finish().as_ref())
        })
    }

    /// The anchors of this name.
    pub(crate) fn named<'a>(&'a self, name: &Name) -> impl Iterator<Item = &'a Arc<Interned>> + use<'a> {
        let places = if name.is_empty() {
            None
        } else {
            self.index().get(&name.key)
        };
        places
            .into_iter()
            .flatten()
            .filter_map(|&place| self.anchors.get(place))
    }

    fn index(&self) -> &BTreeMap<Box<[u8]>, Vec<usize>> {
        self.by_subject.get_or_init(|| {
            let mut index: BTreeMap<Box<[u8]>, Vec<usize>> = BTreeMap::new();
            for (place, anchor) in self.anchors.iter().enumerate() {
                if let Some(subject) = skeleton::subject(anchor.der()) {
                    index.entry(Name::comparable(subject)).or_default().push(place);
                }
            }
            index
        })
    }

    /// True where one of the anchors belongs to this organization.
    pub(crate) fn knows_organization(&self, organization: &str) -> bool {
        let known = self.organizations.get_or_init(|| {
            let subjects = self.anchors.iter().filter_map(|anchor| skeleton::subject(anchor.der()));
            subjects
                .filter_map(|subject| Name::parse(subject).organization)
                .map(|name| folded(&name))
                .collect()
        });
        known.contains(&folded(organization))
    }
}

/// Everything that is trusted in this run.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// The sets, in the order in which they were given.
    pub(crate) stores: Vec<Arc<TrustStore>>,
}

impl Trust {
    /// Trusts these sets.
    pub(crate) fn new(stores: impl IntoIterator<Item = impl Into<Arc<TrustStore>>>) -> Self {
        Self {
            stores: stores.into_iter().map(Into::into).collect(),
        }
    }

    /// The anchor that stands for `certificate`: the same name with the same key (RFC 5280 §6.1.1 d), and the set that holds it. A
    /// cross-signed certificate of a root is thereby as good as the root.
    pub(crate) fn anchor_of(&self, certificate: &Certificate) -> Option<(&TrustStore, &Arc<Interned>)> {
        let same = |anchor: &Arc<Interned>| {
            anchor
                .readable()
                .is_some_and(|anchor| anchor.is_same_entity(certificate))
        };
        self.candidates(&certificate.subject).find(|(_, anchor)| same(anchor))
    }

    /// True where `certificate` is trusted as it stands.
    pub(crate) fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.anchor_of(certificate).is_some()
    }

    /// The anchors of this name, each with the set that holds it.
    pub(crate) fn candidates<'a>(
        &'a self,
        name: &Name,
    ) -> impl Iterator<Item = (&'a TrustStore, &'a Arc<Interned>)> + use<'a> {
        let found: Vec<_> = self.stores.iter().map(|store| (&**store, store.named(name))).collect();
        found
            .into_iter()
            .flat_map(|(store, anchors)| anchors.map(move |anchor| (store, anchor)))
    }

    /// True where a trusted root belongs to this organization: then an issuer of the same organization is probably one of its
    /// intermediates.
    pub(crate) fn knows_organization(&self, organization: &str) -> bool {
        self.stores.iter().any(|store| store.knows_organization(organization))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, ODD_PEM, odd};
    use super::*;

    #[test]
    fn the_version_of_mozillas_list_is_that_of_the_locked_crate() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains(&format!(
            "name = \"webpki-root-certs\"\nversion = \"{MOZILLA_VERSION}\"\n"
        )));
    }

    #[test]
    fn every_root_is_found_by_its_name_without_regard_to_order() {
        let trust = Trust::new(vec![TrustStore::mozilla()]);
        for anchor in trust.stores[0].anchors() {
            assert!(trust.is_anchor(anchor.readable().unwrap()));
        }
        assert!(!trust.is_anchor(&odd("ed25519")));
    }

    #[test]
    fn a_key_of_the_same_name_is_no_anchor() {
        let (known, impostor) = (Authority::root("Root"), Authority::root("Root"));
        let trust = Trust::new(vec![TrustStore::from_pem_or_der("file", &known.der).unwrap()]);
        assert!(trust.is_anchor(&known.certificate()));
        assert!(!trust.is_anchor(&impostor.certificate()));
        assert_eq!(trust.candidates(&impostor.certificate().subject).count(), 1);
    }

    #[test]
    fn the_hash_of_a_set_does_not_depend_on_its_order() {
        let whole = TrustStore::from_pem_or_der("a", ODD_PEM.as_bytes()).unwrap();
        let blocks: Vec<&str> = ODD_PEM.split_inclusive("-----END CERTIFICATE-----").collect();
        let turned: String = blocks.iter().rev().copied().collect::<Vec<_>>().join("\n");
        let turned = TrustStore::from_pem_or_der("b", turned.as_bytes()).unwrap();
        assert_eq!(whole.anchors().len(), 12);
        assert_eq!(whole.sha256(), turned.sha256());
        assert_ne!(whole.sha256(), TrustStore::mozilla().sha256());
    }

    #[test]
    fn organizations_of_roots_are_known() {
        let store = TrustStore::mozilla();
        assert!(store.knows_organization("internet security  research GROUP"));
        assert!(!store.knows_organization("Northwind"));
    }
}
