//! The search for a way from a certificate to a trust anchor (RFC 4158, RFC 5280 §6).
//!
//! Depth first over the certificates whose subject is the issuer that is looked for, best-fitting first; a step counts only where the
//! signature verifies, or cannot be checked and nothing contradicts. Defects of time and of authority do not end the search: they make a
//! path worse than one without, and what the best path has of them is told. Work is bounded, and counted the same whether or not a
//! verification was remembered, so that the answer depends on nothing but the certificates.

use std::fmt;
use std::sync::Arc;

#[cfg(doc)]
use super::key::Key;
use super::trust::{Held, Trusted};
use super::{Certificate, CertificateIndex, CertificateStore, Forbidden, Verification};
use crate::evidence::{Mark, Time};

/// Most signatures that one search checks, the costly ones counted as [`Key::cost`] says: a fifth of a second at worst.
const MAX_CHECKS: u32 = 100;
/// Most certificates that one search visits.
const MAX_STEPS: u32 = 1_000;
/// Most certificates of a path, leaf and anchor included.
const MAX_LINKS: usize = 10;

/// Where a certificate of a path comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The peer sent it, at this place of its list.
    Sent(usize),
    /// It is a trust anchor.
    Trusted,
    /// It was seen elsewhere in the input, first here, or given by the user.
    Seen(Option<Mark>),
}

/// One certificate of a path.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The certificate.
    pub(crate) certificate: Arc<Certificate>,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Whether its key signed the certificate below; `None` at the leaf. Never [`Verification::No`].
    pub(crate) signed_below: Option<Verification>,
}

/// What makes a path unacceptable although its signatures lead to an anchor. Of an anchor itself only the constraints on names
/// are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It signs although basicConstraints do not make it an authority (RFC 5280 §4.2.1.9).
    NotAnAuthority,
    /// More authorities stand below it than its pathLenConstraint allows (RFC 5280 §4.2.1.9).
    TooManyBelow {
        /// How many it allows.
        allowed: u32,
        /// How many there are.
        found: u32,
    },
    /// Its keyUsage does not allow to sign certificates (RFC 5280 §4.2.1.3).
    MayNotSign,
    /// The certificate below names another key identifier than its own, although its key made the signature.
    KeyIdsDiffer,
    /// It is constrained to other names than those of a certificate below it (RFC 5280 §4.2.1.10).
    NameForbidden(Forbidden),
    /// It has a critical extension that nobody knows (RFC 5280 §4.2).
    UnknownCriticalExtension,
    /// Its signature on the certificate below is of a kind that cannot be checked here.
    SignatureUnchecked,
}

/// What the certificate does, as said after its name.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAuthority => f.write_str("signs although basicConstraints make it no authority"),
            Self::TooManyBelow { allowed, found } => {
                write!(
                    f,
                    "allows {allowed} authorities below it (pathLenConstraint), and {found} are there"
                )
            }
            Self::MayNotSign => f.write_str("signs although its keyUsage does not allow that"),
            Self::KeyIdsDiffer => f.write_str("has another key id than the certificate below it names"),
            Self::NameForbidden(Forbidden { name, excluded: true }) => {
                write!(f, "forbids the name {name} (nameConstraints)")
            }
            Self::NameForbidden(Forbidden { name, excluded: false }) => {
                write!(f, "does not permit the name {name} (nameConstraints)")
            }
            Self::UnknownCriticalExtension => f.write_str("has a critical extension that is not known"),
            Self::SignatureUnchecked => f.write_str("signs with an algorithm that cannot be checked here"),
        }
    }
}

/// A flaw and the certificate that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathFlaw {
    /// Place in the path; the leaf is 0.
    pub(crate) depth: usize,
    /// What is wrong.
    pub(crate) flaw: Flaw,
}

/// A path to an anchor.
#[derive(Clone, Debug)]
pub(super) struct Path<'a> {
    pub(super) links: Vec<Link>,
    /// The anchor that its end stands for.
    pub(super) end: Held<'a>,
}

impl Path<'_> {
    /// How many of its certificates are not valid at a moment.
    pub(super) fn out_of_time(&self, at: Option<Time>) -> usize {
        out_of_time(&self.links, at)
    }
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// The best path to an anchor.
    pub(super) anchored: Option<Path<'a>>,
    /// The path that leads furthest without an anchor.
    pub(super) partial: Vec<Link>,
    /// True where the search was ended by a bound.
    pub(super) cut: bool,
}

