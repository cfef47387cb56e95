//! What can be said about a list of certificates that a peer sent: does it lead to an anchor, and if not, where does it stop?
//!
//! The list is tried by itself, in any order, and then together with the authorities that were seen elsewhere in the input. The answers are
//! values ([`Anchored`], [`ChainShape`], [`Gap`]); which of them explains a failure is for the causes to say. An expired certificate counts
//! only where it stands on the best path: a stale cross-signed certificate beside a good path is a remark.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::cross_sign::StaleCrossSign;
use super::path::{Flaw, Found, Link, Origin, Path, PathFlaw, Sources, flaws, is_self_signed, search};
use super::trust::{Held, Moment, Trusted};
use super::{Certificate, CertificateIndex, CertificateStore, Interned, Malformed, Name, Sighting, Trust};
use crate::evidence::Time;

/// Last labels of names that mean nothing outside one network.
const PRIVATE_DOMAINS: &[&str] = &[
    "local",
    "localhost",
    "internal",
    "intranet",
    "lan",
    "corp",
    "home",
    "private",
    "arpa",
    "test",
    "invalid",
];

/// Whether the list leads to a trust anchor.
#[derive(Clone, Debug)]
pub(crate) enum Anchored {
    /// By itself.
    Yes {
        /// The trust stores that accept it, and those that do not.
        by: Acceptance,
    },
    /// With certificates that the peer did not send, but that stand elsewhere in the input.
    ViaPool {
        /// The trust stores that accept it then, and those that do not.
        by: Acceptance,
        /// What was not sent, from the leaf upwards.
        missing: Vec<Sighting>,
    },
    /// Not at all, as far as the input shows.
    No {
        /// Certificates seen elsewhere that carry the path on, though not to an anchor: those of a private authority.
        carried_on_by: Vec<Sighting>,
    },
}

/// Which of the trust stores accept a chain. Displayed: `mozilla and system, not by java`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acceptance {
    /// Those that do; never empty. One whose root was removed since is named with the month of the handshake.
    pub(crate) by: Vec<String>,
    /// Those that do not.
    pub(crate) not_by: Vec<String>,
    /// True where one of those that do is the built-in list of a browser's roots.
    pub(crate) is_public: bool,
}

impl Acceptance {
    /// Tries each store for itself, once a path to an anchor of any of them is known.
    fn of(best: &Path<'_>, sources: Sources<'_>, leaf: &Arc<Certificate>) -> Self {
        let mut acceptance = Self {
            by: Vec::new(),
            not_by: Vec::new(),
            is_public: false,
        };
        let defects = best.out_of_time(sources.at);
        for (place, store) in sources.trust.trust.stores.iter().enumerate() {
            let known_to_all = best.end.place.is_none();
            let end = if known_to_all {
                None
            } else if best.end.place == Some(place) {
                Some(best.end)
            } else {
                let trust = sources.trust.only(place);
                let own = search(Sources { trust, ..sources }, leaf).anchored;
                // An expired way where another store knows a valid one is none.
                own.filter(|own| own.out_of_time(sources.at) <= defects)
                    .map(|own| own.end)
            };
            match end {
                Some(end) => {
                    acceptance.by.push(told_store(end, sources.at));
                    acceptance.is_public |= end.store.version.is_some();
                }
                None if known_to_all => {}
                None => acceptance.not_by.push(store.name.clone()),
            }
        }
        if best.end.place.is_none() {
            acceptance.by.push(best.end.store.name.clone());
        }
        acceptance
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.by.join(" and "))?;
        if !self.not_by.is_empty() {
            write!(f, ", not by {}", self.not_by.join(" or "))?;
        }
        Ok(())
    }
}

/// The store's name, with the month where it is not the store of today that counts.
fn told_store(end: Held<'_>, at: Option<Time>) -> String {
    match at.filter(|_| end.anchor.until.is_some()) {
        Some(at) => {
            let (year, month, ..) = at.civil();
            format!("{} as of {year:04}-{month:02}", end.store.name)
        }
        None => end.store.name.clone(),
    }
}

