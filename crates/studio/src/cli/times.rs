//! Times and amounts as people read them.

use std::time::Duration;

use studio_protocol::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `3 m ago`; clocks of two machines may differ, so what lies ahead is `now`.
pub fn ago(time: Timestamp, now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millis() - time.as_millis()).unwrap_or(0);
    match millis / 1_000 {
        0..=1 => "now".to_owned(),
        seconds => format!("{} ago", span(Duration::from_secs(seconds))),
    }
}

/// The largest two units of a length of time.
pub fn span(length: Duration) -> String {
    match length.as_secs() {
        0 => format!("{} ms", length.as_millis()),
        seconds @ 1..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => format!("{} m {} s", seconds / MINUTE, seconds % MINUTE),
        seconds @ HOUR..DAY => format!("{} h {} m", seconds / HOUR, seconds % HOUR / MINUTE),
        seconds => format!("{} d {} h", seconds / DAY, seconds % DAY / HOUR),
    }
}

/// From one time to another.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    span(Duration::from_millis(u64::try_from(to.as_millis() - from.as_millis()).unwrap_or(0)))
}

/// `3.2 MiB`
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_keep_two_units() {
        for (millis, text) in [
            (250, "250 ms"),
            (1_000, "1 s"),
            (61_000, "1 m 1 s"),
            (7_260_000, "2 h 1 m"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(ago(now.plus_millis(-5_000), now), "5 s ago");
        assert_eq!(ago(now.plus_millis(5_000), now), "now");
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(3_355_444), "3.2 MiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
    }
}
