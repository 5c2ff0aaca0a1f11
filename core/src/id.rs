//! Ids: one newtype per entity over a UUIDv7, so that they never mix.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

use crate::time::Timestamp;

/// Declares one id type. A function cannot: the point is a distinct type per entity.
macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident $prefix:literal),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The word before the underscore in the opaque node id.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a fresh id whose order follows `at`.
            pub fn new(at: Timestamp) -> Self {
                Self(uuid_at(at))
            }

            /// Wraps a UUID that is known to name this kind of entity.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }

            /// Returns the opaque global id: prefix, underscore, 32 lower-case hex digits.
            pub fn node_id(&self) -> String {
                let mut digits = Uuid::encode_buffer();
                [concat!($prefix, "_"), self.0.as_simple().encode_lower(&mut digits)].concat()
            }

            /// Reads a global id; `None` for any other text, other kinds included.
            pub fn from_node_id(text: &str) -> Option<Self> {
                let hex = text.strip_prefix(concat!($prefix, "_"))?;
                (hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .then(|| Uuid::try_parse(hex).ok().map(Self))?
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )+};
}

ids!(
    /// A job application.
    JobId "job",
    /// A user; embedded engines have one, the local owner.
    UserId "user",
    /// A company of one user.
    CompanyId "com",
    /// A stored file of a job.
    AttachmentId "att",
    /// A text form of an attachment.
    VariantId "var",
    /// One entry of a job's status history.
    StatusChangeId "stc",
    /// A file that was received but is not attached yet.
    UploadId "upl",
    /// A piece of background work.
    TaskId "tsk",
    /// One request of a user for an analysis.
    AnalysisId "ana",
);

/// The one user of an embedded engine: a fixed id, so that every part of the program agrees on it.
pub const LOCAL_USER: UserId =
    UserId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// Makes a UUIDv7 with the millisecond of `at` and random bits from the operating system.
pub(crate) fn uuid_at(at: Timestamp) -> Uuid {
    let ms = u64::try_from(at.as_ms()).unwrap_or(0);
    let nanos = u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, ms / 1000, nanos))
}

/// Fills `N` bytes from the operating system's random source.
///
/// # Errors
/// [`crate::Error::Internal`] when the system has no random source.
pub fn random_bytes<const N: usize>() -> crate::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| crate::Error::internal("read random bytes", e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_round_trip_and_never_mix() {
        let job = JobId::new(Timestamp::from_ms(1_700_000_000_000));

        assert_eq!(JobId::from_node_id(&job.node_id()), Some(job));
        assert_eq!(AttachmentId::from_node_id(&job.node_id()), None);
        assert_eq!(JobId::from_node_id(&job.node_id().to_uppercase()), None);
        assert_eq!(JobId::from_node_id("job_"), None);
        assert_eq!(job.to_string().parse::<JobId>().ok(), Some(job));
    }

    #[test]
    fn later_ids_sort_later() {
        let early = JobId::new(Timestamp::from_ms(1_000));
        let late = JobId::new(Timestamp::from_ms(2_000));

        assert!(early < late);
    }
}
