//! Tells what a model thinks from what it says, while it still does.

use crate::text::overlap;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A piece of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Said.
    pub content: String,
    /// Thought.
    pub reasoning: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space has come.
    Start,
    Inside,
    /// Between `</think>` and the first word of the answer.
    After,
    Outside,
}

/// Splits an answer that arrives in pieces.
#[derive(Debug)]
pub struct Splitter {
    place: Place,
    held: String,
    /// Nothing was thought yet: its leading white space is dropped.
    fresh: bool,
}

impl Splitter {
    /// For an answer to `prompt`, whose template may have opened the thinking already.
    pub fn new(prompt: &str, enabled: bool) -> Self {
        let place = match (enabled, opens(prompt)) {
            (false, _) => Place::Outside,
            (true, true) => Place::Inside,
            (true, false) => Place::Start,
        };
        Self { place, held: String::new(), fresh: true }
    }

    /// Takes a piece; gives what is certain.
    pub fn push(&mut self, piece: &str) -> Split {
        self.held.push_str(piece);
        let mut out = Split::default();
        while self.step(&mut out) {}
        out
    }

    /// The end: what was held back is what it looks like.
    pub fn finish(&mut self) -> Split {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Inside => Split { reasoning: self.thought(held.trim_end()), ..Split::default() },
            Place::Start | Place::Outside => Split { content: held, ..Split::default() },
            Place::After => Split::default(),
        }
    }

    /// One step onward; whether there may be another.
    fn step(&mut self, out: &mut Split) -> bool {
        match self.place {
            Place::Start => {
                let said = self.held.trim_start();
                if let Some(rest) = said.strip_prefix(OPEN) {
                    self.held = rest.to_owned();
                    self.place = Place::Inside;
                    return true;
                }
                if OPEN.starts_with(said) {
                    return false;
                }
                self.place = Place::Outside;
                true
            }
            Place::Inside => self.inside(out),
            Place::After => {
                self.held = self.held.trim_start().to_owned();
                if self.held.is_empty() {
                    return false;
                }
                self.place = Place::Outside;
                true
            }
            Place::Outside => {
                out.content.push_str(&std::mem::take(&mut self.held));
                false
            }
        }
    }

    fn inside(&mut self, out: &mut Split) -> bool {
        if let Some(at) = self.held.find(CLOSE) {
            let rest = self.held.split_off(at);
            let thought = std::mem::replace(&mut self.held, rest[CLOSE.len()..].to_owned());
            let thought = self.thought(thought.trim_end());
            out.reasoning.push_str(&thought);
            self.place = Place::After;
            return true;
        }
        let sure = self.held.len() - overlap(&self.held, CLOSE);
        // White space may turn out to be the end, where it is dropped.
        let sure = self.held[..sure].trim_end().len();
        let rest = self.held.split_off(sure);
        let thought = std::mem::replace(&mut self.held, rest);
        let thought = self.thought(&thought);
        out.reasoning.push_str(&thought);
        false
    }

    fn thought(&mut self, text: &str) -> String {
        let text = if self.fresh { text.trim_start() } else { text };
        self.fresh &= text.is_empty();
        text.to_owned()
    }
}

/// Whether a prompt ends in the middle of thinking.
pub fn opens(prompt: &str) -> bool {
    prompt.trim_end().ends_with(OPEN)
}

/// Whether `text`, which follows an opened thinking, has ended it.
pub fn closes(text: &str) -> bool {
    text.contains(CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(prompt: &str, answer: &str, size: usize) -> (String, String) {
        let mut splitter = Splitter::new(prompt, true);
        let mut whole = Split::default();
        let characters: Vec<char> = answer.chars().collect();
        let pieces = characters.chunks(size).map(|piece| piece.iter().collect::<String>());
        for part in pieces.map(|piece| splitter.push(&piece)).collect::<Vec<_>>() {
            whole.content += &part.content;
            whole.reasoning += &part.reasoning;
        }
        let last = splitter.finish();
        (whole.reasoning + &last.reasoning, whole.content + &last.content)
    }

    #[test]
    fn thinking_is_split_off_whatever_the_cuts() {
        for size in 1..40 {
            let own = |prompt, answer| split(prompt, answer, size);
            let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
            assert_eq!(
                own("", "<think>\nhm, 1 < 2\n\nso\n</think>\n\nYes."),
                pair("hm, 1 < 2\n\nso", "Yes.")
            );
            assert_eq!(own("<|assistant|><think>\n", "hm\n</think>\n\nYes."), pair("hm", "Yes."));
            assert_eq!(own("", "\n<think>never ends </thi"), pair("never ends </thi", ""));
            assert_eq!(own("", " <thin air> is not"), pair("", " <thin air> is not"));
            assert_eq!(own("", "Use <think> to think."), pair("", "Use <think> to think."));
            assert_eq!(own("<think>\n\n</think>\n\n", "Yes."), pair("", "Yes."));
            assert_eq!(own("", "<think></think>"), pair("", ""));
        }
    }

    #[test]
    fn it_can_be_turned_off() {
        let mut splitter = Splitter::new("<think>", false);
        assert_eq!(splitter.push("a</think>b").content, "a</think>b");
    }
}
