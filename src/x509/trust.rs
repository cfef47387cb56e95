//! Trust anchors: the roots that a client is taken to know.
//!
//! They stand for the client's own store, which no capture shows. Several sets may be tried beside each other, each as a client of its own
//! kind; others are taken to be known to all of them. Roots are filed under their names without being read; only the few that a chain
//! leads to are read at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};

use super::distinguished_name::folded;
use super::{Certificate, Interned, Name, mozilla, pem, skeleton};
use crate::evidence::Time;

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

/// A root, and until when it was one.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    /// The certificate.
    pub(crate) certificate: Arc<Interned>,
    /// When the set stopped to hold it; `None` where it still does.
    pub(crate) until: Option<Time>,
}

/// The moment at which trust is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What a set holds now.
    Today,
    /// What it held then. Roots that it got later count too.
    At(Time),
    /// Whatever it ever held.
    Ever,
}

impl From<Option<Time>> for Moment {
    fn from(time: Option<Time>) -> Self {
        time.map_or(Self::Today, Self::At)
    }
}

impl Anchor {
    fn counts(&self, moment: Moment) -> bool {
        match (self.until, moment) {
            (None, _) | (Some(_), Moment::Ever) => true,
            (Some(_), Moment::Today) => false,
            (Some(until), Moment::At(time)) => time < until,
        }
    }
}

/// One set of trust anchors.
#[derive(Debug)]
pub(crate) struct TrustStore {
    /// `mozilla`, `system`, the name that it was given, or the file that was named.
    pub(crate) name: String,
    /// The version of a set that has one.
    pub(crate) version: Option<&'static str>,
    /// The day of a set that has one, such as `2026-10-23`.
    pub(crate) date: Option<&'static str>,
    /// What was passed over while it was read, in words.
    pub(crate) problems: Vec<String>,
    anchors: Vec<Anchor>,
    sha256: OnceLock<String>,
    by_subject: OnceLock<BTreeMap<Box<[u8]>, Vec<usize>>>,
    organizations: OnceLock<BTreeSet<String>>,
}

impl TrustStore {
    /// The roots that Mozilla trusts for servers, as built in.
    pub(crate) fn mozilla() -> Self {
        Self {
            version: Some(mozilla::VERSION),
            date: Some(mozilla::DATE),
            ..Self::of("mozilla".to_owned(), mozilla::anchors(), Vec::new())
        }
    }

    /// The certificates of a file.
    ///
    /// # Errors
    /// In words: why none of its bytes is a certificate that can be used.
    pub(crate) fn from_file(name: impl Into<String>, bytes: &[u8]) -> Result<Self, String> {
        let contents = pem::read(bytes)?;
        let anchors = contents.certificates.iter().map(|der| Anchor {
            certificate: Arc::new(Interned::new(der)),
            until: None,
        });
        Ok(Self::of(name.into(), anchors.collect(), contents.problems))
    }

    fn of(name: String, anchors: Vec<Anchor>, problems: Vec<String>) -> Self {
        Self {
            name,
            version: None,
            date: None,
            problems,
            anchors,
            sha256: OnceLock::new(),
            by_subject: OnceLock::new(),
            organizations: OnceLock::new(),
        }
    }

    /// The same set, taken for a browser's own.
    #[cfg(test)]
    pub(crate) fn built_in(mut self) -> Self {
        (self.version, self.date) = (Some("1"), Some("2026-01-01"));
        self
    }

    /// The same set, which lost all of its anchors at this time.
    #[cfg(test)]
    pub(crate) fn emptied(mut self, at: Time) -> Self {
        self.anchors.iter_mut().for_each(|anchor| anchor.until = Some(at));
        self
    }

    /// The anchors that it holds now, in the order of their source.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = &Arc<Interned>> {
        let today = self.anchors.iter().filter(|anchor| anchor.until.is_none());
        today.map(|anchor| &anchor.certificate)
    }

    /// How many anchors it held once and holds no longer.
    pub(crate) fn removed(&self) -> usize {
        self.anchors.iter().filter(|anchor| anchor.until.is_some()).count()
    }

    /// SHA-256 over the sorted anchors that it holds now, lower-case hexadecimal: the same set has the same value, however it was stored.
    pub(crate) fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| {
            let mut sorted: Vec<&[u8]> = self.anchors().map(|anchor| anchor.der()).collect();
            sorted.sort_unstable();
            sorted.dedup();
            let mut context = Context::new(&SHA256);
            sorted.iter().for_each(|der| context.update(der));
            HEXLOWER.encode(context.finish().as_ref())
        })
    }

    /// The anchors of this name, whenever they counted; those that still do come first.
    fn named<'a>(&'a self, name: &Name) -> impl Iterator<Item = &'a Anchor> + use<'a> {
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
                if let Some(subject) = skeleton::subject(anchor.certificate.der()) {
                    index.entry(Name::comparable(subject)).or_default().push(place);
                }
            }
            index
        })
    }

    /// True where one of the anchors belongs to this organization.
    fn knows_organization(&self, organization: &str) -> bool {
        let known = self.organizations.get_or_init(|| {
            let anchors = self.anchors.iter();
            let subjects = anchors.filter_map(|anchor| skeleton::subject(anchor.certificate.der()));
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
    /// The sets that stand each by itself, as the stores of different clients, in the order in which they were given.
    pub(crate) stores: Vec<Arc<TrustStore>>,
    /// The sets that every client is taken to know besides its own.
    pub(crate) added: Vec<Arc<TrustStore>>,
}

impl Trust {
    /// Trusts these sets, each by itself.
    pub(crate) fn new(stores: impl IntoIterator<Item = impl Into<Arc<TrustStore>>>) -> Self {
        Self {
            stores: stores.into_iter().map(Into::into).collect(),
            added: Vec::new(),
        }
    }

    /// What any of the clients trusts at this moment.
    pub(crate) fn at(&self, moment: impl Into<Moment>) -> Trusted<'_> {
        Trusted {
            trust: self,
            only: None,
            moment: moment.into(),
        }
    }

    /// Every set.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<TrustStore>> {
        self.stores.iter().chain(&self.added)
    }

    /// True where a root that was ever trusted belongs to this organization: then an issuer of the same organization is probably one of
    /// its intermediates.
    pub(crate) fn knows_organization(&self, organization: &str) -> bool {
        self.all().any(|store| store.knows_organization(organization))
    }
}

