//! The authorities that were seen anywhere in the input, by name: where a missing intermediate is looked for.
//!
//! The index is filled explicitly, by whoever read the handshakes, and indexes of parts are merged; where a certificate was seen more than
//! once the earliest sighting counts, so that the order of merging does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use super::{Certificate, Interned, Name, site};
use crate::evidence::Mark;

/// Most authorities that are kept.
const MAX_ENTRIES: usize = 1 << 16;

/// A certificate that no peer sent in the connection in question.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// The certificate.
    pub(crate) certificate: Arc<Certificate>,
    /// The packet that completed the message which first carried it; `None` where the user gave it.
    pub(crate) first: Option<Mark>,
}

impl Sighting {
    /// Earlier ones are smaller, and what was given comes last: a packet says more.
    fn place(&self) -> (bool, u32, u64) {
        let first = self.first.map(|first| (first.capture.0, first.frame));
        let (capture, frame) = first.unwrap_or_default();
        (first.is_none(), capture, frame)
    }
}

/// Most issuers of which the sites are kept.
const MAX_ISSUERS: usize = 1 << 12;
/// Sites that are kept of one issuer.
const MAX_SITES: usize = 16;

/// For whom an authority issued, as far as the input shows. The smallest values are kept, so that order does not show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issued {
    /// The sites of its certificates' first names.
    pub(crate) sites: BTreeSet<String>,
    /// Their keys, as SHA-256 of the SubjectPublicKeyInfo in hexadecimal; no more than two.
    pub(crate) keys: BTreeSet<String>,
}

impl Issued {
    fn trim(&mut self) {
        while self.sites.len() > MAX_SITES {
            self.sites.pop_last();
        }
        while self.keys.len() > 2 {
            self.keys.pop_last();
        }
    }
}

/// Certificates of authorities, by subject; and for whom each authority issued.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateIndex {
    by_subject: BTreeMap<Box<[u8]>, Vec<Sighting>>,
    entries: usize,
    by_issuer: BTreeMap<Box<[u8]>, Issued>,
    /// The authorities by the length of their DER, made once somebody asks.
    by_length: OnceLock<Vec<(usize, Arc<Certificate>)>>,
}

impl CertificateIndex {
    /// Notes a certificate that a server or client sent. Only those that may issue others are kept; of the others, for which site their
    /// issuer made them.
    pub(crate) fn add(&mut self, certificate: &Arc<Interned>, first: Mark) {
        self.add_from(certificate, Some(first));
    }

    /// Notes a certificate that the user gave, under the same condition.
    pub(crate) fn add_given(&mut self, certificate: &Arc<Interned>) {
        self.add_from(certificate, None);
    }

    fn add_from(&mut self, certificate: &Arc<Interned>, first: Option<Mark>) {
        let Some(certificate) = certificate.readable() else {
            return;
        };
        if !certificate.may_issue() {
            self.note_issuer(certificate);
        } else if !certificate.subject.is_empty() {
            self.insert(Sighting {
                certificate: Arc::clone(certificate),
                first,
            });
        }
    }

    /// For whom the authority of this name issued.
    pub(crate) fn issued_by(&self, issuer: &Name) -> Option<&Issued> {
        self.by_issuer.get(&issuer.key)
    }

    fn note_issuer(&mut self, leaf: &Certificate) {
        let name = leaf.extensions.dns_names.first();
        let Some(site) = name.and_then(|name| site(name)).filter(|_| !leaf.is_self_issued()) else {
            return;
        };
        let issued = self.by_issuer.entry(leaf.issuer.key.clone()).or_default();
        issued.sites.insert(site);
        issued.keys.insert(leaf.spki_sha256.clone());
        issued.trim();
        self.trim_issuers();
    }

    fn trim_issuers(&mut self) {
        while self.by_issuer.len() > MAX_ISSUERS {
            self.by_issuer.pop_last();
        }
    }

    fn insert(&mut self, sighting: Sighting) {
        let subject = &sighting.certificate.subject.key;
        match self.by_subject.get_mut(subject) {
            Some(known) => {
                if let Some(known) = known
                    .iter_mut()
                    .find(|known| known.certificate.der == sighting.certificate.der)
                {
                    if sighting.place() < known.place() {
                        known.first = sighting.first;
                    }
                    return;
                }
                if self.entries < MAX_ENTRIES {
                    known.push(sighting);
                    // Two captures may give them in either order.
                    known.sort_by(|one, other| one.certificate.der.cmp(&other.certificate.der));
                }
            }
            None if self.entries < MAX_ENTRIES => {
                self.by_subject.insert(subject.clone(), vec![sighting]);
            }
            None => {}
        }
        if self.entries < MAX_ENTRIES {
            self.entries += 1;
        }
    }

