//! When the owner lets the machine work: hours of the week.

use std::fmt;
use std::str::FromStr;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// As people write them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The clock on the owner's wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 is Monday.
    pub weekday: u8,
    /// Since midnight.
    pub minute: u16,
}

/// The hours in which jobs are allowed; without any, always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule(Vec<Hours>);

/// One line of a schedule, as in `mon-fri 09:00-18:00`: it begins on each of its days, and may go on past midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hours {
    days: [bool; 7],
    from: u16,
    /// Not after `from`: it is of the next day.
    to: u16,
}

/// Why a line is no part of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleError(pub String);

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not like `mon-fri 18:00-08:00` or `sat,sun 00:00-24:00`", self.0)
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// Of lines like `mon-fri 09:00-18:00`; all of them together are when jobs are allowed.
    pub fn parse<T: AsRef<str>>(lines: &[T]) -> Result<Self, ScheduleError> {
        lines.iter().map(|line| line.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// As they can be parsed again.
    pub fn to_lines(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether jobs are allowed at any time.
    pub fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether jobs are allowed at this time.
    pub fn allows(&self, time: LocalTime) -> bool {
        self.is_always() || self.0.iter().any(|hours| hours.hold(time))
    }

    /// When jobs are allowed again, at the latest a week from now.
    pub fn next_start(&self, now: LocalTime) -> Option<LocalTime> {
        let starts = self.0.iter().flat_map(|hours| {
            let days = (0..7u8).filter(|day| hours.days[usize::from(*day)]);
            days.map(|weekday| LocalTime { weekday, minute: hours.from })
        });
        starts.min_by_key(|start| now.minutes_until(*start))
    }
}

impl LocalTime {
    /// More than none: a time that is now is a week away.
    fn minutes_until(self, later: Self) -> u32 {
        let week = 7 * u32::from(DAY);
        let of = |time: Self| u32::from(time.weekday) * u32::from(DAY) + u32::from(time.minute);
        (of(later) + week - of(self) - 1) % week + 1
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = DAYS.get(usize::from(self.weekday)).unwrap_or(&"?");
        write!(f, "{day} {:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl Hours {
    fn hold(&self, time: LocalTime) -> bool {
        let today = self.days[usize::from(time.weekday % 7)];
        let yesterday = self.days[usize::from((time.weekday + 6) % 7)];
        if self.from < self.to {
            today && (self.from..self.to).contains(&time.minute)
        } else {
            (today && time.minute >= self.from) || (yesterday && time.minute < self.to)
        }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<_> = DAYS.iter().zip(self.days).filter(|(_, is)| *is).map(|(day, _)| *day).collect();
        let clock = |time: u16| format!("{:02}:{:02}", time / 60, time % 60);
        write!(f, "{} {}-{}", days.join(","), clock(self.from), clock(self.to))
    }
}

impl FromStr for Hours {
    type Err = ScheduleError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let wrong = || ScheduleError(line.escape_debug().to_string());
        let text = line.trim().to_ascii_lowercase();
        // Days may be left out: every day then.
        let (days, hours) = text.rsplit_once(char::is_whitespace).unwrap_or(("mon-sun", &text));
        let (from, to) = hours.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (clock(from).ok_or_else(wrong)?, clock(to).ok_or_else(wrong)?);
        if from == to || from == DAY || to == 0 && from == 0 {
            return Err(wrong());
        }
        Ok(Self { days: self::days(days).ok_or_else(wrong)?, from, to: if to == 0 { DAY } else { to } })
    }
}

/// `00:00` to `24:00`.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| -> Option<u16> {
        (text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let time = hours * 60 + minutes;
    (minutes < 60 && time <= DAY).then_some(time)
}

/// `mon-fri`, `sat,sun`, `fri-mon`.
fn days(text: &str) -> Option<[bool; 7]> {
    let day = |word: &str| DAYS.iter().position(|day| *day == word.trim());
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let count = (last + 7 - first) % 7;
        (0..=count).for_each(|step| days[(first + step) % 7] = true);
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> LocalTime {
        let (day, time) = text.split_once(' ').unwrap();
        let weekday = DAYS.iter().position(|name| *name == day).unwrap() as u8;
        LocalTime { weekday, minute: clock(time).unwrap() }
    }

    fn allows(lines: &[&str], time: &str) -> bool {
        Schedule::parse(lines).unwrap().allows(at(time))
    }

    #[test]
    fn hours_hold_on_their_days_from_the_first_minute_to_the_one_before_the_last() {
        let work = ["mon-fri 09:00-18:00"];
        for (time, expected) in [
            ("mon 08:59", false),
            ("mon 09:00", true),
            ("fri 17:59", true),
            ("fri 18:00", false),
            ("sat 12:00", false),
            ("sun 12:00", false),
        ] {
            assert_eq!(allows(&work, time), expected, "{time}");
        }
    }

    #[test]
    fn hours_past_midnight_belong_to_the_day_on_which_they_begin() {
        let nights = ["fri,sun 22:00-06:30"];
        for (time, expected) in [
            ("fri 21:59", false),
            ("fri 22:00", true),
            ("sat 06:29", true),
            ("sat 06:30", false),
            ("sat 23:00", false),
            ("sun 23:59", true),
            ("mon 00:00", true),
            ("mon 06:30", false),
            ("fri 05:00", false),
        ] {
            assert_eq!(allows(&nights, time), expected, "{time}");
        }
    }

    #[test]
    fn lines_add_up_days_wrap_around_the_week_and_an_empty_schedule_is_always() {
        let lines = ["sat-mon 00:00-24:00", "22:00-00:00"];
        for (time, expected) in [
            ("sat 00:00", true),
            ("mon 23:59", true),
            ("tue 00:00", false),
            ("wed 22:00", true),
            ("thu 00:00", false),
        ] {
            assert_eq!(allows(&lines, time), expected, "{time}");
        }
        assert!(allows(&[], "wed 03:00"));
    }

    #[test]
    fn what_is_no_schedule_is_named() {
        for wrong in [
            "",
            "mon",
            "mon-fri",
            "mon 9-18",
            "mon 09:00",
            "mon 25:00-26:00",
            "mon 09:60-10:00",
            "moon 09:00-10:00",
            "mon 09:00-09:00",
            "mon 24:00-08:00",
            "mon 9:000-10:00",
            "mon 00:00-00:00",
            "mon -1:00-02:00",
        ] {
            let error = Schedule::parse(&[wrong]).expect_err(wrong);
            assert!(error.to_string().contains("mon-fri 18:00-08:00"), "{error}");
        }
        assert!(Schedule::parse(&[" Mon-Fri  9:00-18:00 "]).unwrap().allows(at("tue 10:00")));
    }

    #[test]
    fn lines_are_written_as_they_are_read() {
        let schedule = Schedule::parse(&["Fri-Mon 22:00-6:30", "12:00-00:00"]).unwrap();
        let lines = schedule.to_lines();
        assert_eq!(lines, ["mon,fri,sat,sun 22:00-06:30", "mon,tue,wed,thu,fri,sat,sun 12:00-24:00"]);
        assert_eq!(Schedule::parse(&lines).unwrap(), schedule);
    }

    #[test]
    fn the_next_start_is_named() {
        let schedule = Schedule::parse(&["mon-fri 18:00-23:00", "sat 08:00-09:00"]).unwrap();
        let next = |now| schedule.next_start(at(now)).unwrap().to_string();
        assert_eq!(next("mon 10:00"), "mon 18:00");
        assert_eq!(next("fri 23:30"), "sat 08:00");
        assert_eq!(next("sat 09:00"), "mon 18:00");
        assert_eq!(Schedule::default().next_start(at("mon 10:00")), None);
    }

    #[test]
    fn no_minute_of_the_week_is_allowed_before_the_next_start() {
        let schedule = Schedule::parse(&["tue-thu 23:15-01:45", "sun 05:00-05:10"]).unwrap();
        for minute in 0..7 * DAY {
            let now = LocalTime { weekday: (minute / DAY) as u8, minute: minute % DAY };
            let next = schedule.next_start(now).unwrap();
            assert!(schedule.allows(next));
            if schedule.allows(now) {
                continue;
            }
            for later in 1..now.minutes_until(next) {
                let time = (u32::from(minute) + later) % (7 * u32::from(DAY));
                let time = LocalTime {
                    weekday: (time / u32::from(DAY)) as u8,
                    minute: (time % u32::from(DAY)) as u16,
                };
                assert!(!schedule.allows(time), "{time} is before {next}, seen from {now}");
            }
        }
    }
}
