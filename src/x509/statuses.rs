//! OCSP responses and revocation lists that somebody fetched anywhere in the input: what an authority says of a certificate, where the
//! server does not bring it along.
//!
//! [`FetchedStatuses`] collects the bytes; parts are merged, and the order of merging does not show. [`Statuses`] reads them once and
//! answers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use super::ocsp::{BasicResponse, OcspResponse};
use super::{Certificate, Crl, Signer, StatusReport, Verification};
use crate::evidence::{Mark, Time};

/// Statements of one authority, or about one serial number, that are asked: the latest ones.
const ASKED: usize = 64;

/// The two forms in which an authority tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusKind {
    /// An OCSP response (RFC 6960).
    Ocsp,
    /// A revocation list (RFC 5280 §5).
    Crl,
}

impl StatusKind {
    /// The most bytes of one that are kept.
    pub(crate) const fn longest(self) -> usize {
        match self {
            Self::Ocsp => 16 * 1024,
            Self::Crl => 256 * 1024,
        }
    }
}

/// Where a statement was fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusSource {
    /// The server that handed it out.
    pub(crate) server: IpAddr,
    /// The packet that completed it.
    pub(crate) mark: Mark,
}

/// Place of the packet in the input, and the bytes where it completed several.
type Place = (u32, u64, Arc<[u8]>);

/// What was fetched, as bytes. Of equal ones the earliest sighting counts; where they are too many, the earliest are kept.
#[derive(Clone, Debug)]
pub(crate) struct FetchedStatuses {
    by_place: BTreeMap<Place, (StatusKind, StatusSource)>,
    /// The place at which each was first seen.
    places: BTreeMap<Arc<[u8]>, (u32, u64)>,
    bytes: usize,
    limit: usize,
}

impl FetchedStatuses {
    /// A collection of at most so many bytes.
    pub(crate) const fn with_limit(limit: usize) -> Self {
        Self {
            by_place: BTreeMap::new(),
            places: BTreeMap::new(),
            bytes: 0,
            limit,
        }
    }

    /// Notes a statement.
    pub(crate) fn add(&mut self, kind: StatusKind, body: Arc<[u8]>, source: StatusSource) {
        let place = (source.mark.capture.0, source.mark.frame);
        if let Some(known) = self.places.get(&body).copied() {
            if known <= place {
                return;
            }
            self.by_place.remove(&(known.0, known.1, Arc::clone(&body)));
        } else {
            self.bytes += body.len();
        }
        self.places.insert(Arc::clone(&body), place);
        self.by_place.insert((place.0, place.1, body), (kind, source));
        while self.bytes > self.limit
            && let Some(((.., body), _)) = self.by_place.pop_last()
        {
            self.bytes -= body.len();
            self.places.remove(&body);
        }
    }

    /// Takes over what another collection holds.
    pub(crate) fn merge(&mut self, other: Self) {
        for ((.., body), (kind, source)) in other.by_place {
            self.add(kind, body, source);
        }
    }
}

/// A statement of an authority, and where it was fetched.
#[derive(Debug)]
pub(crate) struct Statement {
    says: Says,
    /// Where it comes from.
    pub(crate) source: StatusSource,
    /// Who vouches for it, as seen from the issuer with this fingerprint: nearly always the only one that is ever asked for.
    vouched: OnceLock<([u8; 32], (Signer, Verification))>,
}

#[derive(Debug)]
enum Says {
    Ocsp(BasicResponse),
    Crl(Crl),
}

impl Statement {
    fn read(kind: StatusKind, body: &[u8], source: StatusSource) -> Option<Self> {
        let says = match kind {
            StatusKind::Ocsp => match OcspResponse::parse(body).ok()? {
                OcspResponse::Basic(basic) => Says::Ocsp(*basic),
                OcspResponse::Unsuccessful(_) => return None,
            },
            StatusKind::Crl => Says::Crl(Crl::parse(body).ok()?),
        };
        Some(Self {
            says,
            source,
            vouched: OnceLock::new(),
        })
    }

    /// Which form it has.
    pub(crate) const fn kind(&self) -> StatusKind {
        match &self.says {
            Says::Ocsp(_) => StatusKind::Ocsp,
            Says::Crl(_) => StatusKind::Crl,
        }
    }

    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: Option<Time>) -> StatusReport {
        let check = || match &self.says {
            Says::Ocsp(basic) => basic.signed_by(issuer),
            Says::Crl(list) => (Signer::Issuer, list.verify(issuer)),
        };
        let (asked, known) = self.vouched.get_or_init(|| (issuer.fingerprint, check()));
        let vouched = if *asked == issuer.fingerprint { *known } else { check() };
        match &self.says {
            Says::Ocsp(basic) => basic.says(certificate, Some(issuer), at, vouched),
            Says::Crl(list) => list.says(certificate, at, vouched.1),
        }
    }
}

/// Statements that can be asked.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    /// In order of sighting.
    all: Vec<Statement>,
    /// OCSP responses by the serial numbers that they are about.
    by_serial: BTreeMap<Box<[u8]>, Vec<usize>>,
    /// Lists by the name of their issuer.
    by_issuer: BTreeMap<Box<[u8]>, Vec<usize>>,
}

