//! Tokens with times into words with times.

use crate::native::Heard;

/// Seconds that a word's last token lasts when nothing follows and the model does not say.
const LAST_TOKEN: f64 = 0.4;

/// A word, or a sentence, with its times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// Words of a piece that starts at `start` and ends at `end`; empty when the model gives no times.
pub(super) fn of(heard: &Heard, start: f64, end: f64) -> Vec<Span> {
    let mut words: Vec<Span> = Vec::new();
    if heard.timestamps.len() != heard.tokens.len() {
        return words;
    }
    let mut joined = false;
    for (at, token) in heard.tokens.iter().enumerate() {
        let from = (start + heard.timestamps[at]).clamp(start, end);
        let next = heard.timestamps.get(at + 1).map_or(f64::INFINITY, |next| start + next);
        let lasts = heard.durations.get(at).copied().filter(|lasts| *lasts > 0.0).unwrap_or(LAST_TOKEN);
        let to = (from + lasts).min(next).clamp(from, end);
        let (text, goes_on) = match token.strip_suffix("@@") {
            Some(text) => (text, true),
            None => (token.as_str(), false),
        };
        let opens = text.starts_with([' ', '▁']) || text.chars().next().is_some_and(stands_alone);
        let text = text.trim_matches([' ', '▁']);
        match words.last_mut() {
            Some(word) if joined || !(opens || word.text.chars().next_back().is_some_and(stands_alone)) => {
                word.text.push_str(text);
                word.end = to;
            }
            Some(word) if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_punctuation()) => {
                word.text.push_str(text);
                word.end = to.max(word.end);
            }
            _ => words.push(Span { text: text.to_owned(), start: from, end: to }),
        }
        joined = goes_on;
    }
    words.retain(|word| !word.text.is_empty());
    words
}

/// Words of a sentence whose tokens have no times: each takes its share by its length.
pub(super) fn shared(sentence: &Span) -> Vec<Span> {
    let words: Vec<&str> = sentence.text.split_whitespace().collect();
    let length = |word: &str| word.chars().count() as f64 + 1.0;
    let total: f64 = words.iter().map(|word| length(word)).sum();
    let mut at = sentence.start;
    let share = |word: &&str| {
        let start = at;
        at = (start + (sentence.end - sentence.start) * length(word) / total).min(sentence.end);
        Span { text: (*word).to_owned(), start, end: at }
    };
    words.iter().map(share).collect()
}

/// Adds what comes next, with a space between where the script has them.
pub(super) fn append(text: &mut String, next: &str) {
    let last = text.chars().next_back();
    let both_alone = last.is_some_and(stands_alone) && next.chars().next().is_some_and(stands_alone);
    if last.is_some() && !both_alone {
        text.push(' ');
    }
    text.push_str(next);
}

/// Scripts without spaces: each sign is a word of its own.
fn stands_alone(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(tokens: &[(&str, f64)]) -> Heard {
        Heard {
            tokens: tokens.iter().map(|(token, _)| (*token).to_owned()).collect(),
            timestamps: tokens.iter().map(|(_, time)| *time).collect(),
            ..Heard::default()
        }
    }

    fn texts(tokens: &[(&str, f64)]) -> Vec<String> {
        of(&heard(tokens), 0.0, 100.0).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn pieces_become_words() {
        assert_eq!(texts(&[(" qu", 0.0), ("ick", 0.2), (" fox", 0.5), (".", 0.8)]), ["quick", "fox."]);
        assert_eq!(texts(&[("▁the", 0.0), ("▁", 0.2), ("d", 0.3), ("og", 0.4)]), ["the", "dog"]);
        assert_eq!(texts(&[("ap@@", 0.0), ("ple", 0.1), ("tree", 0.2)]), ["appletree"]);
        assert_eq!(texts(&[("你", 0.0), ("好", 0.2), (" ok", 0.5)]), ["你", "好", "ok"]);
    }

    #[test]
    fn times_lie_in_the_piece_and_follow_each_other() {
        let words = of(&heard(&[(" a", 0.1), (" b", 0.3), (" c", 2.0), (" d", 9.9)]), 30.0, 33.0);
        let times: Vec<(f64, f64)> = words.iter().map(|word| (word.start, word.end)).collect();
        assert_eq!(times, [(30.1, 30.3), (30.3, 30.7), (32.0, 32.4), (33.0, 33.0)]);
    }

    #[test]
    fn scripts_without_spaces_get_none() {
        let mut text = String::new();
        for next in ["hello", "world", "你", "好", "ok"] {
            append(&mut text, next);
        }
        assert_eq!(text, "hello world 你好 ok");
    }

    #[test]
    fn without_times_a_word_gets_its_share() {
        let words = shared(&Span { text: "one three".to_owned(), start: 10.0, end: 20.0 });
        assert_eq!(words.len(), 2);
        assert!((words[0].end - 14.0).abs() < 1e-9 && (words[1].end - 20.0).abs() < 1e-9, "{words:?}");
        assert_eq!(of(&Heard { tokens: vec!["a".to_owned()], ..Heard::default() }, 0.0, 1.0), []);
    }
}
