//! Tokens for hosts, in a file of their own that only its owner can read.

use std::fs;
use std::io;
use std::path::Path;

use reqwest::Url;

use crate::{FetchError, Secret};

/// A few hundred lines; more is another file.
const MAX_TOKENS_BYTES: u64 = 64 * 1024;

/// The token for the host of `url`, read anew each time: a person adds one and tries again.
pub(crate) fn token_for(path: &Path, url: &Url) -> Result<Option<Secret>, FetchError> {
    let refused = |why: String| FetchError::Tokens { path: path.to_owned(), why };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error.to_string())),
    };
    if is_open_to_others(&meta) {
        return Err(refused(format!("others can read it: run `chmod 600 {}`", path.display())));
    }
    if meta.len() > MAX_TOKENS_BYTES {
        return Err(refused(format!("{} bytes are no list of tokens", meta.len())));
    }
    let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    find(&text, url).map_err(|line| refused(format!("line {line} is not `host token`")))
}

/// `Err` is the number of a line that cannot be read.
fn find(text: &str, url: &Url) -> Result<Option<Secret>, usize> {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    let mut found = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(name), Some(token), None) = (words.next(), words.next(), words.next()) else {
            return Err(at + 1);
        };
        let matches = name.eq_ignore_ascii_case(host)
            || with_port.as_deref().is_some_and(|both| name.eq_ignore_ascii_case(both));
        if matches && found.is_none() {
            found = Some(Secret::new(token));
        }
    }
    Ok(found)
}

#[cfg(unix)]
fn is_open_to_others(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

/// The user's profile folder is private by its access list.
#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, url: &str) -> Result<Option<String>, usize> {
        let found = find(text, &Url::parse(url).unwrap())?;
        Ok(found.map(|secret| secret.reveal().to_owned()))
    }

    #[test]
    fn the_first_line_of_the_very_host_wins() {
        let text = "# tokens\n\nhuggingface.co one\nHUGGINGFACE.CO two\nnas.example:8443 three\n";
        assert_eq!(token(text, "https://huggingface.co/x").unwrap().as_deref(), Some("one"));
        assert_eq!(token(text, "https://nas.example:8443/x").unwrap().as_deref(), Some("three"));
        assert_eq!(token(text, "https://nas.example/x").unwrap(), None);
        assert_eq!(token(text, "https://evil-huggingface.co/x").unwrap(), None);
        assert_eq!(token("a b\njust-a-host\n", "https://a/"), Err(2));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        let url = Url::parse("https://h/").unwrap();
        assert!(token_for(&path, &url).unwrap().is_none());
        fs::write(&path, "h secret\n").unwrap();
        for mode in [0o644, 0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = token_for(&path, &url).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && !error.contains("secret"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(token_for(&path, &url).unwrap().unwrap().reveal(), "secret");
    }
}