impl Statuses {
    /// Reads what was fetched; what cannot be read says nothing.
    pub(crate) fn read(fetched: &FetchedStatuses) -> Self {
        let mut statuses = Self::default();
        for ((.., body), (kind, source)) in &fetched.by_place {
            let Some(statement) = Statement::read(*kind, body, *source) else {
                continue;
            };
            let place = statuses.all.len();
            match &statement.says {
                Says::Ocsp(basic) => {
                    for serial in basic.serials() {
                        statuses.by_serial.entry(serial.into()).or_default().push(place);
                    }
                }
                Says::Crl(list) => {
                    let issuer = list.issuer.key.clone();
                    statuses.by_issuer.entry(issuer).or_default().push(place);
                }
            }
            statuses.all.push(statement);
        }
        statuses
    }

    /// What was fetched about `certificate`, which `issuer` signed, in the order of sighting; `at` is the moment that matters.
    pub(crate) fn about(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Option<Time>,
    ) -> impl Iterator<Item = (&Statement, StatusReport)> {
        let responses = self.by_serial.get(certificate.serial_bytes());
        let lists = self.by_issuer.get(&certificate.issuer.key);
        let latest = |places: Option<&Vec<usize>>| {
            let places = places.map_or(&[][..], Vec::as_slice);
            places.iter().rev().take(ASKED).copied().collect::<Vec<_>>()
        };
        let mut places = [latest(responses), latest(lists)].concat();
        places.sort_unstable();
        // A response may say the same serial number twice.
        places.dedup();
        let statements = places.into_iter().filter_map(|place| self.all.get(place));
        let reports = statements.map(move |statement| (statement, statement.status(certificate, issuer, at)));
        let reports: Vec<_> = reports.filter(|(_, report)| report.standing.is_some()).collect();
        reports.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Leaf, REVOCATION_PEM, block, mark};
    use super::super::{Answer, Standing};
    use super::*;

    fn certificate(name: &str) -> Certificate {
        Certificate::parse(&block(REVOCATION_PEM, name)).unwrap()
    }

    fn source(frame: u64) -> StatusSource {
        StatusSource {
            server: IpAddr::from([10, 0, 0, 9]),
            mark: mark(frame),
        }
    }

    fn add(fetched: &mut FetchedStatuses, kind: StatusKind, name: &str, frame: u64) {
        fetched.add(kind, block(REVOCATION_PEM, name).into(), source(frame));
    }

    /// Everything that is kept: bytes of the body, and the frame.
    fn kept(fetched: &FetchedStatuses) -> Vec<(usize, u64)> {
        let one = |((_, frame, body), _): (&Place, _)| (body.len(), *frame);
        fetched.by_place.iter().map(one).collect()
    }

    #[test]
    fn statements_are_found_by_serial_number_and_by_issuer() {
        let mut fetched = FetchedStatuses::with_limit(1 << 20);
        add(&mut fetched, StatusKind::Ocsp, "ocsp-revoked", 5);
        add(&mut fetched, StatusKind::Ocsp, "ocsp-good", 6);
        add(&mut fetched, StatusKind::Crl, "crl", 7);
        fetched.add(StatusKind::Crl, b"rubbish".as_slice().into(), source(8));
        let (statuses, root) = (Statuses::read(&fetched), certificate("root"));
        let told = |name: &str, issuer: &Certificate| -> Vec<(u64, bool, bool)> {
            let leaf = certificate(name);
            let about = statuses.about(&leaf, issuer, None);
            about
                .map(|(statement, report)| {
                    let is_good = report.answer == Answer::Says(Standing::Good);
                    (
                        statement.source.mark.frame,
                        report.proves_revocation().is_some(),
                        is_good,
                    )
                })
                .collect()
        };
        assert_eq!(told("revoked", &root), [(5, true, false), (7, true, false)]);
        assert_eq!(told("good", &root), [(6, false, true), (7, false, true)]);
        // Asked for another issuer of that name, the signature is looked at anew.
        assert_eq!(told("revoked", &certificate("namesake")), [(7, false, false)]);
        let other = Authority::root("Other");
        let stranger = Certificate::parse(&Leaf::named("a.example").signed_by(&other)).unwrap();
        assert_eq!(statuses.about(&stranger, &other.certificate(), None).count(), 0);
    }

    #[test]
    fn the_earliest_sighting_counts_whatever_the_order() {
        let [mut one, mut other] = [(); 2].map(|()| FetchedStatuses::with_limit(1 << 20));
        add(&mut one, StatusKind::Crl, "crl", 9);
        add(&mut other, StatusKind::Crl, "crl", 4);
        let mut reverse = other.clone();
        reverse.merge(one.clone());
        one.merge(other);
        assert_eq!(kept(&one), kept(&reverse));
        assert_eq!(kept(&one).iter().map(|(_, frame)| *frame).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn where_they_are_too_many_the_earliest_are_kept_whatever_the_order() {
        let body = |number: u8| -> Arc<[u8]> { vec![number; 10].into() };
        // Number 3 is seen again before its time.
        let sightings = [(1, 8), (2, 2), (3, 9), (4, 4), (3, 1), (5, 6)];
        let of = |order: &[usize]| {
            let mut parts = [(); 2].map(|()| FetchedStatuses::with_limit(35));
            for place in order {
                let (number, frame) = sightings[*place];
                parts[place % 2].add(StatusKind::Crl, body(number), source(frame));
            }
            let [mut one, other] = parts;
            one.merge(other);
            assert_eq!(one.places.len(), one.by_place.len());
            (kept(&one), one.bytes)
        };
        let expected = (vec![(10, 1), (10, 2), (10, 4)], 30);
        assert_eq!(of(&[0, 1, 2, 3, 4, 5]), expected);
        assert_eq!(of(&[5, 4, 3, 2, 1, 0]), expected);
        assert_eq!(of(&[2, 0, 4, 1, 5, 3]), expected);
    }
}
