//! Text chunks of a PNG.

use img_parts::Bytes;
use img_parts::png::{Png, PngChunk};

const LATIN: [u8; 4] = *b"tEXt";
const UNICODE: [u8; 4] = *b"iTXt";
/// Behind an `iTXt` keyword: its end, not compressed, no method, no language, no translated keyword.
const UNICODE_HEAD: &[u8] = &[0, 0, 0, 0, 0];

/// Puts a text in front of the pixels: as `tEXt` where Latin-1 holds it, which more tools read, else as `iTXt`.
pub(super) fn put(picture: &mut Png, keyword: &str, text: &str) {
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok().filter(|c| *c != 0)).collect();
    let chunk = if let Some(latin) = latin {
        PngChunk::new(LATIN, [keyword.as_bytes(), &[0], &latin].concat().into())
    } else {
        let text = text.replace('\0', " ");
        PngChunk::new(UNICODE, [keyword.as_bytes(), UNICODE_HEAD, text.as_bytes()].concat().into())
    };
    // Behind the header, which comes first.
    let place = picture.chunks().len().min(1);
    picture.chunks_mut().insert(place, chunk);
}

/// The text of a keyword.
pub(super) fn get(picture: &Png, keyword: &str) -> Option<String> {
    let contents = |chunk: &PngChunk| -> Option<Bytes> {
        let contents = chunk.contents();
        let rest = contents.strip_prefix(keyword.as_bytes())?;
        rest.starts_with(&[0]).then(|| contents.slice_ref(rest))
    };
    picture.chunks().iter().find_map(|chunk| match chunk.kind() {
        LATIN => Some(contents(chunk)?[1..].iter().map(|byte| char::from(*byte)).collect()),
        UNICODE => {
            let contents = contents(chunk)?;
            Some(String::from_utf8_lossy(contents.strip_prefix(UNICODE_HEAD)?).into_owned())
        }
        _ => None,
    })
}
