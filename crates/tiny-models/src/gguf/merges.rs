//! A byte-level BPE vocabulary, learned anew each time from a fixed text: the same everywhere.

use std::collections::BTreeMap;

/// What the merges are learned from: the words of chats, tools and pictures.
const CORPUS: &str = "the quick brown fox jumps over the lazy dog hello world user assistant system tool answer \
    question json name value age arguments number string type object function parameters weather city get_weather \
    true false null one two three four five six seven eight nine ten red green blue purple circle square star \
    think picture image what is the of and a to in you me say tell write long short story about";
/// Merges that are learned: enough for whole words, few enough for a small file.
const MERGES: usize = 200;

/// Tokens that mean something, after the bytes and merges; the first three are control tokens.
pub const SPECIAL_TOKENS: [&str; 9] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
];
/// How many of them are control tokens: never printed.
const CONTROL_TOKENS: usize = 3;
/// The number of tokens is a multiple of this, as in real models.
const PADDED_TO: usize = 64;

/// Token types of GGUF.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Tokens, their types and the merges between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// In GPT-2's byte alphabet.
    pub tokens: Vec<String>,
    /// As GGUF numbers them.
    pub types: Vec<i32>,
    /// `left right`, in the order in which they apply.
    pub merges: Vec<String>,
}

impl Vocabulary {
    /// The token of a text that is one token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokens.iter().position(|known| known == token).and_then(|at| u32::try_from(at).ok())
    }

    /// The bytes that a token stands for; control tokens and padding stand for none.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        let at = id as usize;
        match self.types.get(at) {
            Some(&NORMAL) => self.tokens[at].chars().filter_map(byte_of).collect(),
            Some(&USER_DEFINED) => self.tokens[at].clone().into_bytes(),
            _ => Vec::new(),
        }
    }

    /// The text of tokens, as an engine prints it.
    pub fn text(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.bytes(id)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The vocabulary of all tiny language models.
pub fn vocabulary() -> Vocabulary {
    let mut tokens: Vec<String> = (0..=u8::MAX).map(|byte| char_of(byte).to_string()).collect();
    let mut words: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for word in CORPUS.split_whitespace() {
        let word = format!(" {word}").bytes().map(|byte| char_of(byte).to_string()).collect();
        *words.entry(word).or_default() += 1;
    }
    let mut merges = Vec::new();
    while merges.len() < MERGES {
        let Some((left, right)) = commonest_pair(&words) else { break };
        words = words.into_iter().map(|(word, count)| (merged(&word, &left, &right), count)).collect();
        tokens.push(format!("{left}{right}"));
        merges.push(format!("{left} {right}"));
    }
    let mut types = vec![NORMAL; tokens.len()];
    for (at, special) in SPECIAL_TOKENS.into_iter().enumerate() {
        tokens.push(special.to_owned());
        types.push(if at < CONTROL_TOKENS { CONTROL } else { USER_DEFINED });
    }
    while !tokens.len().is_multiple_of(PADDED_TO) {
        tokens.push(format!("<pad{}>", tokens.len()));
        types.push(UNUSED);
    }
    Vocabulary { tokens, types, merges }
}

/// The pair that occurs most often; of equals the last in the alphabet.
fn commonest_pair(words: &BTreeMap<Vec<String>, usize>) -> Option<(String, String)> {
    let mut pairs: BTreeMap<(&String, &String), usize> = BTreeMap::new();
    for (word, count) in words {
        for pair in word.windows(2) {
            *pairs.entry((&pair[0], &pair[1])).or_default() += count;
        }
    }
    pairs.into_iter().max_by_key(|&(_, count)| count).map(|((left, right), _)| (left.clone(), right.clone()))
}

fn merged(word: &[String], left: &str, right: &str) -> Vec<String> {
    let mut out = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        if word[at] == left && word.get(at + 1).is_some_and(|next| next == right) {
            out.push(format!("{left}{right}"));
            at += 2;
        } else {
            out.push(word[at].clone());
            at += 1;
        }
    }
    out
}

/// GPT-2's alphabet: a printable character for each byte.
fn char_of(byte: u8) -> char {
    if prints(byte) {
        return char::from(byte);
    }
    let rank = (0..byte).filter(|&lower| !prints(lower)).count() as u32;
    char::from_u32(256 + rank).expect("far below the surrogates")
}

fn byte_of(c: char) -> Option<u8> {
    (0..=u8::MAX).find(|&byte| char_of(byte) == c)
}

fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_characters_are_a_pair() {
        for byte in 0..=u8::MAX {
            assert_eq!(byte_of(char_of(byte)), Some(byte));
        }
        assert_eq!((char_of(b' '), char_of(b'\n'), char_of(b'a')), ('Ġ', 'Ċ', 'a'));
    }

    #[test]
    fn the_vocabulary_is_fixed_and_knows_its_words() {
        let known = vocabulary();
        assert_eq!(known, vocabulary());
        assert_eq!(known.tokens.len() % PADDED_TO, 0);
        assert_eq!(known.tokens.len(), known.types.len());
        assert!(known.id("Ġthe").is_some(), "a frequent word is one token");
        let special = known.id("<tool_call>").unwrap_or_default();
        assert_eq!(
            known.text(&[u32::from(b'h'), special]),
            "h<tool_call>".replace('h', &known.text(&[u32::from(b'h')]))
        );
        assert_eq!(known.text(&[known.id("<|im_end|>").unwrap_or_default()]), "");
    }
}
