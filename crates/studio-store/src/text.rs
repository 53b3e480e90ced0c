//! Text from outside, cut to what is kept of it.

use std::borrow::Cow;

/// The first `chars` characters, with a mark when something was cut off.
pub(crate) fn clipped(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// A pattern for `LIKE .. ESCAPE '\\'` that finds `text` anywhere.
pub(crate) fn like_pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöü", 2), "äö…");
    }

    #[test]
    fn wildcards_of_a_search_are_plain_characters() {
        assert_eq!(like_pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
