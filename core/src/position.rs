//! How far the database has got: what a reader names to see its own writes on a replica.

use std::fmt;

/// A place in the database's log of writes. Opaque: compare and pass on, do not compute with it.
/// SQLite satisfies any position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    /// Wraps a log sequence number.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) const fn from_lsn(lsn: u64) -> Self {
        Self(lsn)
    }

    /// Returns the log sequence number.
    #[cfg(feature = "postgres")]
    pub(crate) const fn lsn(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_and_nothing_else_is_one() {
        let position = Position::from_lsn(0x0016_B374_8000);

        assert_eq!(Position::parse(&position.to_string()), Some(position));
        assert_eq!(Position::parse("16b3748"), None);
        assert_eq!(Position::parse("+0000000016b3748"), None);
    }
}
