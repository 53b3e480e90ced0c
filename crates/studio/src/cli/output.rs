//! What commands print: tables and lines for people, JSON for programs; errors to stderr.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::client::ClientError;

/// Where output goes and in which form; output that nobody reads any more is an error of kind `BrokenPipe`.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON or text.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person watches: then lines may move.
    pub fn is_live(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// The value for programs, the text for people.
    pub fn show(self, value: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        if self.json { self.value(value) } else { self.line(&text()) }
    }

    /// JSON, indented.
    pub fn value(self, value: &impl Serialize) -> io::Result<()> {
        self.line(&serde_json::to_string_pretty(value)?)
    }

    /// JSON on one line, for streams of values.
    pub fn value_line(self, value: &impl Serialize) -> io::Result<()> {
        self.line(&serde_json::to_string(value)?)
    }

    /// Text and a line break.
    #[expect(clippy::unused_self, reason = "all output goes through this value")]
    pub fn line(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Text beside the result: progress, hints. Programs do not get it.
    pub fn note(self, text: &str) {
        if !self.json {
            // Without a reader there is nothing to be done about it.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Why the command failed.
    pub fn error(self, error: &anyhow::Error) {
        let text = chain(error);
        let told = if self.json {
            let problem = error.downcast_ref::<ClientError>().and_then(ClientError::problem);
            json!({ "error": text, "problem": problem }).to_string()
        } else {
            format!("error: {text}")
        };
        let _ = writeln!(io::stderr(), "{told}");
    }
}

/// The causes, outermost first.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Rows under headers, as wide as the terminal.
pub fn table<const N: usize>(headers: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headers);
    let mut empty = true;
    for row in rows {
        table.add_row(row.map(|cell| one_line(&cell)));
        empty = false;
    }
    if empty {
        return "nothing to show".to_owned();
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Names and values below each other; what is empty is left out.
pub fn fields(rows: &[(&str, String)]) -> String {
    let rows: Vec<_> = rows.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|(name, value)| format!("{name:width$}  {}", printable(value)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Text from elsewhere must not steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The first characters of a text, on one line.
pub fn shortened(text: &str, most: usize) -> String {
    let text = one_line(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_what_is_asked_and_nothing_that_steers_a_terminal() {
        let text = table(["ID", "NAME"], [["w-1".to_owned(), "mean\u{1b}[2Jname\nx".to_owned()]]);
        assert!(text.contains("w-1") && text.contains("ID"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.lines().count(), 2);
        assert_eq!(table(["ID"], []), "nothing to show");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("äöüß", 4), "äöüß");
        assert_eq!(shortened("äöüßé", 4), "äöü…");
        assert_eq!(
            fields(&[("a", "1".to_owned()), ("none", String::new()), ("long", "2".to_owned())]),
            "a     1\nlong  2"
        );
    }
}