/// A root that a trust store once held, and no longer did at the moment of the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawn {
    /// The root.
    pub(crate) root: Arc<Certificate>,
    /// The store's name.
    pub(crate) store: String,
    /// When the store was first seen without it.
    pub(crate) since: Time,
}

impl Withdrawn {
    /// The root to which a list leads by itself, where it is one of those.
    fn of(sources: Sources<'_>, leaf: &Arc<Certificate>) -> Option<Self> {
        let ever = sources.trust.trust.at(Moment::Ever);
        let path = search(Sources { trust: ever, ..sources }, leaf).anchored?;
        Some(Self {
            root: Arc::clone(&path.links.last()?.certificate),
            store: path.end.store.name.clone(),
            since: path.end.anchor.until?,
        })
    }
}

/// How the list is made, by itself.
#[derive(Clone, Debug)]
pub(crate) enum ChainShape {
    /// No certificate.
    Empty,
    /// The first one cannot be read.
    LeafUnreadable,
    /// It leads to an anchor.
    Complete,
    /// The leaf is signed by its own key.
    SelfSignedLeaf,
    /// The leaf names itself as issuer, but another key signed it: an authority and a leaf of the same name.
    SelfIssuedLeaf,
    /// There is nothing but the leaf.
    LeafOnly,
    /// The issuer at the end of the path was not sent, but something else was.
    BrokenAt {
        /// Place in the list of the certificate that does not fit.
        index: usize,
        /// Why it does not.
        misfit: Misfit,
    },
    /// All that was sent fits, and the issuer of the last certificate is not known.
    EndsAtUnknownIssuer,
    /// All that was sent fits, and ends in a self-signed certificate that is not trusted.
    EndsAtSelfSignedRoot {
        /// That certificate.
        root: Arc<Certificate>,
    },
}

/// Why a certificate is not the issuer that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It has another name.
    Unrelated,
    /// It has the name, but not the key.
    WrongKey,
}

/// The issuer at which a path stops short of a root.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    /// The certificate whose issuer is missing.
    pub(crate) below: Arc<Certificate>,
    /// The issuer's name.
    pub(crate) issuer: Name,
    /// Where the certificate says that its issuer can be fetched.
    pub(crate) ca_issuers_urls: Vec<String>,
    /// True where one of these places has a name of the public internet.
    pub(crate) has_public_url: bool,
    /// True where a trusted root belongs to the issuer's organization.
    pub(crate) has_known_organization: bool,
    /// An anchor of the issuer's name whose key did not sign the certificate.
    pub(crate) namesake: Option<Arc<Certificate>>,
}

impl Gap {
    /// True where the issuer looks like one of a public authority rather than of a private one.
    pub(crate) fn looks_public(&self) -> bool {
        self.has_public_url || self.has_known_organization
    }
}

/// A certificate that is not valid at the moment of the handshake.
#[derive(Clone, Debug)]
pub(crate) struct OutOfTime {
    /// Place in the path, the leaf being 0; for those beside the path, the place in the list.
    pub(crate) depth: usize,
    /// The certificate.
    pub(crate) certificate: Arc<Certificate>,
    /// Seconds since its end, or until its beginning.
    pub(crate) by_seconds: i64,
}

