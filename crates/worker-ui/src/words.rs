//! Times, sizes and states in words, the same on every page.

use jiff::Timestamp as Moment;
use jiff::civil::Date;
use studio_protocol::{Stage, TaskKind, Timestamp};
use worker_local::{JobEnd, LogSeverity, Origin, PauseView, RegistrationState, Status, WorkerState};

use crate::{Clock, Tone};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl Clock {
    /// `14:03`.
    pub fn hour(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M")
    }

    /// `14:03:09`.
    pub fn second(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M:%S")
    }

    /// `14:03:09.120`.
    pub fn milli(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M:%S%.3f")
    }

    /// `14:03` of today, else `Tue 25 May, 14:03`.
    pub fn moment(&self, at: Timestamp) -> String {
        let same_day = self.iso_day(at) == self.iso_day(self.now);
        self.format(at, if same_day { "%H:%M" } else { "%a %-d %b, %H:%M" })
    }

    /// `Today`, `Yesterday`, `Tuesday 25 May`, with the year where it is another one.
    pub fn day(&self, day: &str) -> String {
        let Ok(date) = day.parse::<Date>() else { return day.to_owned() };
        let today = self.today();
        if Some(date) == today {
            return "Today".to_owned();
        }
        if today.and_then(|today| today.yesterday().ok()) == Some(date) {
            return "Yesterday".to_owned();
        }
        let same_year = today.is_some_and(|today| today.year() == date.year());
        date.strftime(if same_year { "%A %-d %B" } else { "%A %-d %B %Y" }).to_string()
    }

    /// `2026-05-25`, as the history counts days.
    pub fn iso_day(&self, at: Timestamp) -> String {
        self.format(at, "%F")
    }

    /// The next midnight here.
    pub fn tomorrow(&self, now: Timestamp) -> Option<Timestamp> {
        let now = Moment::from_millisecond(now.as_millis()).ok()?.to_zoned(self.zone.clone());
        let midnight = now.date().tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_millis(midnight.timestamp().as_millisecond()))
    }

    fn today(&self) -> Option<Date> {
        Moment::from_millisecond(self.now.as_millis()).ok().map(|now| now.to_zoned(self.zone.clone()).date())
    }

    fn format(&self, at: Timestamp, format: &str) -> String {
        Moment::from_millisecond(at.as_millis())
            .map(|at| at.to_zoned(self.zone.clone()).strftime(format).to_string())
            .unwrap_or_default()
    }
}

/// `340 ms`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1_000;
    let two = |first: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{first} {unit}") } else { format!("{first} {unit} {rest} {small}") }
    };
    match seconds {
        0 => format!("{millis} ms"),
        1..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

/// `about 3 min left`: an estimate is not told to the second.
pub fn left(eta_ms: u64) -> String {
    let seconds = i64::try_from(eta_ms / 1_000).unwrap_or(i64::MAX);
    let rough = match seconds {
        0..10 => 1_000 * seconds.max(1),
        10..MINUTE => 1_000 * ((seconds + 4) / 5 * 5),
        MINUTE..HOUR => 1_000 * ((seconds + 30) / MINUTE * MINUTE),
        _ => 1_000 * (seconds / MINUTE * MINUTE),
    };
    format!("about {} left", duration(rough))
}

/// `812 B`, `3.4 MiB`, `12.5 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_023.95 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `8.0 GiB` of a number of GiB.
pub fn gib(gib: f64) -> String {
    format!("{gib:.1} GiB")
}

/// `1 job`, `2 jobs`, `12,345 jobs`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a job makes.
pub fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Image => "Picture",
        TaskKind::Llm => "Chat",
        TaskKind::AudioStt => "Transcript",
        TaskKind::AudioTts => "Speech",
        TaskKind::Video => "Clip",
        TaskKind::Mesh => "3D mesh",
    }
}

