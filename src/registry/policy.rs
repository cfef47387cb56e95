//! What browsers demand of a server's certificate although its path is well: how long it may be valid, which transparency logs must know
//! it, and what it must say that it is for.
//!
//! Each row holds for the clients of one programme and for certificates whose validity begins on a day or after it, in UTC. Of the rows of
//! one kind that apply, the last is the strictest.

use super::Programme;

/// What is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// From notBefore to notAfter pass at most so many days.
    ValidFor(u32),
    /// So many logs gave their timestamp, where the certificate is valid for more than so many days.
    Logged {
        /// How many, where the certificate itself carries them. Sent beside it, two are enough.
        logs: usize,
        /// Certificates of up to so many days are not meant.
        over_days: u32,
    },
    /// extendedKeyUsage is there; where it does not hold serverAuth, no client takes it.
    Purpose,
}

/// One decision.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Whose.
    pub(crate) programme: Programme,
    /// What is demanded.
    pub(crate) demand: Demand,
    /// The first day of validity of the certificates that are meant.
    pub(crate) issued_from: &'static str,
    /// The first day on which clients look at it.
    pub(crate) enforced_from: &'static str,
    /// True where it is asked only below the roots that the programme itself ships.
    pub(crate) public_only: bool,
    #[allow(
        dead_code,
        reason = "for readers of the table, and for the test that wants one in every row"
    )]
    source: &'static str,
}

const CHROMIUM: &str = "Chromium, net/cert/cert_verify_proc.cc (HasTooLongValidity); CA/Browser Forum ballot SC-081v3";
const CHROME_LOGS: &str = "Chrome Certificate Transparency Policy; ct-policy@chromium.org, 2018-04 and 2022-02-10";
const APPLE_LOGS: &str = "Apple support 103214 (Certificate Transparency policy)";
const MOZILLA_LOGS: &str = "Firefox 135 release notes; security/certverifier/CTPolicyEnforcer.cpp";

const fn public(
    programme: Programme,
    demand: Demand,
    issued_from: &'static str,
    enforced_from: &'static str,
    source: &'static str,
) -> Policy {
    Policy {
        programme,
        demand,
        issued_from,
        enforced_from,
        public_only: true,
        source,
    }
}

/// Below private roots too: Apple's demands of 2019, for certificates issued after 1 July.
const fn apples_of_2019(demand: Demand) -> Policy {
    Policy {
        programme: Apple,
        demand,
        issued_from: "2019-07-02",
        enforced_from: "2019-09-19",
        public_only: false,
        source: "Apple support 103769 (requirements of iOS 13 and macOS 10.15)",
    }
}

use Demand::{Logged, Purpose, ValidFor};
use Programme::{Apple, Chrome, Mozilla};

/// Every demand that is known here, by programme and kind in the order of time.
#[rustfmt::skip]
pub(crate) const POLICIES: &[Policy] = &[
    public(Chrome,  ValidFor(825),                        "2018-03-01", "2018-03-01", CHROMIUM),
    public(Chrome,  ValidFor(398),                        "2020-09-01", "2020-09-01", CHROMIUM),
    public(Chrome,  ValidFor(200),                        "2026-03-15", "2026-03-15", CHROMIUM),
    public(Chrome,  ValidFor(100),                        "2027-03-15", "2027-03-15", CHROMIUM),
    public(Chrome,  ValidFor(47),                         "2029-03-15", "2029-03-15", CHROMIUM),
    public(Chrome,  Logged { logs: 2, over_days: 0 },     "2018-05-01", "2018-07-24", CHROME_LOGS),
    public(Chrome,  Logged { logs: 3, over_days: 180 },   "2022-04-15", "2022-04-15", CHROME_LOGS),
    apples_of_2019(Purpose),
    apples_of_2019(ValidFor(825)),
    public(Apple,   ValidFor(398),                        "2020-09-01", "2020-09-01", "Apple support 102028 (limits on trusted certificates)"),
    public(Apple,   Logged { logs: 2, over_days: 0 },     "2018-10-16", "2018-10-16", APPLE_LOGS),
    public(Apple,   Logged { logs: 3, over_days: 180 },   "2021-04-21", "2021-04-21", APPLE_LOGS),
    public(Mozilla, Logged { logs: 2, over_days: 0 },     "2018-05-01", "2025-02-04", MOZILLA_LOGS),
    public(Mozilla, Logged { logs: 3, over_days: 180 },   "2022-04-15", "2025-02-04", MOZILLA_LOGS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_days_and_a_source() {
        for row in POLICIES {
            for day in [row.issued_from, row.enforced_from] {
                assert!(day.len() == 10 && day.starts_with("20"), "{row:?}");
            }
            assert!(row.source.len() > 10, "{row:?}");
        }
    }

    #[test]
    fn a_later_row_of_one_kind_is_the_stricter() {
        for (place, row) in POLICIES.iter().enumerate() {
            let later = POLICIES.iter().skip(place + 1);
            for later in later.filter(|later| later.programme == row.programme) {
                let stricter = match (row.demand, later.demand) {
                    (ValidFor(days), ValidFor(later)) => later < days,
                    (Logged { logs, .. }, Logged { logs: later, .. }) => later > logs,
                    (earlier, later) => earlier != later,
                };
                assert!(stricter, "{later:?}");
                let is_one_kind = std::mem::discriminant(&row.demand) == std::mem::discriminant(&later.demand);
                assert!(!is_one_kind || later.issued_from > row.issued_from, "{later:?}");
            }
        }
    }
}