/// What a search looks at.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// What the peer sent and could be read, with the place in its list.
    pub(super) sent: &'a [(usize, Arc<Certificate>)],
    /// What was seen elsewhere, if that is to be looked at.
    pub(super) pool: Option<&'a CertificateIndex>,
    pub(super) trust: Trusted<'a>,
    pub(super) store: &'a CertificateStore,
    /// The moment of the handshake, if it is known.
    pub(super) at: Option<Time>,
}

/// Lower is better: signatures that were not checked, certificates out of their time, other flaws.
type Score = (usize, usize, usize);

struct Search<'a> {
    sources: Sources<'a>,
    found: Found<'a>,
    best: Option<Score>,
    furthest: Option<(bool, usize)>,
    checks: u32,
    steps: u32,
}

/// Searches for a way up from the first certificate that was sent.
pub(super) fn search<'a>(sources: Sources<'a>, leaf: &Arc<Certificate>) -> Found<'a> {
    let mut search = Search {
        sources,
        found: Found::default(),
        best: None,
        furthest: None,
        checks: 0,
        steps: 0,
    };
    search.visit(&mut vec![Link {
        certificate: Arc::clone(leaf),
        origin: Origin::Sent(0),
        signed_below: None,
    }]);
    search.found
}

/// True where `certificate` carries a signature by its own key, or one that cannot be checked on a certificate that names itself issuer.
pub(super) fn is_self_signed(certificate: &Certificate, store: &CertificateStore) -> bool {
    certificate.is_self_issued()
        && match store.verified(certificate, certificate) {
            Verification::Yes => true,
            Verification::Unsupported => key_ids_fit(certificate, certificate) != Some(false),
            Verification::No => false,
        }
}

/// Whether the key identifiers of a certificate and its issuer agree; `None` where either has none.
pub(super) fn key_ids_fit(child: &Certificate, issuer: &Certificate) -> Option<bool> {
    let named = child.extensions.authority_key_id.as_ref()?;
    Some(named == issuer.extensions.subject_key_id.as_ref()?)
}

impl<'a> Search<'a> {
    /// Goes on from the end of `path`.
    fn visit(&mut self, path: &mut Vec<Link>) {
        let Some(top) = path.last().map(|link| Arc::clone(&link.certificate)) else {
            return;
        };
        if self.steps >= MAX_STEPS {
            self.found.cut = true;
            return;
        }
        self.steps += 1;

        if let Some(end) = self.sources.trust.anchor_of(&top) {
            self.reached(path, end);
            return;
        }
        self.checks += if top.is_self_issued() { top.key.cost() } else { 0 };
        let ends = is_self_signed(&top, self.sources.store);
        if self.furthest.is_none_or(|furthest| furthest < (ends, path.len())) {
            self.furthest = Some((ends, path.len()));
            self.found.partial.clone_from(path);
        }
        if ends {
            return;
        }

        for (certificate, origin) in self.candidates(&top) {
            if self.best == Some((0, 0, 0)) {
                return;
            }
            if path.iter().any(|link| link.certificate.is_same_entity(&certificate)) {
                continue;
            }
            if path.len() >= MAX_LINKS || self.checks >= MAX_CHECKS {
                self.found.cut = true;
                return;
            }
            self.checks += certificate.key.cost();
            let verification = self.sources.store.verified(&top, &certificate);
            let refuted = match verification {
                Verification::Yes => false,
                Verification::No => true,
                Verification::Unsupported => key_ids_fit(&top, &certificate) == Some(false),
            };
            if refuted {
                continue;
            }
            path.push(Link {
                certificate,
                origin,
                signed_below: Some(verification),
            });
            self.visit(path);
            path.pop();
        }
    }

