//! The inventory of certificates: every server of the input and what it served, for those who have to know what they have and what ends when
//! (PCI DSS 4.2.1.1 asks for such a list). [`text`](super::text::write_inventory) shows it to people, [`json`](super::json::write_inventory)
//! to programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::render::{endpoint, information};
use super::timestamp::Timestamp;
use super::words::CertificateVisibility;
use super::{CertificateInfo, Endpoint};
use crate::connection;
use crate::evidence::Time;
use crate::x509::{Anchored, ChainReport, ChainShape, Interned, NameMatch, covers};

/// Nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;

/// Every server of the input and what it served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// By address, port, and fingerprints of the certificates.
    pub servers: Vec<ServedChain>,
    /// Connections whose server and certificates found no room in the inventory.
    pub left_out: u64,
}

impl Inventory {
    /// The rows that are asked for, in the order in which something in them ends; those without an end that is known come last.
    pub fn chosen(&self, expiring: &Expiring) -> Vec<&ServedChain> {
        let ends_soon = |row: &&ServedChain| match (expiring.within_days, row.days_left(expiring.from)) {
            (Some(within), Some(left)) => left < i64::try_from(within).unwrap_or(i64::MAX),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let mut rows: Vec<&ServedChain> = self.servers.iter().filter(ends_soon).collect();
        rows.sort_by_key(|row| row.ends.map_or((true, 0), |ends| (false, ends.nanos())));
        rows
    }

    /// How many servers there are, by address and port.
    pub fn addresses(&self) -> usize {
        let addresses: BTreeSet<String> = self.servers.iter().map(|row| row.server.to_string()).collect();
        addresses.len()
    }
}

/// Which rows of an inventory are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// From when days are counted: the present, or any other moment.
    pub from: Timestamp,
    /// Only where a certificate ends within so many days, or has ended; `None`: all.
    pub within_days: Option<u64>,
}

/// One server and one list of certificates that it sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServedChain {
    /// The server.
    pub server: Endpoint,
    /// The names that clients asked for, at most 16.
    pub names: Vec<String>,
    /// Those of them that the first certificate does not cover.
    pub names_not_covered: Vec<String>,
    /// `clear`, or `encrypted` where TLS 1.3 hides the certificates; then the chain is empty.
    pub visibility: CertificateVisibility,
    /// The certificates in the order in which they were sent.
    pub chain: Vec<CertificateInfo>,
    /// SHA-256 over all certificates of the list, lower-case hex: the name of its PEM file. `None` where they are hidden.
    pub chain_sha256: Option<String>,
    /// The names of the trust stores to which the list leads by itself.
    pub trusted_by: Vec<String>,
    /// True where it leads to one of these roots over certificates that were valid and may sign, for a server, when it was seen last (with
    /// [`Options::at`](crate::Options::at), then). Names are another question.
    pub sound: bool,
    /// What there is to say of the list, in words.
    pub defects: Vec<String>,
    /// When the first of its certificates ends, roots that are not needed left out. RFC 3339; `None` where none can be read.
    pub ends: Option<Timestamp>,
    /// Whole days from the last sighting to that end; negative where it had ended.
    pub days_left_when_seen: Option<i64>,
    /// How many connections were given this list.
    pub connections: u64,
    /// When it was seen first.
    pub first_seen: Option<Timestamp>,
    /// When it was seen last.
    pub last_seen: Option<Timestamp>,
    /// Where it was seen.
    pub places: Vec<ServedPlace>,
    #[serde(skip)]
    certificates: Vec<Arc<Interned>>,
}

/// Where a list of certificates was seen in one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServedPlace {
    /// The capture's path.
    pub capture: String,
    /// The frame that completed the message in which it was seen first; for hidden certificates, the ServerHello's.
    pub frame: u64,
    /// The first streams, at most 16, as Wireshark numbers them.
    pub streams: Vec<u64>,
}

/// One PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PemFile {
    /// Its name: the SHA-256 of what it holds, and `.pem`; `chain-` before it where that is a whole list.
    pub name: String,
    /// Its text (RFC 7468).
    pub text: String,
}

impl ServedChain {
    /// A row whose certificates are hidden.
    pub(crate) fn new(server: connection::Endpoint, names: BTreeSet<String>) -> Self {
        Self {
            server: endpoint(server),
            names: names.into_iter().collect(),
            visibility: CertificateVisibility::Encrypted,
            ..Self::default()
        }
    }

