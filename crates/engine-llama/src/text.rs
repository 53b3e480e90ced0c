//! From the bytes of tokens to text that may be shown: whole characters only, and nothing of a stop text.

/// The visible text of an answer, as far as it is certain.
#[derive(Debug, Default)]
pub struct Text {
    stops: Vec<String>,
    /// Bytes of a character whose rest has not arrived.
    partial: Vec<u8>,
    /// What may still turn out to be the start of a stop text.
    held: String,
    stopped: bool,
}

impl Text {
    /// An answer that ends at any of `stops`; empty ones count as none.
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|stop| !stop.is_empty()).cloned().collect(), ..Self::default() }
    }

    /// Takes the bytes of a token; gives what has become certain.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.partial.extend_from_slice(bytes);
        let whole = self.take_whole();
        self.held.push_str(&whole);
        self.release()
    }

    /// Whether a stop text was met: nothing more will come.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The end of the answer: what was held back was no stop text after all.
    pub fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        let rest = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
        self.held.push_str(&rest);
        let out = self.release();
        if self.stopped { out } else { out + &std::mem::take(&mut self.held) }
    }

    /// The characters that are complete; bytes that can be none become U+FFFD.
    fn take_whole(&mut self) -> String {
        let mut out = String::new();
        let bytes = std::mem::take(&mut self.partial);
        let mut rest = bytes.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    return out;
                }
                Err(problem) => {
                    let (good, bad) = rest.split_at(problem.valid_up_to());
                    out.push_str(&String::from_utf8_lossy(good));
                    let Some(length) = problem.error_len() else {
                        self.partial = bad.to_vec();
                        return out;
                    };
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &bad[length..];
                }
            }
        }
    }

    fn release(&mut self) -> String {
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let kept = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        std::mem::replace(&mut self.held, rest)
    }
}

/// Bytes at the end of `text` that are the start of `word`.
pub fn overlap(text: &str, word: &str) -> usize {
    let longest = text.len().min(word.len().saturating_sub(1));
    (1..=longest)
        .rev()
        .find(|&length| word.is_char_boundary(length) && text.ends_with(&word[..length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(stops: &[&str], tokens: &[&[u8]]) -> (Vec<String>, String) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut text = Text::new(&stops);
        let out = tokens.iter().map(|token| text.push(token)).collect();
        (out, text.finish())
    }

    #[test]
    fn characters_are_never_cut() {
        let (out, rest) = pieces(&[], &[b"a\xe2", b"\x82", b"\xacb"]);
        assert_eq!((out.concat(), rest.as_str()), ("a€b".to_owned(), ""));
        let (out, rest) = pieces(&[], &[b"a\xe2\x82"]);
        assert_eq!((out.concat(), rest.as_str()), ("a".to_owned(), "\u{fffd}"));
        let (out, _) = pieces(&[], &[b"a\xff\xffb"]);
        assert_eq!(out.concat(), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_stop_text_split_over_tokens_never_leaks() {
        let (out, rest) = pieces(&["<end>"], &[b"one <", b"en", b"d", b"> two"]);
        assert_eq!(
            (out, rest.as_str()),
            (vec!["one ".to_owned(), String::new(), String::new(), String::new()], "")
        );
        let (out, rest) = pieces(&["<end>"], &[b"one <", b"en", b"x"]);
        assert_eq!((out.concat(), rest.as_str()), ("one <enx".to_owned(), ""));
        let (out, rest) = pieces(&["<end>"], &[b"one <en"]);
        assert_eq!((out.concat(), rest.as_str()), ("one ".to_owned(), "<en"));
    }

    #[test]
    fn the_earliest_stop_wins_whatever_the_cuts() {
        let whole = "abababac then abac and more";
        for size in 1..8 {
            let tokens: Vec<&[u8]> = whole.as_bytes().chunks(size).collect();
            let (out, rest) = pieces(&["then", "abac", ""], &tokens);
            assert_eq!(out.concat() + &rest, "abab", "in pieces of {size}");
        }
    }
}
