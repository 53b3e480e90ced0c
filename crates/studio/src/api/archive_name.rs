//! Names of files in archives: they stay below the folder that an archive is unpacked into, on every platform.

use std::fmt::Write;

use studio_protocol::JobId;

/// Folders that an asset's name may stand for; those before are left out.
const MAX_FOLDERS: usize = 8;
/// Characters of one part of a path: file systems take 255 bytes.
const MAX_PART_CHARS: usize = 60;
/// Names that are devices on Windows, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The asset's name as a path, made the only one by the job's id.
pub fn archive_name(asset_name: &str, job: &JobId, ext: &str) -> String {
    let ext = if !ext.is_empty() && ext.bytes().all(|b| b.is_ascii_alphanumeric()) { ext } else { "bin" };
    let id: String = job.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let mut parts: Vec<String> = asset_name.split(['/', '\\']).filter_map(part).collect();
    let name = parts.pop().filter(|name| *name != id);
    let mut path = String::new();
    for folder in parts.iter().skip(parts.len().saturating_sub(MAX_FOLDERS)) {
        let _ = write!(path, "{folder}/");
    }
    if let Some(name) = name {
        let _ = write!(path, "{name}-");
    }
    let _ = write!(path, "{id}.{ext}");
    path
}

/// A text as a plain ASCII name; `None` when nothing is left of it.
pub fn plain(text: &str) -> Option<String> {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = text.chars().map(kept).take(MAX_PART_CHARS).collect();
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

fn part(text: &str) -> Option<String> {
    let safe = |c: char| {
        let is_special = c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
        if is_special { '_' } else { c }
    };
    let part: String = text.trim().chars().map(safe).take(MAX_PART_CHARS).collect();
    // Windows drops dots and spaces at the end, which makes `..` of `.. .`.
    let part = part.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if part.is_empty() {
        return None;
    }
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let is_device = DEVICES.contains(&stem.as_str()) || numbered.is_some_and(|n| n.chars().count() == 1);
    Some(if is_device { format!("_{part}") } else { part.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(asset: &str) -> String {
        archive_name(asset, &JobId::from("job-1"), "png")
    }

    #[test]
    fn an_asset_is_named_and_told_apart() {
        assert_eq!(name("fox"), "fox-job-1.png");
        assert_eq!(name("job-1"), "job-1.png");
        assert_eq!(name("textures/wall 1"), "textures/wall 1-job-1.png");
        assert_eq!(name("\u{fc}ber"), "\u{fc}ber-job-1.png");
        assert_eq!(archive_name("a", &JobId::from("job-1"), "../sh"), "a-job-1.bin");
    }

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (asset, expected) in [
            ("../../etc/passwd", "etc/passwd-job-1.png"),
            ("..\\..\\boot.ini", "boot.ini-job-1.png"),
            ("/etc/x", "etc/x-job-1.png"),
            ("C:\\x", "C_/x-job-1.png"),
            (".. ./x", "x-job-1.png"),
            ("..", "job-1.png"),
            ("a/../b", "a/b-job-1.png"),
            (".ssh/x", "ssh/x-job-1.png"),
            ("con/LPT1.txt", "_con/_LPT1.txt-job-1.png"),
            ("a\u{0}b\nc", "a_b_c-job-1.png"),
            ("nul", "_nul-job-1.png"),
        ] {
            assert_eq!(name(asset), expected, "{asset}");
        }
        let long = name(&"x/".repeat(400));
        assert!(long.len() < 100, "{long}");
        assert_eq!(archive_name("a", &JobId::from("../job"), "png"), "a-job.png");
    }

    #[test]
    fn a_plain_name_is_ascii() {
        assert_eq!(plain("My batch: \"1\"").as_deref(), Some("My-batch---1"));
        assert_eq!(plain("\u{fc}"), None);
    }
}
