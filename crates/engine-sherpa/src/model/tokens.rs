//! The list of tokens, which every family has: a symbol and its number on each line.

use std::fs;
use std::path::Path;

use engine_protocol::Failure;

use super::files::damaged;

/// The largest vocabularies have a quarter of a million lines.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Native code ends the process at a line without a number.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    let length = fs::metadata(path).map_err(|e| damaged(path, &e.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(damaged(
            path,
            &format!("a list of tokens of {length} bytes, at most {MAX_BYTES} are read"),
        ));
    }
    let bytes = fs::read(path).map_err(|e| damaged(path, &e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| damaged(path, "it is no UTF-8 text"))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    if lines.peek().is_none() {
        return Err(damaged(path, "it lists no token"));
    }
    for (at, line) in lines {
        let number = line.split_whitespace().next_back().unwrap_or_default();
        if number.parse::<i32>().is_err() {
            let (at, line) = (at + 1, line.chars().take(40).collect::<String>());
            return Err(damaged(
                path,
                &format!("line {at}, `{}`, does not end in a token's number", line.escape_debug()),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &[u8]) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.txt");
        fs::write(&path, text).unwrap();
        check(&path)
    }

    #[test]
    fn lists_are_told_from_other_text() {
        checked("a 0\n  1\n▁the 2\n".as_bytes()).unwrap();
        for (text, problem) in
            [(&b"\n \n"[..], "lists no token"), (b"a 0\nb\n", "line 2, `b`"), (b"\xff\xfe 0\n", "no UTF-8")]
        {
            let message = checked(text).unwrap_err().message;
            assert!(message.contains("`tokens.txt`") && message.contains(problem), "{message}");
        }
    }
}
