//! Moments as the contract shows them, and how a reader wants to see them.
//!
//! A [`Timestamp`] is always UTC with nanoseconds in JSON. The text report and the line format show it as [`Times`] says: UTC, a zone of
//! the reader's, or seconds since the capture began. Zones come in as a function, so nothing here asks the system for its zone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::evidence::Time;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A moment of the capture's clock: nanoseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since 1970 UTC.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970 UTC.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this moment; negative where `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        Time::from_nanos(self.0).since(Time::from_nanos(earlier.0))
    }

    /// The clock's reading `offset` seconds east of Greenwich, to be printed as if it were UTC.
    fn shifted(self, offset: i32) -> Time {
        Time::from_nanos(self.0.saturating_add(i64::from(offset) * NANOS_PER_SECOND))
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self(time.nanos())
    }
}

/// RFC 3339 in UTC with nine digits of the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Time::from_nanos(self.0).fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTimestamp(String);

impl fmt::Display for BadTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no time: give 2026-11-23T12:03:01Z, 2026-11-23 12:03:01 (UTC), 2026-11-23, or seconds since 1970",
            self.0
        )
    }
}

impl std::error::Error for BadTimestamp {}

/// Reads RFC 3339, also with a space for the `T`, without an offset (then UTC), a date alone (its midnight), or seconds since 1970.
impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| BadTimestamp(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    if !text.get(1..)?.contains('-') {
        let (seconds, nanos) = split_fraction(text)?;
        return Some(Timestamp(seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos)?));
    }
    let date = text.get(..10)?;
    let mut fields = date.split('-');
    let year = digits(fields.next()?, 4)?;
    let month = digits(fields.next()?, 2)?;
    let day = digits(fields.next()?, 2)?;
    if fields.next().is_some() || day > days_in(year, month) {
        return None;
    }
    let rest = text.get(10..)?;
    let (clock, offset) = if rest.is_empty() {
        ("00:00:00", 0)
    } else {
        split_offset(rest.strip_prefix(['T', 't', ' '])?)?
    };
    let mut fields = clock.splitn(3, ':');
    let hour = digits(fields.next()?, 2)?;
    let minute = digits(fields.next()?, 2)?;
    let seconds = fields.next().unwrap_or("00");
    digits(seconds.get(..2)?, 2)?;
    let (second, nanos) = split_fraction(seconds)?;
    let time = Time::from_civil(i64::from(year), month, day, hour, minute, u32::try_from(second).ok()?)?;
    // Outside 1678 to 2261 the seconds no longer fit in nanoseconds; `from_civil` would stop at the ends of the range.
    if !(1678..=2261).contains(&year) {
        return None;
    }
    Some(Timestamp(
        time.nanos()
            .checked_add(nanos)?
            .checked_sub(offset.checked_mul(NANOS_PER_SECOND)?)?,
    ))
}

/// `12.5` into 12 and 500,000,000. Digits beyond the ninth are dropped.
fn split_fraction(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    Some((whole.parse().ok()?, nine.parse().ok()?))
}

/// A clock reading and its offset from UTC in seconds.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (clock, offset) = (text.get(..at)?, text.get(at..)?);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3_600 + minutes * 60);
    Some((clock, if offset.starts_with('-') { -seconds } else { seconds }))
}

