//! What a file is, told by its first bytes, whatever its client says of it.

/// As many bytes as tell.
pub const HEAD_BYTES: usize = 16;

/// What an address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Something to look at.
    Picture,
    /// Something to listen to.
    Sound,
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// For its name.
    pub ext: &'static str,
    /// As it is called.
    pub mime: &'static str,
    sort: Sort,
    /// Other names that are in use.
    aliases: &'static [&'static str],
}

impl Media {
    /// What the studio writes itself.
    pub const PNG: Self =
        Self { ext: "png", mime: "image/png", sort: Sort::Picture, aliases: &["image/x-png"] };

    const ALL: [Self; 11] = [
        Self::PNG,
        Self { ext: "jpg", mime: "image/jpeg", sort: Sort::Picture, aliases: &["image/jpg", "image/pjpeg"] },
        Self { ext: "webp", mime: "image/webp", sort: Sort::Picture, aliases: &[] },
        Self { ext: "gif", mime: "image/gif", sort: Sort::Picture, aliases: &[] },
        Self {
            ext: "wav",
            mime: "audio/wav",
            sort: Sort::Sound,
            aliases: &["audio/x-wav", "audio/wave", "audio/vnd.wave"],
        },
        Self {
            ext: "mp3",
            mime: "audio/mpeg",
            sort: Sort::Sound,
            aliases: &["audio/mp3", "audio/mpga", "audio/x-mp3", "video/mpeg"],
        },
        Self { ext: "aac", mime: "audio/aac", sort: Sort::Sound, aliases: &["audio/aacp", "audio/x-aac"] },
        Self {
            ext: "ogg",
            mime: "audio/ogg",
            sort: Sort::Sound,
            aliases: &["audio/opus", "application/ogg", "audio/vorbis", "video/ogg"],
        },
        Self { ext: "flac", mime: "audio/flac", sort: Sort::Sound, aliases: &["audio/x-flac"] },
        Self {
            ext: "m4a",
            mime: "audio/mp4",
            sort: Sort::Sound,
            aliases: &["audio/m4a", "audio/x-m4a", "video/mp4", "audio/mp4a-latm", "video/quicktime"],
        },
        Self {
            ext: "webm",
            mime: "audio/webm",
            sort: Sort::Sound,
            aliases: &["video/webm", "video/x-matroska"],
        },
    ];

    /// What a file with this beginning is.
    fn of(head: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| head.starts_with(magic);
        let holds = |at: usize, magic: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(magic));
        // Eleven bits begin a frame of sound; AAC is the one whose layer is 0.
        let frame = (starts(b"\xff")).then(|| head.get(1).copied().unwrap_or_default());
        let ext = match head {
            _ if starts(b"\x89PNG\r\n\x1a\n") => "png",
            _ if starts(b"\xff\xd8\xff") => "jpg",
            _ if starts(b"RIFF") && holds(8, b"WEBP") => "webp",
            _ if starts(b"GIF87a") || starts(b"GIF89a") => "gif",
            _ if starts(b"RIFF") && holds(8, b"WAVE") => "wav",
            _ if starts(b"ID3") => "mp3",
            _ if frame.is_some_and(|byte| byte & 0xf6 == 0xf0) => "aac",
            _ if frame.is_some_and(|byte| byte & 0xe0 == 0xe0) => "mp3",
            _ if starts(b"OggS") => "ogg",
            _ if starts(b"fLaC") => "flac",
            _ if holds(4, b"ftyp") => "m4a",
            _ if starts(b"\x1a\x45\xdf\xa3") => "webm",
            _ => return None,
        };
        Self::ALL.into_iter().find(|media| media.ext == ext)
    }

    fn is_called(&self, mime: &str) -> bool {
        self.mime == mime || self.aliases.contains(&mime)
    }
}

