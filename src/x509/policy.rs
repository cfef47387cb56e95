//! What browsers demand of a server's certificate beyond a valid path.

use super::Certificate;
use crate::evidence::Time;
use crate::registry::{Demand, POLICIES, Policy, Programme};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Timestamps of transparency logs that are enough where they come beside the certificate.
const ENOUGH_BESIDE: usize = 2;

impl Certificate {
    /// How many days it is valid for; a day that has begun counts.
    pub(crate) fn days_of_validity(&self) -> i64 {
        let seconds = self.not_after.seconds().saturating_sub(self.not_before.seconds());
        seconds.saturating_add(DAY - 1).div_euclid(DAY)
    }

    /// How many transparency logs gave the timestamps that it carries.
    pub(crate) fn logs(&self) -> usize {
        let timestamps = self.extensions.timestamps.as_ref();
        timestamps.map_or(0, |timestamps| timestamps.logs.len())
    }
}

/// The demands of `programme` that a leaf does not meet at a moment, of each kind the strictest. `beside` is the number of timestamps that
/// the server sent with it; `None` where that cannot be told.
pub(crate) fn unmet(
    leaf: &Certificate,
    programme: Programme,
    is_public: bool,
    beside: Option<usize>,
    at: Option<Time>,
) -> Vec<&'static Policy> {
    let (issued, at) = (leaf.not_before.date(), at.map(Time::date));
    let applies = |policy: &&Policy| {
        policy.programme == programme
            && (is_public || !policy.public_only)
            && policy.issued_from <= issued.as_str()
            && at.as_ref().is_none_or(|at| policy.enforced_from <= at.as_str())
    };
    let is_met = |demand| match demand {
        Demand::ValidFor(days) => leaf.days_of_validity() <= i64::from(days),
        Demand::Logged { logs, over_days } => {
            leaf.days_of_validity() <= i64::from(over_days)
                || beside.is_none_or(|beside| beside >= ENOUGH_BESIDE)
                || leaf.logs() >= logs
        }
        Demand::Purpose => leaf.extensions.extended_key_usage.is_some(),
    };
    let mut unmet: Vec<&Policy> = Vec::new();
    for policy in POLICIES.iter().filter(applies).filter(|policy| !is_met(policy.demand)) {
        let kind = std::mem::discriminant(&policy.demand);
        unmet.retain(|milder| std::mem::discriminant(&milder.demand) != kind);
        unmet.push(policy);
    }
    unmet
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};

    use super::super::testing::{Authority, Leaf, summer};
    use super::*;

    type Day = (i32, u8, u8);

    fn leaf(from: Day, to: Day, more: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let der = Leaf::named("a.example")
            .with(|params| {
                params.not_before = date_time_ymd(from.0, from.1, from.2);
                params.not_after = date_time_ymd(to.0, to.1, to.2);
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                more(params);
            })
            .signed_by(&Authority::root("R"));
        Certificate::parse(&der).unwrap()
    }

    /// The demands that are not met, where timestamps do not matter.
    fn demands(leaf: &Certificate, programme: Programme, is_public: bool) -> Vec<Demand> {
        let unmet = unmet(leaf, programme, is_public, None, Some(summer(2030)));
        unmet.iter().map(|policy| policy.demand).collect()
    }

    #[test]
    fn the_first_day_of_validity_decides_how_long_it_may_be() {
        let public = |from, to| demands(&leaf(from, to, |_| ()), Programme::Chrome, true);
        // 398 days and 399 days.
        assert_eq!(public((2021, 1, 1), (2022, 2, 3)), []);
        assert_eq!(public((2021, 1, 1), (2022, 2, 4)), [Demand::ValidFor(398)]);
        // Two years, of a time when that was well.
        assert_eq!(public((2020, 8, 31), (2022, 8, 31)), []);
        assert_eq!(public((2026, 3, 14), (2027, 3, 14)), []);
        assert_eq!(public((2026, 3, 15), (2027, 3, 15)), [Demand::ValidFor(200)]);
        assert_eq!(public((2026, 3, 15), (2026, 10, 1)), []);
    }

    #[test]
    fn below_a_private_root_only_apple_asks() {
        let long = leaf((2021, 1, 1), (2024, 1, 1), |_| ());
        assert_eq!(demands(&long, Programme::Apple, false), [Demand::ValidFor(825)]);
        assert_eq!(demands(&long, Programme::Apple, true), [Demand::ValidFor(398)]);
        assert_eq!(demands(&long, Programme::Chrome, false), []);
        let old = leaf((2019, 7, 1), (2024, 1, 1), |_| ());
        assert_eq!(demands(&old, Programme::Apple, false), []);
        let purposeless = leaf((2021, 1, 1), (2022, 1, 1), |params| params.extended_key_usages.clear());
        assert_eq!(demands(&purposeless, Programme::Apple, false), [Demand::Purpose]);
    }

    #[test]
    fn timestamps_are_asked_for_where_they_could_be_seen_and_from_their_day_on() {
        let leaf = leaf((2024, 1, 1), (2025, 1, 1), |_| ());
        let logs = |programme, beside, year| {
            let unmet = unmet(&leaf, programme, true, beside, Some(summer(year)));
            unmet.iter().map(|policy| policy.demand).collect::<Vec<_>>()
        };
        let three = Demand::Logged {
            logs: 3,
            over_days: 180,
        };
        assert_eq!(logs(Programme::Chrome, Some(0), 2024), [three]);
        assert_eq!(logs(Programme::Chrome, Some(2), 2024), []);
        assert_eq!(logs(Programme::Chrome, None, 2024), []);
        assert_eq!(logs(Programme::Mozilla, Some(0), 2024), []);
        assert_eq!(logs(Programme::Mozilla, Some(0), 2025), [three]);
    }
}
