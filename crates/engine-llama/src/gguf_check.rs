//! Reads the header of a GGUF file strictly, before llama.cpp does: what is wrong is said in words instead of a crash.
//!
//! No count or length of the file is trusted: each is compared with what the file can hold before it is used.

mod reader;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use reader::Reader;

/// Why a file is not a whole GGUF file.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be opened or read.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// Its bytes contradict the format.
    #[error("{0}")]
    Broken(String),
}

/// What the header says that the engine wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// `general.architecture`.
    pub architecture: String,
    /// `split.count`, of a model in several files.
    pub split_count: u64,
    /// Whether it has `<architecture>.pooling_type`: a model for embeddings.
    pub pools: bool,
    /// Tensors in this file.
    pub tensors: u64,
}

const MAGIC: &[u8; 4] = b"GGUF";
/// 1 has other lengths and is read by nobody any more.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// Keys: models have fewer than 100.
const MAX_KEYS: u64 = 65_536;
/// Tensors: the largest models have some thousands.
const MAX_TENSORS: u64 = 1_000_000;
/// A key's or a tensor's name (`GGML_MAX_NAME` is 64, keys are at most this by the format).
const MAX_NAME: u64 = 65_535;
/// ggml cuts no name: a longer one is refused by it.
const MAX_TENSOR_NAME: u64 = 63;
/// `GGML_MAX_DIMS`.
const MAX_DIMENSIONS: u32 = 4;
/// Where the header says nothing.
const USUAL_ALIGNMENT: u64 = 32;
/// A model in more files than this is a mistake.
const MAX_SPLITS: u64 = 1_000;

/// Checks one file.
pub fn check(path: &Path) -> Result<Header, GgufError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Check { reader: Reader::new(file, length), header: Header::default(), alignment: USUAL_ALIGNMENT }.whole()
}

/// Checks a model that may consist of several files, named by its first.
pub fn check_model(path: &Path) -> Result<Header, (PathBuf, GgufError)> {
    let header = check(path).map_err(|problem| (path.to_owned(), problem))?;
    if header.split_count <= 1 {
        return Ok(header);
    }
    if header.split_count > MAX_SPLITS {
        let problem = broken(format!("says that it is one of {} parts", header.split_count));
        return Err((path.to_owned(), problem));
    }
    for part in 2..=header.split_count {
        let other = part_path(path, part, header.split_count).ok_or_else(|| {
            let name = format!("-00001-of-{:05}.gguf", header.split_count);
            (
                path.to_owned(),
                broken(format!("is the first of several parts, but its name does not end in {name}")),
            )
        })?;
        check(&other).map_err(|problem| (other, problem))?;
    }
    Ok(header)
}

fn part_path(first: &Path, part: u64, parts: u64) -> Option<PathBuf> {
    let name = first.file_name()?.to_str()?;
    let start = name.strip_suffix(&format!("-00001-of-{parts:05}.gguf"))?;
    Some(first.with_file_name(format!("{start}-{part:05}-of-{parts:05}.gguf")))
}

fn broken(problem: impl Into<String>) -> GgufError {
    GgufError::Broken(problem.into())
}

struct Check {
    reader: Reader,
    header: Header,
    alignment: u64,
}

/// The types of values, as the format numbers them.
const TYPE_U32: u32 = 4;
const TYPE_BOOL: u32 = 7;
const TYPE_TEXT: u32 = 8;
const TYPE_LIST: u32 = 9;

