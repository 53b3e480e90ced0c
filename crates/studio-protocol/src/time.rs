//! Wall-clock times as the protocol writes them: RFC 3339, UTC, milliseconds, `Z`.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since the Unix epoch; for display and history, never for decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not a time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 time like 2026-05-25T12:00:00.000Z")]
pub struct ParseTimestampError {
    text: String,
    #[source]
    source: Option<jiff::Error>,
}

impl Timestamp {
    /// The latest representable time, 9999-12-30T22:00:00Z.
    const MAX_MILLIS: i64 = 253_402_207_200_000;

    /// From milliseconds since the epoch; values outside of the years -9999 to 9999 are brought back to the edge.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(-Self::MAX_MILLIS, Self::MAX_MILLIS))
    }

    /// The operating system's clock; the edge of the process is the only place that asks for it.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This time and `millis` more.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text
            .parse()
            .map_err(|source| ParseTimestampError { text: text.to_owned(), source: Some(source) })?;
        Ok(Self::from_millis(time.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_milliseconds_and_a_z() {
        let time = Timestamp::from_millis(1_779_710_400_000);
        assert_eq!(time.to_string(), "2026-05-25T12:00:00.000Z");
        assert_eq!("2026-05-25T14:00:00+02:00".parse::<Timestamp>().unwrap(), time);
        assert!("yesterday".parse::<Timestamp>().unwrap_err().to_string().contains("yesterday"));
    }

    #[test]
    fn extremes_stay_printable() {
        for millis in [i64::MIN, i64::MAX] {
            assert!(Timestamp::from_millis(millis).to_string().ends_with('Z'));
        }
    }
}
