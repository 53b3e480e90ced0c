//! Which of a repository's files a model needs when nobody says it.

use std::collections::BTreeMap;

use super::RemoteFile;
use crate::error::size;

/// The best first: what most people run, then better ones, then smaller ones, then the originals.
const QUANTISATIONS: [&str; 14] = [
    "Q4_K_M", "Q8_0", "Q5_K_M", "Q6_K", "Q4_K_S", "Q4_0", "Q5_0", "Q4_1", "IQ4_XS", "IQ4_NL", "MXFP4",
    "BF16", "F16", "FP16",
];
/// Files that are models by themselves.
const FORMATS: [&str; 5] = ["gguf", "safetensors", "ckpt", "onnx", "bin"];
/// Parts of names of files that go with a model, but are none.
const COMPANIONS: [&str; 3] = ["mmproj", "imatrix", "lora"];
/// Names that an error lists: a repository may have hundreds.
const LISTED: usize = 20;

/// Why no file could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// There is no such file.
    #[error("no file `{file}` there; there are: {list}")]
    NoSuchFile {
        /// What was asked for.
        file: String,
        /// What there is.
        list: String,
    },
    /// Nothing looks like a model.
    #[error("nothing there looks like a model; there are: {0}")]
    NoModel(String),
    /// Several are as good.
    #[error("several files could be meant, name one: {0}")]
    Several(String),
}

/// The file that is asked for, or the one that is most likely meant; several when it was split into parts.
pub fn choose<'a>(files: &'a [RemoteFile], wanted: Option<&str>) -> Result<Vec<&'a RemoteFile>, ChooseError> {
    if let Some(wanted) = wanted {
        return named(files, wanted);
    }
    let mut models: Vec<&RemoteFile> = Vec::new();
    for format in FORMATS {
        models = files.iter().filter(|file| extension(file) == format && !is_companion(file)).collect();
        if !models.is_empty() {
            break;
        }
    }
    let sets = sets_of(&models);
    if sets.is_empty() {
        return Err(ChooseError::NoModel(list(files.iter())));
    }
    if sets.len() == 1 {
        return Ok(sets.into_values().next().unwrap_or_default());
    }
    for quantisation in QUANTISATIONS {
        let fitting: Vec<_> = sets.iter().filter(|(name, _)| has_word(name, quantisation)).collect();
        match fitting.as_slice() {
            [] => {}
            [(_, set)] => return Ok((*set).clone()),
            several => {
                return Err(ChooseError::Several(list(
                    several.iter().filter_map(|(_, set)| set.first().copied()),
                )));
            }
        }
    }
    Err(ChooseError::Several(list(sets.values().filter_map(|set| set.first().copied()))))
}

fn named<'a>(files: &'a [RemoteFile], wanted: &str) -> Result<Vec<&'a RemoteFile>, ChooseError> {
    let by_path = files.iter().find(|file| file.path == wanted);
    let by_name: Vec<&RemoteFile> = files.iter().filter(|file| file.name() == wanted).collect();
    let found = match (by_path, by_name.as_slice()) {
        (Some(file), _) => file,
        (None, [file]) => *file,
        (None, []) => {
            let file = wanted.to_owned();
            return Err(ChooseError::NoSuchFile { file, list: list(files.iter()) });
        }
        (None, several) => return Err(ChooseError::Several(list(several.iter().copied()))),
    };
    let (stem, is_part) = stem_of(&found.path);
    if !is_part {
        return Ok(vec![found]);
    }
    let mut parts: Vec<&RemoteFile> =
        files.iter().filter(|file| stem_of(&file.path) == (stem.clone(), true)).collect();
    parts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(parts)
}

/// Files by the name that they share but for the number of the part.
fn sets_of<'a>(files: &[&'a RemoteFile]) -> BTreeMap<String, Vec<&'a RemoteFile>> {
    let mut sets: BTreeMap<String, Vec<&RemoteFile>> = BTreeMap::new();
    for file in files {
        sets.entry(stem_of(&file.path).0).or_default().push(file);
    }
    for set in sets.values_mut() {
        set.sort_by(|one, other| one.path.cmp(&other.path));
    }
    sets
}

