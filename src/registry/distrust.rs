//! Roots that browsers' root programmes stopped to trust while certificates below them were still valid.
//!
//! Each row holds for the clients of one programme. A date is the last day, in UTC, that is still well: of the certificate's issuance where
//! older ones go on to be trusted, else of the handshake. Where the programme looks at timestamps of transparency logs, the earliest of them
//! is the issuance.

/// Who decides which roots a client trusts, and what it demands below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Programme {
    /// The Apple Root Certificate Program.
    Apple,
    /// The Chrome Root Program.
    Chrome,
    /// Mozilla's Root Program.
    Mozilla,
}

impl Programme {
    /// The name in sentences.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Apple => "Apple",
            Self::Chrome => "Chrome",
            Self::Mozilla => "Mozilla",
        }
    }
}

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Certificates that were issued after this day.
    IssuedAfter(&'static str),
    /// Every certificate, after this day.
    AllAfter(&'static str),
}

/// One decision.
#[derive(Debug)]
pub(crate) struct Distrust {
    /// Whose.
    pub(crate) programme: Programme,
    /// What the most specific part of the root's name begins with.
    pub(crate) roots: &'static [&'static str],
    /// What is refused.
    pub(crate) refused: Refused,
    #[allow(
        dead_code,
        reason = "for readers of the table, and for the test that wants one in every row"
    )]
    source: &'static str,
}

const ENTRUST: &[&str] = &[
    "Entrust Root Certification Authority",
    "Entrust.net Certification Authority (2048)",
    "AffirmTrust Commercial",
    "AffirmTrust Networking",
    "AffirmTrust Premium",
];
const SYMANTEC: &[&str] = &["VeriSign ", "GeoTrust ", "thawte ", "Symantec "];

/// Every decision that is known here.
pub(crate) const DISTRUSTS: &[Distrust] = &[
    Distrust {
        programme: Programme::Chrome,
        roots: ENTRUST,
        refused: Refused::IssuedAfter("2024-11-11"),
        source: "Google Security Blog, 2024-06-27; Chrome Root Program",
    },
    Distrust {
        programme: Programme::Mozilla,
        roots: ENTRUST,
        refused: Refused::IssuedAfter("2024-11-30"),
        source: "NSS certdata.txt, CKA_NSS_SERVER_DISTRUST_AFTER",
    },
    Distrust {
        programme: Programme::Chrome,
        roots: &[
            "ePKI Root Certification Authority",
            "HiPKI Root CA - G1",
            "NetLock Arany",
        ],
        refused: Refused::IssuedAfter("2025-07-31"),
        source: "Google Security Blog, 2025-05-30; Chrome Root Program",
    },
    Distrust {
        programme: Programme::Mozilla,
        roots: &["ePKI Root Certification Authority"],
        refused: Refused::IssuedAfter("2025-04-15"),
        source: "NSS certdata.txt, CKA_NSS_SERVER_DISTRUST_AFTER",
    },
    Distrust {
        programme: Programme::Mozilla,
        roots: &["Izenpe.com"],
        refused: Refused::IssuedAfter("2026-04-15"),
        source: "NSS certdata.txt, CKA_NSS_SERVER_DISTRUST_AFTER",
    },
    Distrust {
        programme: Programme::Chrome,
        roots: &["GLOBALTRUST 2020"],
        refused: Refused::IssuedAfter("2024-06-30"),
        source: "Chrome Root Program, announcement of version 124",
    },
    Distrust {
        programme: Programme::Mozilla,
        roots: &["GLOBALTRUST 2020"],
        refused: Refused::IssuedAfter("2024-06-30"),
        source: "Mozilla dev-security-policy, 2024",
    },
    Distrust {
        programme: Programme::Chrome,
        roots: SYMANTEC,
        refused: Refused::AllAfter("2018-10-16"),
        source: "Google Security Blog, 2018-03-07 (Chrome 70)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_roots_a_day_and_a_source() {
        for row in DISTRUSTS {
            let (Refused::IssuedAfter(day) | Refused::AllAfter(day)) = row.refused;
            assert!(day.len() == 10 && day.starts_with("20"), "{row:?}");
            assert!(!row.roots.is_empty() && row.source.len() > 10, "{row:?}");
        }
    }

    #[test]
    fn no_programme_decides_twice_about_a_root() {
        for (place, row) in DISTRUSTS.iter().enumerate() {
            for other in DISTRUSTS
                .iter()
                .skip(place + 1)
                .filter(|other| other.programme == row.programme)
            {
                assert!(!row.roots.iter().any(|root| other.roots.contains(root)), "{row:?}");
            }
        }
    }
}
