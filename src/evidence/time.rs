//! The capture's clock: nanoseconds since 1970 UTC.

use std::fmt;
use std::num::NonZeroU64;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What is added to nanoseconds since 1970, so that they are in order as unsigned numbers.
const BIAS: u64 = 1 << 63;

/// A moment of the capture's clock, in nanoseconds since 1970-01-01T00:00:00 UTC. Reaches from 1677 to 2262.
///
/// Most moments are optional, since not every format has them, and millions of them are in memory: kept as a number that is never 0,
/// an `Option<Time>` is as small as a `Time`. The price is the first nanosecond of the range, which becomes the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Time(NonZeroU64);

const _: () = assert!(size_of::<Option<Time>>() == 8);

impl Time {
    /// From nanoseconds since 1970 UTC.
    pub(crate) const fn from_nanos(nanos: i64) -> Self {
        match NonZeroU64::new(nanos.cast_unsigned() ^ BIAS) {
            Some(biased) => Self(biased),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// From whole seconds since 1970 UTC; moments outside the range stop at its ends.
    pub(crate) const fn from_seconds(seconds: i64) -> Self {
        Self::from_nanos(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since 1970 UTC.
    pub(crate) const fn nanos(self) -> i64 {
        (self.0.get() ^ BIAS).cast_signed()
    }

    /// Whole seconds since 1970 UTC, rounded down.
    pub(crate) const fn seconds(self) -> i64 {
        self.nanos().div_euclid(NANOS_PER_SECOND)
    }

    /// This moment so many seconds later; stops at the ends of the range.
    pub(crate) const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_nanos(self.nanos().saturating_add(seconds.saturating_mul(NANOS_PER_SECOND)))
    }

    /// Seconds from `earlier` to this moment; negative where `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> f64 {
        self.nanos().saturating_sub(earlier.nanos()) as f64 / NANOS_PER_SECOND as f64
    }

    /// Year, month and day, hour, minute and second in UTC (proleptic Gregorian calendar).
    pub(crate) fn civil(self) -> (i64, u32, u32, u32, u32, u32) {
        let seconds = self.seconds();
        let (days, second_of_day) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        // The calendar repeats every 400 years = 146,097 days; counting from 1 March puts the leap day last.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let second_of_day = second_of_day as u32;
        (
            year,
            month,
            day,
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        )
    }

    /// From a civil date and time in UTC; `None` where a field is out of its range.
    pub(crate) fn from_civil(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Self> {
        if !(1600..=2400).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = days * SECONDS_PER_DAY + i64::from(hour * 3_600 + minute * 60 + second);
        Some(Self::from_seconds(seconds))
    }

    /// `2026-11-23`, in UTC.
    pub(crate) fn date(self) -> String {
        let (year, month, day, ..) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2026-11-23 12:03:01 UTC`.
    pub(crate) fn date_and_time(self) -> String {
        let (_, _, _, hour, minute, second) = self.civil();
        format!("{} {hour:02}:{minute:02}:{second:02} UTC", self.date())
    }

    /// `12:03:01.123`, in UTC.
    pub(crate) fn clock(self) -> String {
        let (_, _, _, hour, minute, second) = self.civil();
        let milli = self.nanos().rem_euclid(NANOS_PER_SECOND) / 1_000_000;
        format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({})", self.nanos())
    }
}

/// RFC 3339 in UTC with nine digits of the second.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        let nanos = self.nanos().rem_euclid(NANOS_PER_SECOND);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_with_nanoseconds() {
        assert_eq!(
            Time::from_nanos(1_700_000_000_123_456_789).to_string(),
            "2023-11-14T22:13:20.123456789Z"
        );
        assert_eq!(Time::from_nanos(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn nanoseconds_come_out_as_they_went_in_and_in_order() {
        let moments = [i64::MIN + 1, -1, 0, 1, 1_700_000_000_123_456_789, i64::MAX].map(Time::from_nanos);
        assert!(moments.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(moments.map(|moment| Time::from_nanos(moment.nanos())), moments);
        assert_eq!(Time::from_nanos(i64::MIN), moments[0]);
        assert_eq!(moments[2].nanos(), 0);
    }

    #[test]
    fn civil_dates_go_there_and_back() {
        for day in (-200_000..80_000).step_by(13) {
            let time = Time::from_seconds(day * SECONDS_PER_DAY / 2 + 3_599);
            let (year, month, date, hour, minute, second) = time.civil();
            assert_eq!(Time::from_civil(year, month, date, hour, minute, second), Some(time));
        }
    }

    #[test]
    fn leap_days_are_known() {
        assert_eq!(
            Time::from_civil(2024, 2, 29, 0, 0, 0).map(Time::date).as_deref(),
            Some("2024-02-29")
        );
        assert_eq!(Time::from_civil(2024, 13, 1, 0, 0, 0), None);
    }
}