    /// Notes a path whose end is trusted, if it is better than the best so far.
    fn reached(&mut self, path: &[Link], end: Held<'a>) {
        let mut links = path.to_vec();
        // Trust is in the name and the key: the client looks at its own copy, not at one that another authority signed.
        if let (Some(last), Some(anchor)) = (links.last_mut(), end.anchor.certificate.readable())
            && last.certificate.der != anchor.der
        {
            last.certificate = Arc::clone(anchor);
            last.origin = Origin::Trusted;
        }
        let flaws = flaws(&links);
        let unchecked = flaws
            .iter()
            .filter(|flaw| flaw.flaw == Flaw::SignatureUnchecked)
            .count();
        let out_of_time = out_of_time(&links, self.sources.at);
        let score = (unchecked, out_of_time, flaws.len() - unchecked);
        if self.best.is_none_or(|best| score < best) {
            self.best = Some(score);
            self.found.anchored = Some(Path { links, end });
        }
    }

    /// The certificates that may have signed `child`, the most promising first.
    fn candidates(&self, child: &Certificate) -> Vec<(Arc<Certificate>, Origin)> {
        let name = &child.issuer;
        let sent = self
            .sources
            .sent
            .iter()
            .filter(|(_, certificate)| certificate.subject.matches(name));
        let sent = sent.map(|(place, certificate)| (Arc::clone(certificate), Origin::Sent(*place)));
        let trusted = self.sources.trust.candidates(name);
        let trusted = trusted.filter_map(|Held { anchor, .. }| anchor.certificate.readable());
        let trusted = trusted.map(|anchor| (Arc::clone(anchor), Origin::Trusted));
        let seen = self.sources.pool.map_or(&[][..], |pool| pool.named(name));
        let seen = seen
            .iter()
            .map(|sighting| (Arc::clone(&sighting.certificate), Origin::Seen(sighting.first)));

        let mut candidates: Vec<_> = Vec::new();
        for candidate in sent.chain(trusted).chain(seen) {
            if !candidates
                .iter()
                .any(|(known, _): &(Arc<Certificate>, Origin)| known.der == candidate.0.der)
            {
                candidates.push(candidate);
            }
        }
        candidates.sort_by_key(|(certificate, origin)| {
            let key_ids = match key_ids_fit(child, certificate) {
                Some(true) => 0,
                None => 1,
                Some(false) => 2,
            };
            let source = match origin {
                Origin::Sent(_) => 0,
                Origin::Trusted => 1,
                Origin::Seen(_) => 2,
            };
            (
                key_ids,
                source,
                self.sources.at.is_some_and(|at| is_out_of_time(certificate, at)),
            )
        });
        candidates
    }
}

fn out_of_time(links: &[Link], at: Option<Time>) -> usize {
    let out = |at| {
        links
            .iter()
            .filter(|link| is_out_of_time(&link.certificate, at))
            .count()
    };
    at.map_or(0, out)
}

fn is_out_of_time(certificate: &Certificate, at: Time) -> bool {
    certificate.expired_by(at).is_some() || certificate.begins_after(at).is_some()
}

/// What is wrong with a path apart from its times.
pub(super) fn flaws(links: &[Link]) -> Vec<PathFlaw> {
    let mut flaws = Vec::new();
    let mut authorities_below = 0u32;
    for (depth, link) in links.iter().enumerate() {
        let mut add = |flaw| flaws.push(PathFlaw { depth, flaw });
        let (issuer, said) = (&link.certificate, &link.certificate.extensions);
        let below = links.get(..depth).unwrap_or_default();
        if link.signed_below == Some(Verification::Unsupported) {
            add(Flaw::SignatureUnchecked);
        }
        if let Some(constraints) = &said.name_constraints
            && let Some(forbidden) = below.iter().find_map(|link| constraints.forbidden(&link.certificate))
        {
            add(Flaw::NameForbidden(forbidden));
        }
        if link.origin == Origin::Trusted {
            continue;
        }
        if !said.unknown_critical.is_empty() {
            add(Flaw::UnknownCriticalExtension);
        }
        let Some(child) = below.last() else { continue };
        if said.is_ca != Some(true) {
            add(Flaw::NotAnAuthority);
        }
        if said.key_usage.is_some_and(|usage| !usage.certificate_sign()) {
            add(Flaw::MayNotSign);
        }
        if let Some(allowed) = said.path_len
            && authorities_below > allowed
        {
            add(Flaw::TooManyBelow {
                allowed,
                found: authorities_below,
            });
        }
        if key_ids_fit(&child.certificate, issuer) == Some(false) {
            add(Flaw::KeyIdsDiffer);
        }
        authorities_below += u32::from(!issuer.is_self_issued());
    }
    flaws
}
