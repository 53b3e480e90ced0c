//! An answer as it is told piece by piece: what happens to the jobs of a request becomes events of its dialect.

use serde_json::Value;

use crate::{Answer, Asked, Diverged, Event, Failure, Kind, Told, Writer};

/// What is said to one client; its shell brings the events to it.
pub struct Talk {
    writer: Box<dyn Writer>,
    one_call: bool,
    request_id: String,
    choices: Vec<Choice>,
    /// Answers that are not complete.
    open: usize,
    has_begun: bool,
}

/// One answer as its client knows it.
#[derive(Default)]
struct Choice {
    text: Told,
    reasoning: Told,
}

/// What an answer has grown by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Growth<'a> {
    /// What was said.
    pub text: &'a str,
    /// What was thought.
    pub reasoning: &'a str,
    /// What was told before belongs to a try that is lost: this one starts from the beginning.
    pub reset: bool,
    /// Something before this is left out; the result has it.
    pub gap: bool,
}

impl Talk {
    /// About this many answers.
    pub fn new(asked: Asked, answers: usize, request_id: String) -> Self {
        Self {
            writer: asked.writer,
            one_call: asked.one_call,
            request_id,
            choices: (0..answers).map(|_| Choice::default()).collect(),
            open: answers,
            has_begun: false,
        }
    }

    /// Whether anything was said.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// A job has begun; later ones say nothing.
    pub fn begin(&mut self) -> Vec<Event> {
        if std::mem::replace(&mut self.has_begun, true) { Vec::new() } else { self.writer.begin() }
    }

    /// Answer number `at` has grown.
    pub fn grow(&mut self, at: usize, growth: Growth<'_>) -> Result<Vec<Event>, Failure> {
        let mut events = self.begin();
        let choice = &mut self.choices[at];
        for told in [&mut choice.text, &mut choice.reasoning] {
            if growth.reset {
                told.again();
            }
            if growth.gap {
                told.gap();
            }
        }
        let text = choice.text.push(growth.text).map_err(diverged)?;
        let reasoning = choice.reasoning.push(growth.reasoning).map_err(diverged)?;
        events.extend(self.tell(at, text, reasoning));
        Ok(events)
    }

    /// Answer number `at` is complete, with this result of its job.
    pub fn done(&mut self, at: usize, result: Option<&str>) -> Result<Vec<Event>, Failure> {
        let answer = Answer::read_text(result, self.one_call)?;
        let mut events = self.begin();
        let choice = &mut self.choices[at];
        let reasoning = choice.reasoning.finish(&answer.reasoning).map_err(diverged)?;
        let text = choice.text.finish(&answer.text).map_err(diverged)?;
        events.extend(self.tell(at, text, reasoning));
        events.extend(self.writer.done(at, &answer));
        self.open -= 1;
        if self.open == 0 {
            events.extend(self.writer.end());
        }
        Ok(events)
    }

    /// Nothing follows.
    pub fn failed(&mut self, failure: &Failure) -> Vec<Event> {
        self.writer.failed(failure, &self.request_id)
    }

    fn tell(&mut self, at: usize, text: &str, reasoning: &str) -> Vec<Event> {
        if text.is_empty() && reasoning.is_empty() {
            return Vec::new();
        }
        self.writer.delta(at, text, reasoning)
    }
}

impl Answer {
    /// As [`read`](Self::read), from a job's result as it is written.
    pub fn read_text(result: Option<&str>, one_call: bool) -> Result<Self, Failure> {
        let result: Value = result.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        Self::read(&result, one_call)
    }
}

pub(crate) fn diverged(error: Diverged) -> Failure {
    Failure::new(Kind::Internal, error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openai::chat;
    use crate::openai::tests::origin;

    fn talk(n: usize) -> Talk {
        let request =
            json!({"model": "m", "n": n, "stream": true, "messages": [{"role": "user", "content": "x"}]});
        Talk::new(chat::read(&request, &origin()).unwrap(), n, "req".into())
    }

    fn contents(events: &[Event]) -> String {
        let read = |event: &Event| serde_json::from_str::<Value>(&event.data).ok();
        let said = events.iter().filter_map(read);
        said.filter_map(|said| said["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn a_lost_try_is_not_told_twice_and_the_result_has_the_last_word() {
        let mut talk = talk(1);
        assert!(!talk.has_begun() && !talk.begin().is_empty() && talk.begin().is_empty());
        let grown = |text, reset| Growth { text, reset, ..Growth::default() };
        assert_eq!(contents(&talk.grow(0, grown("Hel", false)).unwrap()), "Hel");
        assert_eq!(contents(&talk.grow(0, grown("Hello", true)).unwrap()), "lo");
        let gap = Growth { text: "!", gap: true, ..Growth::default() };
        assert_eq!(contents(&talk.grow(0, gap).unwrap()), "");
        let result = json!({"choices": [{"message": {"content": "Hello you!"}}]}).to_string();
        let end = talk.done(0, Some(&result)).unwrap();
        assert_eq!(contents(&end), " you!");
        assert_eq!(end.last().unwrap().data, "[DONE]");
        assert!(talk.failed(&Failure::new(Kind::Busy, "later"))[0].data.contains("later"));
    }

    #[test]
    fn the_end_comes_with_the_last_answer_and_what_cannot_be_is_a_failure() {
        let result = json!({"choices": [{"message": {"content": "a"}}]}).to_string();
        let mut two = talk(2);
        assert!(two.done(1, Some(&result)).unwrap().iter().all(|event| event.data != "[DONE]"));
        assert!(two.done(0, Some(&result)).unwrap().iter().any(|event| event.data == "[DONE]"));
        let mut other = talk(1);
        other.grow(0, Growth { text: "b", ..Growth::default() }).unwrap();
        assert!(other.done(0, Some(&result)).is_err());
        assert_eq!(talk(1).done(0, None).unwrap_err().kind, Kind::Internal);
    }
}