/// Everything that can be said about a list of certificates.
#[derive(Clone, Debug)]
pub(crate) struct ChainReport {
    /// The first certificate, where it can be read.
    pub(crate) leaf: Option<Arc<Certificate>>,
    /// Whether the list leads to an anchor.
    pub(crate) anchored: Anchored,
    /// How the list is made.
    pub(crate) shape: ChainShape,
    /// The best path to an anchor, else the furthest that what was sent leads; from the leaf upwards.
    pub(crate) path: Vec<Link>,
    /// Where what was sent stops short of a root.
    pub(crate) gap: Option<Gap>,
    /// A root to which it leads, and which was removed from the trust store before.
    pub(crate) withdrawn: Option<Withdrawn>,
    /// Certificates of the path that had ended.
    pub(crate) expired: Vec<OutOfTime>,
    /// Certificates of the path that had yet to begin.
    pub(crate) not_yet_valid: Vec<OutOfTime>,
    /// Certificates that were sent, are not on the path and had ended.
    pub(crate) expired_aside: Vec<OutOfTime>,
    /// Beside a path to an anchor, what was sent of a way that had ended.
    pub(crate) stale: Option<StaleCrossSign>,
    /// What else is wrong with the path.
    pub(crate) flaws: Vec<PathFlaw>,
    /// True where the path does not follow the order of the list (RFC 5246 §7.4.2; RFC 9846 §4.4.2 lets clients cope).
    pub(crate) unordered: bool,
    /// Places of certificates that the path does not use, without duplicates and trusted roots.
    pub(crate) unused: Vec<usize>,
    /// Places of certificates that stand in the list before already.
    pub(crate) duplicates: Vec<usize>,
    /// Place of a trusted root that was sent, which is needless and harmless.
    pub(crate) superfluous_root: Option<usize>,
    /// Place of the first certificate that is no authority, where the list begins with an authority.
    pub(crate) end_entity_at: Option<usize>,
    /// What could not be read, with its place in the list.
    pub(crate) unparsed: Vec<(usize, Malformed)>,
    /// True where the search was ended by its bounds, so that a path may have been missed.
    pub(crate) cut: bool,
}

impl ChainReport {
    /// True where the list by itself leads to an anchor, over certificates that are valid and may sign.
    pub(crate) fn is_sound(&self) -> bool {
        let in_time = self.expired.is_empty() && self.not_yet_valid.is_empty();
        matches!(self.anchored, Anchored::Yes { .. }) && in_time && self.flaws.is_empty()
    }

    /// True where it leads to a root of a browser's list.
    pub(crate) fn is_public(&self) -> bool {
        matches!(&self.anchored, Anchored::Yes { by } | Anchored::ViaPool { by, .. } if by.is_public)
    }

    /// What is wrong with the certificates themselves, for people: a leaf that is not for servers, issuers that may not issue.
    pub(crate) fn defects(&self) -> Vec<String> {
        let purposes = self
            .leaf
            .as_ref()
            .and_then(|leaf| leaf.extensions.extended_key_usage.as_ref());
        let misused = purposes
            .filter(|purposes| !purposes.server_auth)
            .map(|purposes| format!("its extendedKeyUsage holds {purposes}, and not serverAuth"));
        // What cannot be checked here is no defect.
        let flaws = self.flaws.iter().filter(|flaw| flaw.flaw != Flaw::SignatureUnchecked);
        let flaws = flaws.filter_map(|flaw| {
            let name = self.path.get(flaw.depth)?.certificate.display_name();
            Some(format!("\"{name}\" {}", flaw.flaw))
        });
        misused.into_iter().chain(flaws).collect()
    }

    /// The path for people, from the leaf upwards.
    pub(crate) fn path_text(&self) -> String {
        self.path
            .iter()
            .map(|link| link.certificate.display_name())
            .collect::<Vec<_>>()
            .join(" < ")
    }
}

