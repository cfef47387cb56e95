//! Mozilla's TLS roots: those of today, and those that were removed with the day until which they counted.
//!
//! A root that was removed counts for packets from before that day, so that a capture of 2019 is not judged by the list of today. A root
//! that was added counts for older packets too: whoever serves its certificates also served those clients, over a cross-signed
//! certificate or not at all. What was removed before the earliest list in `data/` (October 2016) is not known.

use std::sync::Arc;

use data_encoding::BASE64;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::Interned;
use super::trust::Anchor;
use crate::evidence::Time;

/// The version of the crate that holds the roots of today.
pub(super) const VERSION: &str = "1.0.11";
/// The day on which that version was published.
pub(super) const DATE: &str = "2026-10-23";

/// Written by `data/mozilla_removed_roots.py`.
const REMOVED: &str = include_str!("../../data/mozilla-removed-roots.pem");

/// Every root, those of today first.
pub(super) fn anchors() -> Vec<Anchor> {
    let today = TLS_SERVER_ROOT_CERTS.iter().map(|der| Anchor {
        certificate: Arc::new(Interned::new(der)),
        until: None,
    });
    let removed = REMOVED.split("-----END CERTIFICATE-----").filter_map(removed);
    today.chain(removed).collect()
}

/// A root of the file: its days stand in the line above it.
fn removed(block: &str) -> Option<Anchor> {
    let (about, pem) = block.split_once("-----BEGIN CERTIFICATE-----")?;
    let until = about.trim_end().rsplit(' ').next()?;
    let base64: Vec<u8> = pem.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some(Anchor {
        certificate: Arc::new(Interned::new(&BASE64.decode(&base64).ok()?)),
        until: Some(day(until)?),
    })
}

/// The beginning of a day that is written `2019-05-01`.
fn day(text: &str) -> Option<Time> {
    let mut parts = text.split('-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Time::from_civil(year.into(), month, day, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_was_made_for_the_locked_version_of_todays_list() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"webpki-root-certs\"\nversion = \"{VERSION}\"\n")));
        assert!(REMOVED.contains(&format!("\n# webpki-root-certs {VERSION} of {DATE}.\n")));
    }

    #[test]
    fn every_removed_root_is_a_certificate_with_a_day_and_not_one_of_today() {
        let all = anchors();
        let today: Vec<_> = all.iter().filter(|anchor| anchor.until.is_none()).collect();
        assert_eq!(today.len(), TLS_SERVER_ROOT_CERTS.len());
        assert_eq!(
            all.len() - today.len(),
            REMOVED.matches("-----BEGIN CERTIFICATE-----").count()
        );
        for anchor in &all {
            assert!(anchor.certificate.readable().is_some());
            let again = today.iter().any(|one| one.certificate == anchor.certificate);
            assert_eq!(again, anchor.until.is_none());
        }
    }

    #[test]
    fn the_day_of_a_removal_is_read() {
        let names = |anchor: &&Anchor| {
            let read = anchor.certificate.readable().unwrap();
            read.display_name() == "DST Root CA X3"
        };
        let all = anchors();
        let root = all.iter().find(names).unwrap();
        assert_eq!(root.until.unwrap().date(), "2021-12-30");
        assert!(day("2021-12").is_none() && day("soon").is_none());
    }
}
