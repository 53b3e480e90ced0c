//! A transcript as it is told piece by piece.

use super::TranscriptRequest;
use crate::talk::diverged;
use crate::{Event, Failure, Growth, Told};

/// What one client has heard of a transcript.
#[derive(Debug, Default)]
pub struct TranscriptTalk(Told);

impl TranscriptTalk {
    /// It has grown.
    pub fn grow(&mut self, growth: Growth<'_>) -> Result<Option<Event>, Failure> {
        if growth.reset {
            self.0.again();
        }
        if growth.gap {
            self.0.gap();
        }
        Ok(delta(self.0.push(growth.text).map_err(diverged)?))
    }

    /// It is complete.
    pub fn done(&mut self, result: &str) -> Result<Vec<Event>, Failure> {
        let (text, done) = TranscriptRequest::done(result)?;
        let rest = delta(self.0.finish(&text).map_err(diverged)?);
        let done = Event { name: Some("transcript.text.done"), data: done.into() };
        Ok(rest.into_iter().chain([done]).collect())
    }
}

fn delta(text: &str) -> Option<Event> {
    let data = || TranscriptRequest::delta(text).into();
    (!text.is_empty()).then(|| Event { name: Some("transcript.text.delta"), data: data() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_brings_what_was_not_told() {
        let mut talk = TranscriptTalk::default();
        let grown = talk.grow(Growth { text: "Good", ..Growth::default() }).unwrap().unwrap();
        assert_eq!(grown.name, Some("transcript.text.delta"));
        assert!(talk.grow(Growth { text: "Good", reset: true, ..Growth::default() }).unwrap().is_none());
        let end = talk.done(r#"{"text":"Good evening"}"#).unwrap();
        let names: Vec<_> = end.iter().map(|event| event.name.unwrap()).collect();
        assert_eq!(names, ["transcript.text.delta", "transcript.text.done"]);
        assert!(end[0].data.contains(" evening") && end[1].data.contains("Good evening"));
        assert!(talk.done(r#"{"text":"Bad evening"}"#).is_err());
    }
}