/// Examines what a peer sent, in the order in which it was sent. `at` is the moment of the message; without it nothing is judged by time.
pub(crate) fn examine(
    sent: &[Arc<Interned>],
    pool: &CertificateIndex,
    trust: &Trust,
    store: &CertificateStore,
    at: Option<Time>,
) -> ChainReport {
    let mut readable: Vec<(usize, Arc<Certificate>)> = Vec::new();
    let (mut unparsed, mut duplicates) = (Vec::new(), Vec::new());
    for (index, one) in sent.iter().enumerate() {
        match one.certificate() {
            _ if sent.iter().take(index).any(|earlier| earlier == one) => duplicates.push(index),
            Ok(certificate) => readable.push((index, Arc::clone(certificate))),
            Err(fault) => unparsed.push((index, fault.clone())),
        }
    }
    let mut report = ChainReport {
        leaf: readable
            .first()
            .filter(|(index, _)| *index == 0)
            .map(|(_, leaf)| Arc::clone(leaf)),
        anchored: Anchored::No {
            carried_on_by: Vec::new(),
        },
        shape: if sent.is_empty() {
            ChainShape::Empty
        } else {
            ChainShape::LeafUnreadable
        },
        path: Vec::new(),
        gap: None,
        withdrawn: None,
        expired: Vec::new(),
        not_yet_valid: Vec::new(),
        expired_aside: Vec::new(),
        stale: None,
        flaws: Vec::new(),
        unordered: false,
        unused: Vec::new(),
        duplicates,
        superfluous_root: None,
        end_entity_at: end_entity_at(&readable),
        unparsed,
        cut: false,
    };
    let Some(leaf) = report.leaf.clone() else { return report };
    let trusted = trust.at(at);
    let sources = Sources {
        sent: &readable,
        pool: None,
        trust: trusted,
        store,
        at,
    };

    let alone = search(sources, &leaf);
    report.cut = alone.cut;
    let sent_path = alone.anchored.as_ref().map_or(&alone.partial, |path| &path.links);
    report.look_at_list(sent_path, &readable, trusted, at);
    if let Some(path) = alone.anchored {
        report.anchored = Anchored::Yes {
            by: Acceptance::of(&path, sources, &leaf),
        };
        report.shape = ChainShape::Complete;
        report.stale = StaleCrossSign::beside(&path.links, sources);
        report.path = path.links;
    } else {
        report.shape = report.shape_of(&alone.partial, &readable, store);
        report.gap = gap(&alone.partial, trusted, store);
        report.withdrawn = Withdrawn::of(sources, &leaf);
        let sources = Sources {
            pool: Some(pool),
            ..sources
        };
        let together = search(sources, &leaf);
        report.cut |= together.cut;
        report.take_from_pool(together, alone.partial, |path| Acceptance::of(path, sources, &leaf));
    }
    report.look_at_path(at);
    report
}

impl ChainReport {
    /// What of the list is on the path, and what is not.
    fn look_at_list(
        &mut self,
        path: &[Link],
        readable: &[(usize, Arc<Certificate>)],
        trust: Trusted<'_>,
        at: Option<Time>,
    ) {
        let used: Vec<usize> = sent_places(path).collect();
        self.unordered = !used.is_sorted();
        for (index, certificate) in readable {
            let is_root = *index > 0 && certificate.is_self_issued() && trust.is_anchor(certificate);
            if is_root {
                self.superfluous_root = self.superfluous_root.or(Some(*index));
            }
            if used.contains(index) {
                continue;
            }
            if !is_root {
                self.unused.push(*index);
            }
            if let Some(by_seconds) = at.and_then(|at| certificate.expired_by(at)) {
                self.expired_aside.push(OutOfTime {
                    depth: *index,
                    certificate: Arc::clone(certificate),
                    by_seconds,
                });
            }
        }
    }

    /// How a list is made that does not lead to an anchor by itself.
    fn shape_of(&self, path: &[Link], readable: &[(usize, Arc<Certificate>)], store: &CertificateStore) -> ChainShape {
        let Some(top) = path.last().map(|link| &link.certificate) else {
            return ChainShape::LeafUnreadable;
        };
        let is_leaf = path.len() == 1;
        if is_self_signed(top, store) {
            return if is_leaf {
                ChainShape::SelfSignedLeaf
            } else {
                ChainShape::EndsAtSelfSignedRoot { root: Arc::clone(top) }
            };
        }
        let aside = || readable.iter().filter(|(index, _)| self.unused.contains(index));
        if let Some((index, _)) = aside().find(|(_, certificate)| certificate.subject.matches(&top.issuer)) {
            return ChainShape::BrokenAt {
                index: *index,
                misfit: Misfit::WrongKey,
            };
        }
        if is_leaf && top.is_self_issued() {
            return ChainShape::SelfIssuedLeaf;
        }
        let stray = aside().map(|(index, _)| *index).next().or(self.superfluous_root);
        match stray {
            Some(index) => ChainShape::BrokenAt {
                index,
                misfit: Misfit::Unrelated,
            },
            None if is_leaf => ChainShape::LeafOnly,
            None => ChainShape::EndsAtUnknownIssuer,
        }
    }

