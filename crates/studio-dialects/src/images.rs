//! Pictures in a conversation.

use crate::Failure;

/// Characters of an address that an error repeats.
const MAX_QUOTED_CHARS: usize = 40;

/// The address of a picture, if a worker could fetch it.
pub fn check_image<'a>(url: &'a str, path: &str) -> Result<&'a str, Failure> {
    let is_data = url.strip_prefix("data:image/").is_some_and(|rest| rest.contains(";base64,"));
    if is_data || ["https://", "http://", "studio:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    let short: String = url.chars().take(MAX_QUOTED_CHARS).collect();
    let wanted = "a picture as `data:image/...;base64,...`, an http(s) address, or an input of this studio";
    Err(Failure::invalid(path, format!("`{short}` is not {wanted}")))
}