/// What a job is busy with.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Queued => "Waits for the engine",
        Stage::Downloading => "Downloading",
        Stage::Loading => "Loading the model",
        Stage::Running => "Running",
        Stage::Uploading => "Sending the result",
    }
}

/// How a job ended.
pub fn end(end: JobEnd) -> (&'static str, Tone) {
    match end {
        JobEnd::Done => ("Done", Tone::Good),
        JobEnd::Failed => ("Failed", Tone::Bad),
        JobEnd::Cancelled => ("Cancelled", Tone::Plain),
        JobEnd::Released => ("Released", Tone::Warn),
    }
}

/// Who asked for a job.
pub fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Studio => "Studio",
        Origin::Local => "This machine",
    }
}

/// How grave a log line is.
pub fn severity(level: LogSeverity) -> (&'static str, Tone) {
    match level {
        LogSeverity::Error => ("Error", Tone::Bad),
        LogSeverity::Warn => ("Warning", Tone::Warn),
        LogSeverity::Info => ("Info", Tone::Plain),
        LogSeverity::Debug => ("Debug", Tone::Plain),
        LogSeverity::Trace => ("Trace", Tone::Plain),
    }
}

/// The worker in a few words, for the header and the tray: `Busy, 2 jobs`, `Paused until 14:00`.
pub fn state(status: &Status, clock: &Clock) -> (String, Tone) {
    if status.ending {
        return ("Ending".to_owned(), Tone::Warn);
    }
    match status.state {
        WorkerState::Idle => ("Idle".to_owned(), Tone::Good),
        WorkerState::Busy => {
            (format!("Busy, {}", count(status.jobs.len() as u64, "job", "jobs")), Tone::Busy)
        }
        WorkerState::Paused => (pause(status.pause.as_ref(), clock), Tone::Warn),
        WorkerState::Disconnected if status.registration.state == RegistrationState::Pending => {
            ("Waiting to be let in".to_owned(), Tone::Warn)
        }
        WorkerState::Disconnected => ("Disconnected".to_owned(), Tone::Bad),
    }
}

/// How long a pause holds.
pub fn pause(pause: Option<&PauseView>, clock: &Clock) -> String {
    match pause {
        Some(PauseView { until: Some(until), .. }) => format!("Paused until {}", clock.moment(*until)),
        Some(PauseView { until_idle: true, .. }) => "Paused until nobody uses the machine".to_owned(),
        Some(_) | None => "Paused".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn durations_and_sizes_are_short() {
        let said: Vec<_> = [340, 42_000, 200_000, 7_500_000, 273_600_000].map(duration).into();
        assert_eq!(said, ["340 ms", "42 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"]);
        let said: Vec<_> = [400, 12_000, 95_000, 7_500_000].map(left).into();
        assert_eq!(said, ["about 1 s left", "about 15 s left", "about 2 min left", "about 2 h 5 min left"]);
        assert_eq!([0, 812, 1_048_575, 13_421_772_800].map(bytes), ["0 B", "812 B", "1.0 MiB", "12.5 GiB"]);
        assert_eq!([7, 999, 1_000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn days_and_moments_are_told_from_today() {
        let now: Timestamp = "2026-05-25T22:30:00Z".parse().unwrap();
        let clock = Clock { zone: TimeZone::fixed(jiff::tz::offset(2)), now };
        assert_eq!(clock.day("2026-05-26"), "Today");
        assert_eq!(clock.day("2026-05-25"), "Yesterday");
        assert_eq!(clock.day("2026-05-19"), "Tuesday 19 May");
        assert_eq!(clock.day("2025-05-19"), "Monday 19 May 2025");
        assert_eq!(clock.day("soon"), "soon");
        assert_eq!(clock.moment(now), "00:30");
        assert_eq!(clock.moment(now.plus_millis(-HOUR * 1_000)), "Mon 25 May, 23:30");
        assert_eq!(clock.tomorrow(now).unwrap().to_string(), "2026-05-26T22:00:00.000Z");
    }
}
