//! Three kinds of time: instants, dates and the one zone of a deployment.
//!
//! Instants are Unix milliseconds (seconds only on the wire). Dates (TMT, decrees, validity) are
//! calendar days in the Pemda's zone; periods are half-open `[from, until)`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::{Month, OffsetDateTime, UtcOffset};

/// How far apart clocks may be that are both right: those of two nodes, or one node's before and after a
/// correction. What is stamped further ahead was stamped by a clock that was wrong.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(60);

/// A point in time, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

impl Instant {
    /// From Unix milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Unix milliseconds, as stored.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole Unix seconds (NumericDate, RFC 7519 section 2), as on the wire.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved forward; saturates at the end of time.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved back; saturates at the beginning of time.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Whether it lies so far ahead of `now` that a clock was set back since. What says when it began and began
    /// then is refused: its end cannot be believed either.
    pub fn is_ahead_of(self, now: Self) -> bool {
        self > now.plus(CLOCK_LEEWAY)
    }

    /// Time elapsed since `earlier`; zero where `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A calendar day, stored and shown to machines as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(time::Date);

/// A text that is no calendar day `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a calendar day YYYY-MM-DD")]
pub struct NotADate;

impl Date {
    /// From year, month 1..=12 and day.
    pub fn new(year: i32, month: u8, day: u8) -> Result<Self, NotADate> {
        let month = Month::try_from(month).map_err(|_| NotADate)?;
        time::Date::from_calendar_date(year, month, day).map(Self).map_err(|_| NotADate)
    }

    /// The year, month (1..=12) and day.
    pub fn parts(self) -> (i32, u8, u8) {
        (self.0.year(), u8::from(self.0.month()), self.0.day())
    }

    /// This day moved by a number of days; saturates at the calendar's ends.
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(time::Duration::days(days)))
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return Err(NotADate);
        }
        let number = |from: usize, to: usize| -> Result<u16, NotADate> {
            let part = text.get(from..to).ok_or(NotADate)?;
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NotADate);
            }
            part.parse().map_err(|_| NotADate)
        };
        let month = u8::try_from(number(5, 7)?).map_err(|_| NotADate)?;
        let day = u8::try_from(number(8, 10)?).map_err(|_| NotADate)?;
        Self::new(i32::from(number(0, 4)?), month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl TryFrom<String> for Date {
    type Error = NotADate;

    fn try_from(text: String) -> Result<Self, NotADate> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

/// The zone of a deployment, written into the database at first start. Indonesia has no summer
/// time: the offsets are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Zone {
    /// WIB, UTC+7.
    #[default]
    #[serde(rename = "Asia/Jakarta")]
    Jakarta,
    /// WITA, UTC+8.
    #[serde(rename = "Asia/Makassar")]
    Makassar,
    /// WIT, UTC+9.
    #[serde(rename = "Asia/Jayapura")]
    Jayapura,
}

impl Zone {
    /// The name in the tz database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jakarta => "Asia/Jakarta",
            Self::Makassar => "Asia/Makassar",
            Self::Jayapura => "Asia/Jayapura",
        }
    }

    /// The abbreviation people read behind a time of day.
    pub const fn abbreviation(self) -> &'static str {
        match self {
            Self::Jakarta => "WIB",
            Self::Makassar => "WITA",
            Self::Jayapura => "WIT",
        }
    }

    const fn hours(self) -> i64 {
        match self {
            Self::Jakarta => 7,
            Self::Makassar => 8,
            Self::Jayapura => 9,
        }
    }

    /// The calendar day in this zone.
    pub fn today(self, now: Instant) -> Date {
        Date(self.local(now).date())
    }

    /// Hour, minute and second of the day in this zone.
    pub fn clock(self, now: Instant) -> (u8, u8, u8) {
        self.local(now).to_hms()
    }

    /// Midnight at the start of `date` in this zone.
    pub fn midnight(self, date: Date) -> Instant {
        let utc = date.0.midnight().assume_offset(UtcOffset::UTC).unix_timestamp();
        Instant::from_millis((utc - self.hours() * 3600) * 1000)
    }

    fn local(self, now: Instant) -> OffsetDateTime {
        let seconds = now.seconds().saturating_add(self.hours() * 3600);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// A half-open span of days: from `from` (inclusive) until `until` (exclusive, open-ended if none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// First day after; shown to people as "s.d." the day before.
    pub until: Option<Date>,
}

impl Period {
    /// Whether `day` lies within.
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_what_it_writes() {
        let date: Date = "2026-11-24".parse().unwrap();
        assert_eq!(date.to_string(), "2026-11-24");
        for bad in ["2026-13-01", "2026-02-30", "26-11-24", "2026/11/24", "2026-11-2x", "+026-11-24"] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_day_turns_at_local_midnight() {
        let before = Instant::from_millis(1_795_539_600_000 - 1);
        let date = Zone::Jakarta.today(before);
        assert_eq!(Zone::Jakarta.today(Zone::Jakarta.midnight(date)), date);
        assert_eq!(
            Zone::Jakarta.today(Zone::Jakarta.midnight(date).minus(Duration::from_millis(1))),
            date.plus_days(-1)
        );
    }

    #[test]
    fn a_period_ends_before_its_until() {
        let day = |d| Date::new(2026, 12, d).unwrap();
        let period = Period { from: day(1), until: Some(day(5)) };
        assert!(period.contains(day(1)) && period.contains(day(4)));
        assert!(!period.contains(day(5)) && !period.contains(day(1).plus_days(-1)));
    }
}
