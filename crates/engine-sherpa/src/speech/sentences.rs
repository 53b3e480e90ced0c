//! A text in pieces that are said at once.
//!
//! A piece is short enough that a job shows progress and hears a cancel in time, and ends where a speaker would pause.

/// About fifteen seconds of speech.
const LONGEST: usize = 200;
/// Where a sentence ends; in scripts without spaces the mark is enough.
const ENDS: &[char] = &['.', '!', '?', '…', '。', '！', '？', '।', '؟'];
const WIDE_ENDS: &[char] = &['。', '！', '？'];
/// Where a long sentence may be cut.
const PAUSES: &[char] = &[',', ';', ':', '，', '；', '：', '、', '–', '—'];

/// The pieces in their order; nothing but space between them is left out.
pub(super) fn of(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in text.split(['\n', '\r']) {
        for sentence in sentences(line) {
            cut(sentence.trim(), &mut pieces);
        }
    }
    pieces
}

fn sentences(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut letters) = (0, line.char_indices().peekable());
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let ends = ENDS.contains(&letter)
            && next.is_none_or(|next| {
                next.is_whitespace() || (WIDE_ENDS.contains(&letter) && !ENDS.contains(&next))
            });
        if ends {
            let end = at + letter.len_utf8();
            found.push(&line[start..end]);
            start = end;
        }
    }
    found.push(&line[start..]);
    found
}

/// Cuts a long sentence at its last pause, or else between words, or else anywhere.
fn cut(mut sentence: &str, pieces: &mut Vec<String>) {
    while let Some((limit, _)) = sentence.char_indices().nth(LONGEST) {
        let head = &sentence[..limit];
        let after = |found: Option<(usize, &str)>| found.map(|(at, mark)| at + mark.len());
        let pause = after(head.rmatch_indices(|letter| PAUSES.contains(&letter)).next());
        let end = pause.or_else(|| after(head.rmatch_indices(char::is_whitespace).next())).unwrap_or(limit);
        push(&sentence[..end], pieces);
        sentence = sentence[end..].trim_start();
    }
    push(sentence, pieces);
}

fn push(piece: &str, pieces: &mut Vec<String>) {
    let piece = piece.trim();
    if !piece.is_empty() {
        pieces.push(piece.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_they_end() {
        assert_eq!(
            of("Hello there. It costs 3.50!  Really?\nYes"),
            ["Hello there.", "It costs 3.50!", "Really?", "Yes"]
        );
        assert_eq!(of("你好。今天好吗？好"), ["你好。", "今天好吗？", "好"]);
        assert_eq!(of(" \n\t\n "), Vec::<String>::new());
        assert_eq!(of("Wait... what?!"), ["Wait...", "what?!"]);
    }

    #[test]
    fn long_ones_are_cut_at_pauses_and_lose_no_word() {
        let clause = "and so it went on, ";
        for text in [clause.repeat(40), "word ".repeat(200), "x".repeat(1_000)] {
            let pieces = of(&text);
            assert!(pieces.iter().all(|piece| piece.chars().count() <= LONGEST), "{pieces:?}");
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(letters(&pieces.concat()), letters(&text));
        }
        assert!(of(&clause.repeat(40)).iter().all(|piece| piece.ends_with(',')));
    }
}
