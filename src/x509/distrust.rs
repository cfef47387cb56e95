//! Whether a root programme refuses a certificate although its chain is well.

use super::Certificate;
use crate::evidence::Time;
use crate::registry::{DISTRUSTS, Distrust, Programme, Refused};

/// The decision of `programme` by which a leaf below `root` is refused at a moment.
pub(crate) fn distrusted(
    root: &Certificate,
    leaf: &Certificate,
    programme: Programme,
    at: Option<Time>,
) -> Option<&'static Distrust> {
    // Text that compares as days do.
    let refuses = |refused| match refused {
        Refused::IssuedAfter(day) => leaf.issued().date().as_str() > day,
        Refused::AllAfter(day) => at.is_some_and(|at| at.date().as_str() > day),
    };
    let mut rows = DISTRUSTS.iter().filter(|row| row.programme == programme);
    rows.find(|row| is_one_of(row.roots, root) && refuses(row.refused))
}

fn is_one_of(roots: &[&str], root: &Certificate) -> bool {
    let first = root.subject.text.split_once('=').map_or("", |(_, value)| value);
    roots.iter().any(|begin| first.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::super::mozilla;
    use super::super::testing::{Authority, Leaf, summer, valid};
    use super::*;

    fn leaf(year: i32) -> Certificate {
        let der = Leaf::named("a.example")
            .with(valid(year, year + 1))
            .signed_by(&Authority::root("R"));
        Certificate::parse(&der).unwrap()
    }

    #[test]
    fn every_row_means_roots_that_are_known() {
        let known: Vec<_> = mozilla::anchors();
        for root in DISTRUSTS.iter().flat_map(|row| row.roots) {
            let mut certificates = known.iter().filter_map(|anchor| anchor.certificate.readable());
            // Roots of the Symantec brand were those of its older brands.
            assert!(
                certificates.any(|known| is_one_of(&[root], known)) || *root == "Symantec ",
                "{root}"
            );
        }
    }

    #[test]
    fn the_day_of_issuance_decides() {
        let root = Authority::root("Entrust Root Certification Authority - G2").certificate();
        let at = Some(summer(2026));
        let refused = |year, programme| distrusted(&root, &leaf(year), programme, at).map(|row| row.refused);
        assert_eq!(refused(2024, Programme::Chrome), None);
        assert_eq!(
            refused(2025, Programme::Chrome),
            Some(Refused::IssuedAfter("2024-11-11"))
        );
        assert_eq!(
            refused(2025, Programme::Mozilla),
            Some(Refused::IssuedAfter("2024-11-30"))
        );
        let other = Authority::root("Root Entrust").certificate();
        assert!(distrusted(&other, &leaf(2025), Programme::Chrome, at).is_none());
    }

    #[test]
    fn a_root_may_be_refused_altogether_from_a_day_on() {
        let root = Authority::root("GeoTrust Global CA").certificate();
        let refused = |year| distrusted(&root, &leaf(2016), Programme::Chrome, Some(summer(year))).is_some();
        assert_eq!((refused(2018), refused(2019)), (false, true));
        assert!(distrusted(&root, &leaf(2016), Programme::Mozilla, Some(summer(2019))).is_none());
    }
}