    fn take_from_pool(
        &mut self,
        found: Found<'_>,
        sent_path: Vec<Link>,
        acceptance: impl FnOnce(&Path<'_>) -> Acceptance,
    ) {
        let seen = |links: &[Link]| {
            let seen = links.iter().filter_map(|link| match link.origin {
                Origin::Seen(first) => Some(Sighting {
                    certificate: Arc::clone(&link.certificate),
                    first,
                }),
                Origin::Sent(_) | Origin::Trusted => None,
            });
            seen.collect::<Vec<_>>()
        };
        match found.anchored {
            Some(path) => {
                self.anchored = Anchored::ViaPool {
                    by: acceptance(&path),
                    missing: seen(&path.links),
                };
                self.path = path.links;
            }
            None => {
                self.anchored = Anchored::No {
                    carried_on_by: seen(&found.partial),
                };
                self.path = sent_path;
            }
        }
    }

    /// Times and flaws of the path that was chosen.
    fn look_at_path(&mut self, at: Option<Time>) {
        self.flaws = flaws(&self.path);
        let Some(at) = at else { return };
        for (depth, link) in self.path.iter().enumerate() {
            let note = |by_seconds| OutOfTime {
                depth,
                certificate: Arc::clone(&link.certificate),
                by_seconds,
            };
            self.expired.extend(link.certificate.expired_by(at).map(note));
            self.not_yet_valid.extend(link.certificate.begins_after(at).map(note));
        }
    }
}

fn sent_places(path: &[Link]) -> impl Iterator<Item = usize> {
    path.iter().filter_map(|link| match link.origin {
        Origin::Sent(index) => Some(index),
        Origin::Trusted | Origin::Seen(_) => None,
    })
}

fn end_entity_at(readable: &[(usize, Arc<Certificate>)]) -> Option<usize> {
    let is_authority = |(_, certificate): &&(usize, Arc<Certificate>)| certificate.extensions.is_ca == Some(true);
    readable.first().filter(is_authority)?;
    readable
        .iter()
        .find(|entry| !is_authority(entry))
        .map(|(index, _)| *index)
}

/// The issuer that is missing above the end of `path`; `None` where the path ends at a root.
fn gap(path: &[Link], trusted: Trusted<'_>, store: &CertificateStore) -> Option<Gap> {
    let below = &path.last()?.certificate;
    if is_self_signed(below, store) {
        return None;
    }
    let urls = &below.extensions.ca_issuers_urls;
    let organization = below.issuer.organization.as_deref();
    Some(Gap {
        below: Arc::clone(below),
        issuer: below.issuer.clone(),
        ca_issuers_urls: urls.clone(),
        has_public_url: urls.iter().any(|url| is_public(url)),
        has_known_organization: organization.is_some_and(|organization| trusted.trust.knows_organization(organization)),
        namesake: trusted
            .candidates(&below.issuer)
            .find_map(|held| held.anchor.certificate.readable().cloned()),
    })
}

/// True where the host of `url` has a name that could resolve anywhere.
fn is_public(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .split(':')
        .next()
        .unwrap_or_default();
    is_public_name(host)
}

/// True for a host name that could resolve anywhere.
pub(crate) fn is_public_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && !PRIVATE_DOMAINS.contains(&last) && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod second_opinion;
#[cfg(test)]
mod tests;