    /// Adds what was seen of its certificates. `at` is the moment at which they were examined.
    pub(crate) fn describe(&mut self, chain: &[Arc<Interned>], report: &ChainReport, at: Option<Time>) {
        self.visibility = CertificateVisibility::Clear;
        self.chain = chain.iter().map(|one| information(one)).collect();
        self.certificates = chain.to_vec();
        let mut context = Context::new(&SHA256);
        chain.iter().for_each(|one| context.update(one.der()));
        self.chain_sha256 = Some(HEXLOWER.encode(context.finish().as_ref()));
        if let Anchored::Yes { by } = &report.anchored {
            self.trusted_by.clone_from(&by.by);
        }
        if let Some(leaf) = &report.leaf {
            let missed = |name: &&String| matches!(covers(leaf, name), NameMatch::No { .. });
            self.names_not_covered = self.names.iter().filter(missed).cloned().collect();
        }
        self.sound = report.is_sound() && report.defects().is_empty();
        self.defects = defects(report);
        let needed = chain
            .iter()
            .enumerate()
            .filter(|(index, _)| report.superfluous_root != Some(*index));
        let ends = needed
            .filter_map(|(_, one)| one.readable())
            .map(|one| one.not_after)
            .min();
        self.ends = ends.map(Timestamp::from);
        let seen = self.last_seen.or_else(|| at.map(Timestamp::from));
        self.days_left_when_seen = seen.and_then(|seen| self.days_left(seen));
    }

    /// Whole days from a moment to the end of the certificate that ends first; negative where it has ended.
    pub fn days_left(&self, at: Timestamp) -> Option<i64> {
        let left = self.ends?.nanos().saturating_sub(at.nanos());
        Some(left.div_euclid(DAY))
    }

    /// The certificates as PEM files, one each, and one for the whole list where it is longer than that.
    pub fn pem_files(&self) -> Vec<PemFile> {
        let mut files: Vec<PemFile> = self
            .certificates
            .iter()
            .map(|one| PemFile {
                name: format!("{}.pem", one.sha256()),
                text: pem(one.der()),
            })
            .collect();
        if let (Some(sha256), 2..) = (&self.chain_sha256, files.len()) {
            let text = files.iter().map(|file| file.text.as_str()).collect();
            files.push(PemFile {
                name: format!("chain-{sha256}.pem"),
                text,
            });
        }
        files
    }
}

/// A certificate in PEM (RFC 7468 §5): lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        let _ = writeln!(text, "{}", BASE64.encode(line));
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// What is wrong with a list, for people.
fn defects(report: &ChainReport) -> Vec<String> {
    let mut told: Vec<String> = report
        .unparsed
        .iter()
        .map(|(index, fault)| format!("certificate {index} cannot be read: {fault}"))
        .collect();
    let issuer = || report.gap.as_ref().map_or("", |gap| gap.issuer.display());
    let open_end = match (&report.anchored, &report.shape) {
        (Anchored::Yes { .. }, _) | (_, ChainShape::Empty | ChainShape::LeafUnreadable) => None,
        (_, ChainShape::SelfSignedLeaf | ChainShape::SelfIssuedLeaf) => Some("self-signed".to_owned()),
        (_, ChainShape::EndsAtSelfSignedRoot { root }) => {
            Some(format!("ends at \"{}\", which is not trusted", root.display_name()))
        }
        (Anchored::ViaPool { .. }, _) => Some(format!(
            "its issuer \"{}\" was not sent; it is elsewhere in the input",
            issuer()
        )),
        (Anchored::No { .. }, ChainShape::EndsAtUnknownIssuer) => {
            Some(format!("ends at the issuer \"{}\", which is unknown here", issuer()))
        }
        (Anchored::No { .. }, _) => Some(format!("its issuer \"{}\" was not sent", issuer())),
    };
    told.extend(open_end);
    for ended in &report.expired {
        told.push(format!("\"{}\" had ended", ended.certificate.display_name()));
    }
    for early in &report.not_yet_valid {
        told.push(format!("\"{}\" had not begun", early.certificate.display_name()));
    }
    told.extend(report.defects());
    if report.unordered {
        told.push("out of order".to_owned());
    }
    if let Some(index) = report.superfluous_root {
        told.push(format!("certificate {index} is a root, which need not be sent"));
    }
    if !report.unused.is_empty() {
        told.push(format!(
            "{} that nothing needs",
            super::text::count(report.unused.len() as u64, "certificate")
        ));
    }
    told
}