fn digits(text: &str, len: usize) -> Option<u32> {
    (text.len() == len && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A zone: how many seconds east of Greenwich its clocks are at a moment.
#[derive(Clone)]
pub struct Zone(Arc<dyn Fn(Timestamp) -> i32 + Send + Sync>);

impl Zone {
    /// A zone whose offset at each moment `offset` tells, in seconds east of Greenwich.
    pub fn new(offset: impl Fn(Timestamp) -> i32 + Send + Sync + 'static) -> Self {
        Self(Arc::new(offset))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Zone")
    }
}

/// How moments are shown in the text report and the line format.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Times {
    /// In UTC.
    #[default]
    Utc,
    /// In a zone of the reader's.
    Zone(Zone),
    /// In seconds since the first packet of the capture.
    Relative,
}

impl Times {
    /// The moment in full, for one line of the line format. `start` is the first packet of its capture.
    pub(crate) fn full(&self, moment: Timestamp, start: Option<Timestamp>) -> String {
        match self {
            Self::Utc => format!("{}Z", date_and_clock(moment.shifted(0), 'T')),
            Self::Zone(zone) => {
                let offset = (zone.0)(moment);
                format!("{}{}", date_and_clock(moment.shifted(offset), 'T'), offset_text(offset))
            }
            Self::Relative => format!("{:.6}", moment.seconds_since(start.unwrap_or(moment))),
        }
    }

    /// The clock alone: `12:03:01.123`; or seconds since `start`: `+1.123 s`.
    pub(crate) fn clock(&self, moment: Timestamp, start: Option<Timestamp>) -> String {
        match self {
            Self::Utc => moment.shifted(0).clock(),
            Self::Zone(zone) => moment.shifted((zone.0)(moment)).clock(),
            Self::Relative => format!("+{:.3} s", moment.seconds_since(start.unwrap_or(moment))),
        }
    }

    /// The date on the reader's calendar; empty where times are relative.
    pub(crate) fn date(&self, moment: Timestamp) -> String {
        match self {
            Self::Utc => moment.shifted(0).date(),
            Self::Zone(zone) => moment.shifted((zone.0)(moment)).date(),
            Self::Relative => String::new(),
        }
    }

    /// What to write behind a clock reading: `UTC`, `+01:00`, or nothing.
    pub(crate) fn label(&self, moment: Timestamp) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Zone(zone) => offset_text((zone.0)(moment)),
            Self::Relative => String::new(),
        }
    }
}

fn date_and_clock(shifted: Time, between: char) -> String {
    format!("{}{between}{}", shifted.date(), shifted.clock())
}

fn offset_text(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        text.parse::<Timestamp>()
            .map_or_else(|_| "no time".to_owned(), |time| time.to_string())
    }

    #[test]
    fn reads_what_people_write() {
        let noon = "2026-11-23T12:03:01.000000000Z";
        for text in [
            "2026-11-23T12:03:01Z",
            "2026-11-23 12:03:01",
            "2026-11-23T13:03:01+01:00",
            "2026-11-23T07:03:01-05:00",
            "1795435381",
        ] {
            assert_eq!(parsed(text), noon, "{text}");
        }
        assert_eq!(parsed("2026-11-23"), "2026-11-23T00:00:00.000000000Z");
        assert_eq!(parsed("2026-11-23 12:03"), "2026-11-23T12:03:00.000000000Z");
        assert_eq!(parsed("2026-11-23T12:03:01.25Z"), "2026-11-23T12:03:01.250000000Z");
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "x",
            "now",
            "2026-13-01",
            "2026-02-30",
            "2026-11-23Q",
            "2026-11-23T25:00:00",
            "2026-11-23T1:00:00",
            "12:00",
            "1.",
            "é026-11-23",
        ] {
            assert_eq!(parsed(text), "no time", "{text}");
        }
    }

    #[test]
    fn shows_a_zone_with_its_offset() {
        let moment = Timestamp::from_nanos(1_795_435_381_123_456_789);
        let times = Times::Zone(Zone::new(|_| -12_600));
        assert_eq!(times.full(moment, None), "2026-11-23T08:33:01.123-03:30");
        assert_eq!(times.clock(moment, None), "08:33:01.123");
        assert_eq!(times.label(moment), "-03:30");
        assert_eq!(Times::Utc.full(moment, None), "2026-11-23T12:03:01.123Z");
    }

    #[test]
    fn shows_seconds_since_the_capture_began() {
        let start = Timestamp::from_nanos(1_000_000_000);
        let moment = Timestamp::from_nanos(2_500_000_000);
        assert_eq!(Times::Relative.clock(moment, Some(start)), "+1.500 s");
        assert_eq!(Times::Relative.full(moment, Some(start)), "1.500000");
    }
}