impl Sort {
    /// Whether a field of this name is a file even where it does not say so.
    pub fn takes_as_file(self, name: &str) -> bool {
        match self {
            Self::Picture => matches!(name, "image" | "mask"),
            Self::Sound => name == "file",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Sound => "recording",
        }
    }

    fn known(self) -> String {
        let known = Media::ALL.iter().filter(|media| media.sort == self);
        known.map(|media| media.ext).collect::<Vec<_>>().join(", ")
    }
}

/// What a file is, when it is of this sort and what its client `declared`; else in words why not.
pub fn check(sort: Sort, head: &[u8], declared: Option<&str>) -> Result<Media, String> {
    if head.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let media = Media::of(head).filter(|media| media.sort == sort).ok_or_else(|| {
        format!("the file is no {} that is known here: send one of {}", sort.word(), sort.known())
    })?;
    let declared = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let declared = declared.to_ascii_lowercase();
    let says_nothing = matches!(declared.as_str(), "" | "application/octet-stream");
    if says_nothing || media.is_called(&declared) {
        return Ok(media);
    }
    let other = Media::ALL.iter().find(|other| other.is_called(&declared));
    let family = match sort {
        Sort::Picture => declared.starts_with("image/"),
        Sort::Sound => declared.starts_with("audio/") || declared.starts_with("video/"),
    };
    // Names that nobody keeps a list of are let pass, those of something else are not.
    if other.is_none() && family {
        return Ok(media);
    }
    let shown: String = declared.chars().take(60).collect();
    Err(format!("the file is declared as `{}` and is {}", shown.escape_debug(), media.mime))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";
    const WAV: &[u8] = b"RIFF0000WAVEfmt ";

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let sounds: [(&[u8], &str); 9] = [
            (WAV, "wav"),
            (b"ID3\x04", "mp3"),
            (b"\xff\xfb\x90", "mp3"),
            (b"\xff\xf1\x50", "aac"),
            (b"OggS", "ogg"),
            (b"fLaC", "flac"),
            (b"0000ftypM4A ", "m4a"),
            (b"\x1a\x45\xdf\xa3", "webm"),
            (b"\xff\xf3\x90", "mp3"),
        ];
        for (head, ext) in sounds {
            assert_eq!(check(Sort::Sound, head, None).unwrap().ext, ext);
            assert!(check(Sort::Picture, head, None).is_err(), "{ext}");
        }
        for (head, ext) in
            [(PNG, "png"), (b"\xff\xd8\xff\xe0", "jpg"), (b"RIFF0000WEBPVP8L", "webp"), (b"GIF89a", "gif")]
        {
            assert_eq!(check(Sort::Picture, head, None).unwrap().ext, ext);
            assert!(check(Sort::Sound, head, None).is_err(), "{ext}");
        }
    }

    #[test]
    fn a_lie_is_told_from_a_name_that_is_not_known() {
        for declared in
            ["image/png", "image/png; x=y", "IMAGE/PNG", "application/octet-stream", "", "image/x-new"]
        {
            assert!(check(Sort::Picture, PNG, Some(declared)).is_ok(), "{declared}");
        }
        for declared in ["image/jpeg", "audio/wav", "text/html", "image/gif"] {
            let why = check(Sort::Picture, PNG, Some(declared)).unwrap_err();
            assert!(why.contains(declared) && why.contains("image/png"), "{why}");
        }
        assert!(check(Sort::Sound, WAV, Some("audio/x-wav")).is_ok());
        assert!(check(Sort::Sound, WAV, Some("audio/mpeg")).is_err());
    }

    #[test]
    fn what_is_nothing_of_the_sort_is_refused() {
        for head in [&b"<html>"[..], b"%PDF-1.7", b"plain text", b"MZ"] {
            assert!(
                check(Sort::Picture, head, Some("image/png")).unwrap_err().contains("png, jpg, webp, gif")
            );
        }
        assert!(check(Sort::Sound, b"", None).unwrap_err().contains("empty"));
    }
}