/// `x-00001-of-00003.gguf` is a part of `x-of-00003.gguf`.
fn stem_of(path: &str) -> (String, bool) {
    let whole = || (path.to_owned(), false);
    let Some((stem, extension)) = path.rsplit_once('.') else { return whole() };
    let Some((before, count)) = stem.rsplit_once("-of-") else { return whole() };
    let Some((name, number)) = before.rsplit_once('-') else { return whole() };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(count) && digits(number) { (format!("{name}-of-{count}.{extension}"), true) } else { whole() }
}

fn extension(file: &RemoteFile) -> String {
    file.name().rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

fn is_companion(file: &RemoteFile) -> bool {
    let name = file.name().to_ascii_lowercase();
    COMPANIONS.iter().any(|part| name.contains(part))
}

/// Whether `word` stands by itself in a name: `F16` is not in `BF16`.
fn has_word(name: &str, word: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    name.match_indices(word).any(|(at, _)| {
        let after = &name[at + word.len()..];
        !inner(name[..at].chars().next_back()) && !inner(after.chars().next()) && !after.starts_with('_')
    })
}

fn list<'a>(files: impl Iterator<Item = &'a RemoteFile>) -> String {
    let mut names: Vec<String> = files.map(|file| format!("{} ({})", file.path, size(file.size))).collect();
    if names.is_empty() {
        return "no files".to_owned();
    }
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<RemoteFile> {
        let file = |path: &&str| RemoteFile {
            path: (*path).to_owned(),
            size: 1024,
            sha256: None,
            url: String::new(),
        };
        paths.iter().map(file).collect()
    }

    fn chosen(paths: &[&str], wanted: Option<&str>) -> Result<Vec<String>, ChooseError> {
        let files = files(paths);
        choose(&files, wanted).map(|chosen| chosen.iter().map(|file| file.path.clone()).collect())
    }

    #[test]
    fn the_usual_quantisation_is_chosen() {
        let one = |path: &str| Ok(vec![path.to_owned()]);
        let all = ["README.md", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-BF16.gguf", "mmproj-m-Q4_K_M.gguf"];
        assert_eq!(chosen(&all, None), one("m-Q4_K_M.gguf"));
        assert_eq!(chosen(&all[..2], None), one("m-Q8_0.gguf"));
        assert_eq!(chosen(&["m-bf16.gguf", "m-f16.gguf"], None), one("m-bf16.gguf"));
        assert_eq!(chosen(&["m-Q4_0.gguf", "m-Q4_0_4_8.gguf"], None), one("m-Q4_0.gguf"));
        assert_eq!(chosen(&["odd.gguf", "x.safetensors"], None), one("odd.gguf"));
        assert_eq!(chosen(&["x.safetensors", "config.json"], None), one("x.safetensors"));
    }

    #[test]
    fn parts_come_together() {
        let parts = ["q/m-Q4_K_M-00002-of-00002.gguf", "q/m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf"];
        let both = Ok(vec![parts[1].to_owned(), parts[0].to_owned()]);
        assert_eq!(chosen(&parts, None), both);
        assert_eq!(chosen(&parts, Some("m-Q4_K_M-00001-of-00002.gguf")), both);
    }

    #[test]
    fn what_is_not_clear_is_asked() {
        let several = chosen(&["a-Q4_K_M.gguf", "b-Q4_K_M.gguf"], None).unwrap_err().to_string();
        assert!(several.contains("a-Q4_K_M.gguf (1.0 KiB), b-Q4_K_M.gguf"), "{several}");
        assert!(matches!(chosen(&["a.gguf", "b.gguf"], None), Err(ChooseError::Several(_))));
        assert!(matches!(chosen(&["README.md"], None), Err(ChooseError::NoModel(_))));
        assert!(matches!(chosen(&["a.gguf"], Some("b.gguf")), Err(ChooseError::NoSuchFile { .. })));
        assert!(matches!(chosen(&["x/a.gguf", "y/a.gguf"], Some("a.gguf")), Err(ChooseError::Several(_))));
    }
}