/// The bytes of a value that has always the same.
fn fixed_size(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | TYPE_BOOL => 1,
        2 | 3 => 2,
        TYPE_U32 | 5 | 6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

impl Check {
    fn whole(mut self) -> Result<Header, GgufError> {
        let magic = self.reader.bytes(4, "the magic number")?;
        if magic != MAGIC {
            return Err(broken(format!("is no GGUF file: it starts with `{}`", magic.escape_ascii())));
        }
        let version = self.reader.u32("the version")?;
        if !VERSIONS.contains(&version) {
            return Err(broken(format!("has the GGUF version {version}, known are 2 and 3")));
        }
        let tensors = self.reader.u64("the number of tensors")?;
        let keys = self.reader.u64("the number of keys")?;
        if tensors > MAX_TENSORS || keys > MAX_KEYS {
            return Err(broken(format!("promises {tensors} tensors and {keys} keys")));
        }
        for _ in 0..keys {
            self.key()?;
        }
        // Only the first of several parts says what it is.
        if self.header.architecture.is_empty() && self.header.split_count == 0 {
            return Err(broken("has no `general.architecture`"));
        }
        self.header.tensors = tensors;
        self.tensors(tensors)?;
        Ok(self.header)
    }

    fn key(&mut self) -> Result<(), GgufError> {
        let key = self.reader.text(MAX_NAME, "a key")?;
        let kind = self.reader.u32("the type of a value")?;
        if key == "general.alignment" && kind == TYPE_U32 {
            self.alignment = u64::from(self.reader.u32("the alignment")?);
            // A power of two that is no larger than a file's page.
            if !self.alignment.is_power_of_two() || self.alignment > 65_536 {
                return Err(broken(format!("has the alignment {}", self.alignment)));
            }
            return Ok(());
        }
        if key == "split.count" {
            self.header.split_count = match kind {
                2 => u64::from(self.reader.u16("the number of parts")?),
                TYPE_U32 | 5 => u64::from(self.reader.u32("the number of parts")?),
                other => return Err(broken(format!("has `split.count` of the type {other}"))),
            };
            return Ok(());
        }
        if key.ends_with(".pooling_type") && kind == TYPE_U32 {
            self.header.pools = self.reader.u32("the pooling")? != 0;
            return Ok(());
        }
        if key == "general.architecture" {
            if kind != TYPE_TEXT {
                return Err(broken("has a `general.architecture` that is no text"));
            }
            self.header.architecture = self.reader.text(MAX_NAME, "the architecture")?;
            return Ok(());
        }
        self.value(&key, kind)
    }

    fn value(&mut self, key: &str, kind: u32) -> Result<(), GgufError> {
        match kind {
            TYPE_TEXT => self.reader.skip_text(key),
            TYPE_LIST => self.list(key),
            kind => match fixed_size(kind) {
                Some(size) => self.reader.skip(size, key),
                None => Err(broken(format!(
                    "has a value of the unknown type {kind} for `{}`",
                    key.escape_debug()
                ))),
            },
        }
    }

    fn list(&mut self, key: &str) -> Result<(), GgufError> {
        let kind = self.reader.u32("the type of a list")?;
        let length = self.reader.u64("the length of a list")?;
        // A text takes at least the eight bytes of its length.
        let least = fixed_size(kind).or((kind == TYPE_TEXT).then_some(8));
        let Some(least) = least else {
            return Err(broken(format!("has a list of the type {kind} for `{}`", key.escape_debug())));
        };
        let fits = length.checked_mul(least).is_some_and(|bytes| bytes <= self.reader.left());
        if !fits {
            return Err(broken(format!(
                "promises a list of {length} for `{}`, the file ends before",
                key.escape_debug()
            )));
        }
        if kind == TYPE_TEXT {
            for _ in 0..length {
                self.reader.skip_text(key)?;
            }
            return Ok(());
        }
        self.reader.skip(length * least, key)
    }

    fn tensors(&mut self, count: u64) -> Result<(), GgufError> {
        let mut end = 0;
        let mut last = String::new();
        for _ in 0..count {
            let (name, tensor_end) = self.tensor()?;
            if tensor_end > end {
                end = tensor_end;
                last = name;
            }
        }
        let start = self.reader.at().next_multiple_of(self.alignment);
        let whole = start.checked_add(end);
        let length = self.reader.length();
        if whole.is_none_or(|whole| whole > length) {
            let wanted = whole.map_or_else(|| "more than any file".to_owned(), |whole| whole.to_string());
            return Err(broken(format!(
                "is cut off: tensor `{}` ends at byte {wanted}, the file has {length}",
                last.escape_debug()
            )));
        }
        Ok(())
    }

    /// The name, and the byte of the data part where it ends.
    fn tensor(&mut self) -> Result<(String, u64), GgufError> {
        let name = self.reader.text(MAX_TENSOR_NAME, "a tensor's name")?;
        let wrong = |what: String| broken(format!("has a tensor `{}` with {what}", name.escape_debug()));
        let dimensions = self.reader.u32("a tensor's dimensions")?;
        if dimensions > MAX_DIMENSIONS {
            return Err(wrong(format!("{dimensions} dimensions")));
        }
        let (mut row, mut count) = (1, 1_u64);
        for dimension in 0..dimensions {
            let side = self.reader.u64("a tensor's side")?;
            count = match count.checked_mul(side) {
                Some(count) if side > 0 => count,
                _ => return Err(wrong(format!("a side of {side}"))),
            };
            if dimension == 0 {
                row = side;
            }
        }
        let kind = self.reader.u32("a tensor's type")?;
        let Some((block, bytes)) = block_of(kind) else {
            return Err(wrong(format!("the unknown type {kind}")));
        };
        if row % block != 0 {
            return Err(wrong(format!("rows of {row} in blocks of {block}")));
        }
        let offset = self.reader.u64("a tensor's place")?;
        if offset % self.alignment != 0 {
            return Err(wrong(format!("the place {offset}, which is no multiple of {}", self.alignment)));
        }
        let end = (count / block).checked_mul(bytes).and_then(|bytes| bytes.checked_add(offset));
        let end = end.ok_or_else(|| wrong(format!("{count} numbers")))?;
        Ok((name, end))
    }
}

/// Numbers and bytes of one block of a tensor's type; `None` for types that llama.cpp does not know (any more).
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),      // F32, I32
        1 | 25 | 30 => (1, 2), // F16, I16, BF16
        24 => (1, 1),          // I8
        27 | 28 => (1, 8),     // I64, F64
        2 | 20 => (32, 18),    // Q4_0, IQ4_NL
        3 => (32, 20),         // Q4_1
        6 => (32, 22),         // Q5_0
        7 => (32, 24),         // Q5_1
        8 => (32, 34),         // Q8_0
        9 => (32, 36),         // Q8_1
        39 => (32, 17),        // MXFP4
        40 => (64, 36),        // NVFP4
        41 => (128, 18),       // Q1_0
        42 => (64, 18),        // Q2_0
        10 => (256, 84),       // Q2_K
        11 | 21 => (256, 110), // Q3_K, IQ3_S
        12 => (256, 144),      // Q4_K
        13 => (256, 176),      // Q5_K
        14 => (256, 210),      // Q6_K
        15 => (256, 292),      // Q8_K
        16 | 35 => (256, 66),  // IQ2_XXS, TQ2_0
        17 => (256, 74),       // IQ2_XS
        18 => (256, 98),       // IQ3_XXS
        19 => (256, 50),       // IQ1_S
        22 => (256, 82),       // IQ2_S
        23 => (256, 136),      // IQ4_XS
        29 => (256, 56),       // IQ1_M
        34 => (256, 54),       // TQ1_0
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn checked(bytes: &[u8]) -> Result<Header, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        check(file.path()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_whole_file_passes() {
        let model = tiny_models::gguf::LanguageModel::default();
        let header = checked(&model.bytes()).unwrap();
        assert_eq!(header.architecture, "qwen3");
        assert!(!header.pools && header.tensors > 20);
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = tiny_models::gguf::LanguageModel::default().bytes();
        // The last tensor's padding may be missing.
        for end in (0..bytes.len() - 64).step_by(bytes.len() / 211) {
            assert!(checked(&bytes[..end]).is_err(), "cut at {end} of {}", bytes.len());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = tiny_models::gguf::LanguageModel::default().bytes();
        let with = |at: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            checked(&bad).unwrap_err()
        };
        assert!(checked(b"PK\x03\x04and so on").unwrap_err().contains("`PK\\x03\\x04`"));
        assert!(with(4, &9_u32.to_le_bytes()).contains("version 9"));
        assert!(with(8, &u64::MAX.to_le_bytes()).contains("18446744073709551615 tensors"));
        assert!(with(16, &77_000_u64.to_le_bytes()).contains("77000 keys"));
        assert!(with(24, &u64::MAX.to_le_bytes()).contains("a key"));
        assert!(checked(b"").unwrap_err().contains("ends"));
    }

    #[test]
    fn parts_are_found_by_the_name_of_the_first() {
        let other = part_path(Path::new("/m/a-00001-of-00003.gguf"), 2, 3);
        assert_eq!(other.unwrap(), Path::new("/m/a-00002-of-00003.gguf"));
        assert_eq!(part_path(Path::new("/m/a.gguf"), 2, 3), None);
    }
}
