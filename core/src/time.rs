//! Time: milliseconds since 1970 in UTC, read from a clock that tests can turn by hand.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds of one day.
pub const DAY_MS: i64 = 86_400_000;

/// An instant: Unix milliseconds, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1990-01-01, the earliest instant that the engine accepts from outside.
    pub const EARLIEST: Self = Self(631_152_000_000);

    /// Wraps Unix milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns Unix milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Returns the instant `ms` later, or earlier when negative; it saturates.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the text form `2026-01-31T09:30:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        let Some(at) = self.date_time() else { return String::from("1970-01-01T00:00:00.000Z") };
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second, ms) = (at.hour(), at.minute(), at.second(), at.millisecond());
        let mut text = String::with_capacity(24);
        push_digits(&mut text, u32::try_from(year).unwrap_or(0), 1_000);
        for (before, number) in
            [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)]
        {
            text.push(before);
            push_digits(&mut text, u32::from(number), 10);
        }
        text.push('.');
        push_digits(&mut text, u32::from(ms), 100);
        text.push('Z');
        text
    }

    /// Reads an RFC 3339 instant with any offset; `None` when it is not one.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }

    /// Returns year and month (1 to 12) in UTC.
    pub fn year_month(self) -> (i32, u8) {
        self.date_time().map_or((1970, 1), |at| (at.year(), u8::from(at.month())))
    }

    fn date_time(self) -> Option<OffsetDateTime> {
        let ms = u16::try_from(self.0.rem_euclid(1_000)).ok()?;
        OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000))
            .ok()?
            .replace_millisecond(ms)
            .ok()
    }
}

/// Appends the digits of a number below ten times `unit`. Lists write three instants a row, and
/// `format!` takes five times as long.
fn push_digits(text: &mut String, number: u32, mut unit: u32) {
    while unit > 0 {
        text.push(char::from_digit(number / unit % 10, 10).unwrap_or('0'));
        unit /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The operating system's clock.
    #[default]
    System,
    /// A clock that stands still until it is turned.
    Manual(ManualClock),
}

impl Clock {
    /// Returns the present instant.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(
                i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000)
                    .unwrap_or(i64::MAX),
            ),
            Self::Manual(clock) => Timestamp(clock.0.load(Ordering::SeqCst)),
        }
    }
}

/// A clock for tests; clones share their time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.0)))
    }

    /// Moves the clock by `ms`.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_with_milliseconds() {
        let at = Timestamp::from_ms(1_769_851_800_123);

        assert_eq!(at.to_rfc3339(), "2026-01-31T09:30:00.123Z");
        assert_eq!(Timestamp::from_ms(-1).to_rfc3339(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::parse_rfc3339(&at.to_rfc3339()), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("2026-01-31T10:30:00.123+01:00"), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }
}
