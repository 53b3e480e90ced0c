//! What a client was told of a text, so that it hears every character once, whatever happens on the way.

/// The text of a new try differs from what its client has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the worker was lost while it answered, and the answer of the next one differs from what was sent already: \
     send the request again"
)]
pub struct Diverged;

/// One text as its client knows it.
///
/// A lost try is followed by one that starts from the beginning: nothing is told while it repeats what was told, and
/// what goes beyond is told as if nothing had happened.
#[derive(Debug, Clone, Default)]
pub struct Told {
    text: String,
    /// How much of it the current try has said.
    heard: usize,
    /// Pieces are missing: what follows makes no sense before the whole is known.
    is_deaf: bool,
}

impl Told {
    /// Another try begins.
    pub fn again(&mut self) {
        self.heard = 0;
        self.is_deaf = false;
    }

    /// Something is missing before the next piece.
    pub fn gap(&mut self) {
        self.is_deaf = true;
    }

    /// Takes a piece; gives what of it is new to the client.
    pub fn push<'a>(&mut self, piece: &'a str) -> Result<&'a str, Diverged> {
        if self.is_deaf {
            return Ok("");
        }
        let known = &self.text.as_bytes()[self.heard..];
        let overlap = known.len().min(piece.len());
        if known[..overlap] != piece.as_bytes()[..overlap] {
            return Err(Diverged);
        }
        let fresh = piece.get(overlap..).ok_or(Diverged)?;
        self.text.push_str(fresh);
        self.heard += piece.len();
        Ok(fresh)
    }

    /// Takes the whole; gives what the client has not heard of it.
    pub fn finish<'a>(&mut self, whole: &'a str) -> Result<&'a str, Diverged> {
        if let Some(rest) = whole.strip_prefix(self.text.as_str()) {
            self.text.push_str(rest);
            return Ok(rest);
        }
        // Some engines trim what they have streamed.
        if self.text.trim() == whole.trim() { Ok("") } else { Err(Diverged) }
    }

    /// What was told so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_not_told_again() {
        let mut told = Told::default();
        assert_eq!(told.push("Once ").unwrap(), "Once ");
        assert_eq!(told.push("upón").unwrap(), "upón");
        told.again();
        assert_eq!(told.push("Onc").unwrap(), "");
        assert_eq!(told.push("e upón a").unwrap(), " a");
        assert_eq!(told.finish("Once upón a time").unwrap(), " time");
        assert_eq!(told.text(), "Once upón a time");
    }

    #[test]
    fn another_answer_is_an_error() {
        let mut told = Told::default();
        told.push("Once").unwrap();
        told.again();
        assert_eq!(told.push("Two"), Err(Diverged));
        told.again();
        assert_eq!(told.finish("Twice"), Err(Diverged));
    }

    #[test]
    fn pieces_of_characters_are_compared_as_bytes() {
        let mut told = Told::default();
        told.push("ä").unwrap();
        told.again();
        // Both begin with the same byte.
        assert_eq!(told.push("ö"), Err(Diverged));
    }

    #[test]
    fn what_is_missing_comes_with_the_whole() {
        let mut told = Told::default();
        told.push("a").unwrap();
        told.gap();
        assert_eq!(told.push("c").unwrap(), "");
        assert_eq!(told.finish("abc").unwrap(), "bc");
        let mut trimmed = Told::default();
        trimmed.push(" a \n").unwrap();
        assert_eq!(trimmed.finish("a").unwrap(), "");
    }
}