    /// Takes over what another index knows.
    pub(crate) fn merge(&mut self, other: &Self) {
        for sighting in other.by_subject.values().flatten() {
            self.insert(sighting.clone());
        }
        for (issuer, theirs) in &other.by_issuer {
            let issued = self.by_issuer.entry(issuer.clone()).or_default();
            issued.sites.extend(theirs.sites.iter().cloned());
            issued.keys.extend(theirs.keys.iter().cloned());
            issued.trim();
        }
        self.trim_issuers();
    }

    /// The authorities whose DER takes so many bytes, the shortest first. To be asked once all are in.
    pub(crate) fn of_length(&self, bytes: RangeInclusive<usize>) -> impl Iterator<Item = &Arc<Certificate>> {
        let all = self.by_length.get_or_init(|| {
            let sightings = self.by_subject.values().flatten().map(|sighting| &sighting.certificate);
            let mut all: Vec<_> = sightings.map(|one| (one.der.len(), Arc::clone(one))).collect();
            // The sort is stable: those of one length stay in the order of their subjects.
            all.sort_by_key(|(length, _)| *length);
            all
        });
        let from = all.partition_point(|(length, _)| length < bytes.start());
        let rest = all.get(from..).unwrap_or_default().iter();
        rest.take_while(move |(length, _)| bytes.contains(length))
            .map(|(_, one)| one)
    }

    /// The authorities of this name, in an order that depends on nothing but their bytes.
    pub(crate) fn named(&self, name: &Name) -> &[Sighting] {
        self.by_subject.get(&name.key).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Leaf, interned, mark};
    use super::*;

    #[test]
    fn the_earliest_sighting_counts_whatever_the_order() {
        let root = interned(&Authority::root("Root").der);
        let (mut one, mut other) = (CertificateIndex::default(), CertificateIndex::default());
        one.add(&root, mark(9));
        other.add(&interned(root.der()), mark(4));
        one.merge(&other);
        let found = one.named(&root.readable().unwrap().subject);
        assert_eq!(
            found
                .iter()
                .map(|sighting| sighting.first.unwrap().frame)
                .collect::<Vec<_>>(),
            [4]
        );
    }

    #[test]
    fn what_was_seen_counts_before_what_was_given() {
        let root = interned(&Authority::root("Root").der);
        let mut index = CertificateIndex::default();
        index.add_given(&root);
        let first = |index: &CertificateIndex| index.named(&root.readable().unwrap().subject)[0].first;
        assert!(first(&index).is_none());
        index.add(&root, mark(9));
        index.add_given(&root);
        assert_eq!(first(&index).unwrap().frame, 9);
    }

    #[test]
    fn leaves_and_rubbish_are_not_kept() {
        let root = Authority::root("Root");
        let mut index = CertificateIndex::default();
        index.add(&interned(&Leaf::named("a.example").signed_by(&root)), mark(1));
        index.add(&interned(b"rubbish"), mark(1));
        assert!(index.by_subject.is_empty());
    }

    #[test]
    fn for_whom_an_authority_issued_is_kept_by_site() {
        let root = Authority::root("Root");
        let issued_for = |names: &[&str]| {
            let mut index = CertificateIndex::default();
            for name in names {
                index.add(&interned(&Leaf::named(name).signed_by(&root)), mark(1));
            }
            index
        };
        let mut index = issued_for(&["a.shop.example", "b.shop.example"]);
        index.merge(&issued_for(&["mail.example"]));
        let issued = index.issued_by(&root.certificate().subject).unwrap();
        assert_eq!(
            issued.sites.iter().collect::<Vec<_>>(),
            ["mail.example", "shop.example"]
        );
        assert_eq!(issued.keys.len(), 2);
    }

    #[test]
    fn two_keys_of_one_name_are_both_found() {
        let (one, other) = (
            interned(&Authority::root("Root").der),
            interned(&Authority::root("Root").der),
        );
        let mut index = CertificateIndex::default();
        index.add(&one, mark(1));
        index.add(&other, mark(2));
        assert_eq!(index.named(&one.readable().unwrap().subject).len(), 2);
    }
}