/// What is trusted at one moment, by any client or by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted<'a> {
    pub(super) trust: &'a Trust,
    /// The place of the only set that counts besides those that all know.
    only: Option<usize>,
    pub(super) moment: Moment,
}

/// An anchor with the set that holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    /// The anchor.
    pub(crate) anchor: &'a Anchor,
    /// The set.
    pub(crate) store: &'a TrustStore,
    /// The set's place among those that stand by themselves; `None` for one that all know.
    pub(crate) place: Option<usize>,
}

impl<'a> Trusted<'a> {
    /// The same moment, to the client with this set alone.
    pub(crate) fn only(self, place: usize) -> Self {
        Self {
            only: Some(place),
            ..self
        }
    }

    /// The anchor that stands for `certificate`: the same name with the same key (RFC 5280 §6.1.1 d). A cross-signed certificate of a root
    /// is thereby as good as the root.
    pub(crate) fn anchor_of(self, certificate: &Certificate) -> Option<Held<'a>> {
        self.candidates(&certificate.subject).find(|held| {
            let anchor = held.anchor.certificate.readable();
            anchor.is_some_and(|anchor| anchor.is_same_entity(certificate))
        })
    }

    /// True where `certificate` is trusted as it stands.
    pub(crate) fn is_anchor(self, certificate: &Certificate) -> bool {
        self.anchor_of(certificate).is_some()
    }

    /// The anchors of this name.
    pub(crate) fn candidates(self, name: &Name) -> impl Iterator<Item = Held<'a>> + use<'a> {
        let stores = self.trust.stores.iter().enumerate();
        let stores = stores.filter(move |(place, _)| self.only.is_none_or(|only| only == *place));
        let stores = stores.map(|(place, store)| (store, Some(place)));
        let added = self.trust.added.iter().map(|store| (store, None));
        let found: Vec<_> = stores
            .chain(added)
            .map(|(store, place)| (store, place, store.named(name)))
            .collect();
        found
            .into_iter()
            .flat_map(|(store, place, anchors)| anchors.map(move |anchor| Held { anchor, store, place }))
            .filter(move |held| held.anchor.counts(self.moment))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, ODD_PEM, odd, summer};
    use super::*;

    #[test]
    fn every_root_is_found_by_its_name_without_regard_to_order() {
        let trust = Trust::new([TrustStore::mozilla()]);
        for anchor in trust.stores[0].anchors() {
            assert!(trust.at(None).is_anchor(anchor.readable().unwrap()));
        }
        assert!(!trust.at(None).is_anchor(&odd("ed25519")));
    }

    #[test]
    fn a_removed_root_counts_until_its_day() {
        let root = Authority::root("Root");
        let store = TrustStore::from_file("file", &root.der).unwrap().emptied(summer(2020));
        assert_eq!((store.anchors().count(), store.removed()), (0, 1));
        let (trust, root) = (Trust::new([store]), root.certificate());
        let before = Time::from_seconds(summer(2020).seconds() - 1);
        assert!(trust.at(Some(before)).is_anchor(&root) && trust.at(Moment::Ever).is_anchor(&root));
        assert!(!trust.at(Some(summer(2020))).is_anchor(&root) && !trust.at(None).is_anchor(&root));
    }

    #[test]
    fn each_set_stands_by_itself_and_what_is_added_belongs_to_all() {
        let roots = ["One", "Other", "Added"].map(Authority::root);
        let [one, other, added] = roots.each_ref().map(|root| {
            let name = root.certificate().display_name().to_owned();
            Arc::new(TrustStore::from_file(name, &root.der).unwrap())
        });
        let trust = Trust {
            stores: vec![one, other],
            added: vec![added],
        };
        let known = |trusted: Trusted<'_>| roots.each_ref().map(|root| trusted.is_anchor(&root.certificate()));
        assert_eq!(known(trust.at(None)), [true, true, true]);
        assert_eq!(known(trust.at(None).only(0)), [true, false, true]);
        assert_eq!(known(trust.at(None).only(1)), [false, true, true]);
    }

    #[test]
    fn a_key_of_the_same_name_is_no_anchor() {
        let (known, impostor) = (Authority::root("Root"), Authority::root("Root"));
        let trust = Trust::new([TrustStore::from_file("file", &known.der).unwrap()]);
        assert!(trust.at(None).is_anchor(&known.certificate()));
        assert!(!trust.at(None).is_anchor(&impostor.certificate()));
        assert_eq!(trust.at(None).candidates(&impostor.certificate().subject).count(), 1);
    }

    #[test]
    fn the_hash_of_a_set_does_not_depend_on_its_order() {
        let whole = TrustStore::from_file("a", ODD_PEM.as_bytes()).unwrap();
        let blocks: Vec<&str> = ODD_PEM.split_inclusive("-----END CERTIFICATE-----").collect();
        let turned: String = blocks.iter().rev().copied().collect::<Vec<_>>().join("\n");
        let turned = TrustStore::from_file("b", turned.as_bytes()).unwrap();
        assert_eq!(whole.anchors().count(), 12);
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
