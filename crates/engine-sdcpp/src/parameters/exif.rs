//! The least EXIF that holds two texts: a description in ASCII and a user comment in any script.
//!
//! One directory with the description and the place of a second, which holds the comment; big-endian, as the UTF-16 of
//! the comment.

/// What [`write`] wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) description: String,
    pub(super) comment: String,
}

const HEAD: &[u8] = b"MM\0*\0\0\0\x08";
const DESCRIPTION: u16 = 0x010e;
const SUB_DIRECTORY: u16 = 0x8769;
const COMMENT: u16 = 0x9286;
const ASCII: u16 = 2;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
/// In front of a comment in UTF-16.
const SCRIPT: &[u8] = b"UNICODE\0";
/// Bytes of an entry, and of what surrounds the entries of a directory.
const ENTRY: usize = 12;
const FRAME: usize = 6;

pub(super) fn write(description: &str, comment: &str) -> Vec<u8> {
    let description = [description.as_bytes(), &[0]].concat();
    let utf16 = comment.encode_utf16().flat_map(u16::to_be_bytes);
    let comment: Vec<u8> = SCRIPT.iter().copied().chain(utf16).collect();
    let second = HEAD.len() + FRAME + 2 * ENTRY;
    let description_at = second + FRAME + ENTRY;
    let comment_at = description_at + description.len();
    let first =
        [entry(DESCRIPTION, ASCII, description.len(), description_at), entry(SUB_DIRECTORY, LONG, 1, second)];
    let second = [entry(COMMENT, UNDEFINED, comment.len(), comment_at)];
    [HEAD, &directory(&first), &directory(&second), &description, &comment].concat()
}

fn entry(tag: u16, kind: u16, count: usize, value: usize) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..2].copy_from_slice(&tag.to_be_bytes());
    entry[2..4].copy_from_slice(&kind.to_be_bytes());
    entry[4..8].copy_from_slice(&(count as u32).to_be_bytes());
    entry[8..].copy_from_slice(&(value as u32).to_be_bytes());
    entry
}

fn directory(entries: &[[u8; ENTRY]]) -> Vec<u8> {
    // The four zeros say that no directory follows.
    [&(entries.len() as u16).to_be_bytes(), entries.as_flattened(), &[0; 4]].concat()
}

/// Reads what [`write`] wrote.
pub(super) fn read(exif: &[u8]) -> Option<Texts> {
    exif.starts_with(b"MM\0*").then_some(())?;
    let first = number(exif, 4)?;
    let second = number(exif, value_at(exif, first, SUB_DIRECTORY)? + 8)?;
    let comment = bytes(exif, value_at(exif, second, COMMENT)?)?.strip_prefix(SCRIPT)?;
    let units: Vec<u16> =
        comment.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let description = bytes(exif, value_at(exif, first, DESCRIPTION)?)?;
    let description = description.strip_suffix(&[0]).unwrap_or(description);
    Some(Texts {
        description: String::from_utf8_lossy(description).into_owned(),
        comment: String::from_utf16_lossy(&units),
    })
}

/// Where the entry of `tag` starts.
fn value_at(exif: &[u8], directory: usize, tag: u16) -> Option<usize> {
    let count = u16::from_be_bytes(exif.get(directory..directory + 2)?.try_into().ok()?);
    (0..usize::from(count))
        .map(|index| directory + 2 + index * ENTRY)
        .find(|at| exif.get(*at..at + 2) == Some(&tag.to_be_bytes()))
}

/// The bytes that an entry points to.
fn bytes(exif: &[u8], entry: usize) -> Option<&[u8]> {
    let (count, at) = (number(exif, entry + 4)?, number(exif, entry + 8)?);
    exif.get(at..at.checked_add(count)?)
}

fn number(exif: &[u8], at: usize) -> Option<usize> {
    let bytes = exif.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_read_back() {
        let exif = write("{\"a\":1}", "кот 🐈");
        let texts = Texts { description: "{\"a\":1}".to_owned(), comment: "кот 🐈".to_owned() };
        assert_eq!(read(&exif), Some(texts));
        for end in 0..exif.len() {
            // Whatever it is, it is no panic.
            let _ = read(&exif[..end]);
        }
    }
}
