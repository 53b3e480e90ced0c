//! File extensions for inputs: engines and their libraries look at them.

use studio_protocol::MAX_EXT_BYTES;

/// Types whose extension is not their second word.
const TYPES: [(&str, &str); 14] = [
    ("image/jpeg", "jpg"),
    ("image/svg+xml", "svg"),
    ("image/x-icon", "ico"),
    ("image/vnd.microsoft.icon", "ico"),
    ("audio/mpeg", "mp3"),
    ("audio/mp4", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/x-wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/vnd.wave", "wav"),
    ("audio/x-flac", "flac"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("text/plain", "txt"),
];

/// The extension of a content type; `None` when it says nothing about the bytes.
pub(super) fn of_type(kind: &str) -> Option<String> {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if let Some((_, extension)) = TYPES.iter().find(|(name, _)| *name == kind) {
        return Some((*extension).to_owned());
    }
    let (family, word) = kind.split_once('/')?;
    matches!(family, "image" | "audio" | "video").then_some(word).and_then(plain)
}

/// The extension of an address's path.
pub(super) fn of_address(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?;
    let (_, name) = path.split_once("://")?.1.rsplit_once('/')?;
    plain(&name.rsplit_once('.')?.1.to_ascii_lowercase())
}

fn plain(word: &str) -> Option<String> {
    let is_plain =
        !word.is_empty() && word.len() <= MAX_EXT_BYTES && word.bytes().all(|b| b.is_ascii_alphanumeric());
    is_plain.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_tells_or_the_path_does() {
        assert_eq!(of_type("image/jpeg; q=1").as_deref(), Some("jpg"));
        assert_eq!(of_type("Image/WebP").as_deref(), Some("webp"));
        assert_eq!(of_type("application/octet-stream"), None);
        assert_eq!(of_type("image/../../x"), None);
        assert_eq!(of_address("https://h/a/b.PNG?x=1.exe").as_deref(), Some("png"));
        assert_eq!(of_address("https://h.example"), None);
        assert_eq!(of_address("https://h/a.b/c"), None);
        assert_eq!(of_address("https://h/x.tar gz"), None);
    }
}
