//! Bounds of the names that clients give to things.

use super::problem::Problem;

/// Names of batches, workers, keys, models: one line on a screen.
pub const MAX_NAME_CHARS: usize = 200;
/// Names of projects: they stand in many rows.
pub const MAX_PROJECT_CHARS: usize = 100;
/// Names of things to make: paths of a game's assets.
pub const MAX_ASSET_NAME_CHARS: usize = 500;
/// Names of people: they are typed at every sign-in.
pub const MAX_USER_NAME_CHARS: usize = 64;
/// Reasons that one person gives to another.
pub const MAX_REASON_CHARS: usize = 1_000;

/// Takes a name of one line that is not empty.
pub fn checked_text(field: &str, text: String, most: usize) -> Result<String, Problem> {
    let problem = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > most {
        format!("has more than {most} characters")
    } else if text.chars().any(char::is_control) {
        "has control characters in it".to_owned()
    } else {
        return Ok(text);
    };
    Err(Problem::invalid(field, format!("the text {problem}")))
}

/// The same for one that may be absent.
pub fn checked_optional(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    text.map(|text| checked_text(field, text, most)).transpose()
}

/// Takes the name of a person, without the spaces around it.
pub fn checked_name(name: String) -> Result<String, Problem> {
    Ok(checked_text("name", name, MAX_USER_NAME_CHARS)?.trim().to_owned())
}
