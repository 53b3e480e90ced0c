//! How the synthetic engine is told to misbehave.

use std::time::Duration;

/// What to do before, or instead of, the work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Directives {
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
    /// Before each word of a chat.
    pub(super) pace: Duration,
    /// Whether a chat thinks first.
    pub(super) think: bool,
    /// Tools that a chat calls; an empty name is any.
    pub(super) calls: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Crash,
    Hang,
    Garbage,
    Partial,
    Fail,
    FailForGood,
}

impl Fault {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "crash" => Self::Crash,
            "hang" => Self::Hang,
            "garbage" => Self::Garbage,
            "partial" => Self::Partial,
            "fail" => Self::Fail,
            "fail-for-good" => Self::FailForGood,
            _ => return None,
        })
    }
}

impl Directives {
    /// Every `[[...]]` of a prompt; words that are none are part of the prompt.
    pub(super) fn of_prompt(prompt: &str) -> Self {
        let mut found = Self::default();
        for piece in prompt.split("[[").skip(1) {
            let Some((word, _)) = piece.split_once("]]") else { continue };
            match word.split_once('=') {
                Some(("delay", ms)) => found.delay = millis(ms).unwrap_or(found.delay),
                Some(("pace", ms)) => found.pace = millis(ms).unwrap_or(found.pace),
                Some(("call", name)) => found.calls.push(name.to_owned()),
                None if word == "call" => found.calls.push(String::new()),
                None if word == "think" => found.think = true,
                _ => found.fault = Fault::named(word).or(found.fault),
            }
        }
        found
    }

    pub(super) fn of_environment() -> Self {
        Self::of_variables("SYNTHETIC_DELAY_MS", "SYNTHETIC_FAULT")
    }

    pub(super) fn of_loads() -> Self {
        Self::of_variables("SYNTHETIC_LOAD_MS", "SYNTHETIC_LOAD_FAULT")
    }

    fn of_variables(delay: &str, fault: &str) -> Self {
        let read = |name| std::env::var(name).unwrap_or_default();
        Self {
            delay: millis(&read(delay)).unwrap_or_default(),
            fault: Fault::named(read(fault).trim()),
            ..Self::default()
        }
    }

    /// These, and where they say nothing, `other`.
    pub(super) fn or(self, other: &Self) -> Self {
        Self {
            delay: if self.delay.is_zero() { other.delay } else { self.delay },
            fault: self.fault.or(other.fault),
            ..self
        }
    }
}

fn millis(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_found_anywhere_in_a_prompt() {
        let found = Directives::of_prompt("a fox [[delay=250]] in snow [[crash]]");
        assert_eq!(
            found,
            Directives {
                delay: Duration::from_millis(250),
                fault: Some(Fault::Crash),
                ..Directives::default()
            }
        );
        let chat = Directives::of_prompt("[[pace=5]] [[think]] [[call]] [[call=add]]");
        assert_eq!(
            (chat.pace, chat.think, chat.calls),
            (Duration::from_millis(5), true, vec![String::new(), "add".into()])
        );
        assert_eq!(Directives::of_prompt("[[fail-for-good]]").fault, Some(Fault::FailForGood));
    }

    #[test]
    fn other_brackets_are_part_of_the_prompt() {
        for prompt in ["", "a [fox]", "[[fox]]", "[[delay=soon]]", "[[crash", "[[delay=-1]]"] {
            assert_eq!(Directives::of_prompt(prompt), Directives::default(), "{prompt}");
        }
    }

    #[test]
    fn the_prompt_wins_over_the_environment() {
        let environment =
            Directives { delay: Duration::from_secs(9), fault: Some(Fault::Fail), ..Directives::default() };
        let both = Directives::of_prompt("[[delay=1]]").or(&environment);
        assert_eq!((both.delay, both.fault), (Duration::from_millis(1), Some(Fault::Fail)));
    }
}
