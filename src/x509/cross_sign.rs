//! Ways to a root that have ended, beside one that has not: an authority's other certificate, signed by an older root.
//!
//! Clients that take the list as it is sent, and look no further, follow them into the past.

use std::sync::Arc;

use super::path::{Link, Origin, Sources};
use super::trust::Moment;
use super::{Certificate, Verification};
use crate::evidence::Time;

/// A certificate of an authority on the path that was sent beside the path, and leads to what had ended.
#[derive(Clone, Debug)]
pub(crate) struct StaleCrossSign {
    /// Its place in the list.
    pub(crate) index: usize,
    /// The certificate.
    pub(crate) certificate: Arc<Certificate>,
    /// The root above it, where that is what had ended; the certificate itself had not.
    pub(crate) root: Option<Arc<Certificate>>,
}

impl StaleCrossSign {
    /// The first one of a list, beside the path that was found.
    pub(super) fn beside(path: &[Link], sources: Sources<'_>) -> Option<Self> {
        let at = sources.at?;
        let is_used = |index| path.iter().any(|link| link.origin == Origin::Sent(index));
        let beside = sources.sent.iter().filter(|(index, _)| !is_used(*index));
        let mut cross_signs = beside.filter(|(_, certificate)| {
            !certificate.is_self_issued()
                && path
                    .iter()
                    .skip(1)
                    .any(|link| link.certificate.is_same_entity(certificate))
        });
        cross_signs.find_map(|(index, certificate)| {
            let root = match certificate.expired_by(at) {
                Some(_) => None,
                None => Some(ended_root(certificate, sources, at)?),
            };
            Some(Self {
                index: *index,
                certificate: Arc::clone(certificate),
                root,
            })
        })
    }

    /// When its way ended.
    pub(crate) fn ended(&self) -> Time {
        self.root.as_ref().unwrap_or(&self.certificate).not_after
    }
}

/// The root that signed a certificate and had ended; of the roots that were ever trusted.
fn ended_root(below: &Certificate, sources: Sources<'_>, at: Time) -> Option<Arc<Certificate>> {
    let mut ended = sources
        .trust
        .trust
        .at(Moment::Ever)
        .candidates(&below.issuer)
        .filter_map(|held| {
            let root = held.anchor.certificate.readable()?;
            root.expired_by(at).map(|_| root)
        });
    let root = ended.find(|root| sources.store.verified(below, root) == Verification::Yes)?;
    Some(Arc::clone(root))
}
