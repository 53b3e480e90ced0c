//! File formats, told by their first bytes.

/// The bytes that [`media_matches`] wants to see.
pub const MEDIA_HEAD_BYTES: usize = 16;

/// Whether a file that starts with `head` is what its extension says; `None` for extensions that are not known here.
pub fn media_matches(ext: &str, head: &[u8]) -> Option<bool> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let holds = |at: usize, magic: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(magic));
    Some(match ext.to_ascii_lowercase().as_str() {
        "png" => starts(b"\x89PNG\r\n\x1a\n"),
        "jpg" | "jpeg" => starts(b"\xff\xd8\xff"),
        "gif" => starts(b"GIF87a") || starts(b"GIF89a"),
        "webp" => starts(b"RIFF") && holds(8, b"WEBP"),
        "wav" => starts(b"RIFF") && holds(8, b"WAVE"),
        "mp3" => starts(b"ID3") || (starts(b"\xff") && head.get(1).is_some_and(|byte| byte & 0xe0 == 0xe0)),
        "ogg" | "opus" => starts(b"OggS"),
        "flac" => starts(b"fLaC"),
        "mp4" => holds(4, b"ftyp"),
        "webm" => starts(b"\x1a\x45\xdf\xa3"),
        "glb" => starts(b"glTF"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        let heads: &[(&str, &[u8])] = &[
            ("png", b"\x89PNG\r\n\x1a\n0000"),
            ("jpeg", b"\xff\xd8\xff\xe0"),
            ("gif", b"GIF89a"),
            ("webp", b"RIFF0000WEBPVP8L"),
            ("wav", b"RIFF0000WAVEfmt "),
            ("ogg", b"OggS"),
            ("flac", b"fLaC"),
            ("mp4", b"0000ftypisom"),
            ("webm", b"\x1a\x45\xdf\xa3"),
            ("glb", b"glTF"),
        ];
        for (ext, _) in heads {
            let matching: Vec<&str> = heads
                .iter()
                .filter(|(_, head)| media_matches(ext, head) == Some(true))
                .map(|(of, _)| *of)
                .collect();
            assert_eq!(matching, [*ext]);
            assert_eq!(media_matches(ext, b""), Some(false));
        }
        assert_eq!(media_matches("MP3", b"\xff\xfb\x90"), Some(true));
        assert_eq!(media_matches("xyz", b"anything"), None);
    }
}
