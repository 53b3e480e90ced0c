//! Finds the files of a model on a hub that speaks like Hugging Face: `hf:owner/repo[@revision][:file]`.

mod choose;

use reqwest::Url;
use reqwest::header::LINK;
use serde::Deserialize;

pub use choose::{ChooseError, choose};

use crate::error::size;
use crate::parts::HEAD_BYTES;
use crate::reach::{Purpose, shown_text};
use crate::web::{Ask, Web};
use crate::{FetchError, sha};

/// The hub itself.
pub const HUGGING_FACE: &str = "https://huggingface.co";
/// One page of a listing: a thousand files with their hashes have half a megabyte.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Pages that are read: data sets have more files than that, models do not.
const MAX_PAGES: usize = 20;
/// Tries of one page: a person waits for it.
const TRIES: u32 = 3;

/// What a person writes for a model of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    /// `owner/repo`
    pub repo: String,
    /// A branch, a tag or a commit; usually `main`.
    pub revision: String,
    /// A path in the repository.
    pub file: Option<String>,
}

/// One file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// In the repository.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Of files that the hub keeps apart, which are the large ones.
    pub sha256: Option<String>,
    /// Where it is downloaded from.
    pub url: String,
}

impl RemoteFile {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl HubModel {
    /// Reads `hf:owner/repo`, `hf:owner/repo:file.gguf`, `hf:owner/repo@revision:file.gguf`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("hf:")?;
        let (repo, file) = match rest.split_once(':') {
            Some((repo, file)) => (repo, Some(file)),
            None => (rest, None),
        };
        let (repo, revision) = repo.split_once('@').unwrap_or((repo, "main"));
        let (owner, name) = repo.split_once('/')?;
        let word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        let revision_is_plain = !revision.is_empty() && revision.split('/').all(word);
        let file_is_plain = file.is_none_or(|file| {
            !file.is_empty() && file.split('/').all(|part| !matches!(part, "" | "." | ".."))
        });
        (word(owner) && word(name) && revision_is_plain && file_is_plain).then(|| Self {
            repo: repo.to_owned(),
            revision: revision.to_owned(),
            file: file.map(str::to_owned),
        })
    }
}

/// The files of a repository; `base` is usually [`HUGGING_FACE`].
pub async fn list(web: &Web, base: &str, model: &HubModel) -> Result<Vec<RemoteFile>, FetchError> {
    let wrong = |why: String| FetchError::Address { url: shown_text(base), why };
    let base = Url::parse(base).map_err(|error| wrong(error.to_string()))?;
    let mut next = Some(address(&base, &["api", "models"], model, "tree", None));
    if let Some(first) = &mut next {
        first.set_query(Some("recursive=true"));
    }
    let mut files = Vec::new();
    for _ in 0..MAX_PAGES {
        let Some(url) = next.take() else { return Ok(files) };
        let page = page(web, &url).await?;
        for item in page.items {
            files.extend(item.into_file(&base, model));
        }
        // A page of another host is not this repository's.
        next = page.next.filter(|next| next.origin() == base.origin());
    }
    Err(wrong(format!("repository {} has more than {} files", model.repo, files.len())))
}

/// The beginning of a file, at most [`HEAD_BYTES`]: it tells what the file is.
pub async fn head(web: &Web, url: &str) -> Result<Vec<u8>, FetchError> {
    let ask = Ask { url, purpose: Purpose::Model, from: None, if_range: None };
    let mut answer = web.get(&ask).await?;
    if let Some(refusal) = answer.refusal(web) {
        return Err(refusal);
    }
    let mut head = Vec::new();
    // The rest of it is not asked for: the connection ends here.
    while let Some(piece) = web.piece(&mut answer.response, &answer.asked).await? {
        head.extend_from_slice(&piece);
        if head.len() as u64 >= HEAD_BYTES {
            head.truncate(HEAD_BYTES as usize);
            break;
        }
    }
    Ok(head)
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    oid: Option<String>,
    size: Option<u64>,
}

struct Page {
    items: Vec<Item>,
    next: Option<Url>,
}

impl Item {
    fn into_file(self, base: &Url, model: &HubModel) -> Option<RemoteFile> {
        if self.kind != "file" {
            return None;
        }
        let url = address(base, &[], model, "resolve", Some(&self.path)).into();
        let (oid, lfs_size) = self.lfs.map_or((None, None), |lfs| (lfs.oid, lfs.size));
        let sha256 = oid.and_then(|oid| sha::normal(oid.strip_prefix("sha256:").unwrap_or(&oid)));
        Some(RemoteFile { path: self.path, size: lfs_size.unwrap_or(self.size), sha256, url })
    }
}

/// `base/before/owner/repo/verb/revision/path`, each part escaped.
fn address(base: &Url, before: &[&str], model: &HubModel, verb: &str, path: Option<&str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(before).extend(model.repo.split('/')).push(verb);
        // A slash within a branch's name is part of the name.
        parts.push(&model.revision).extend(path.into_iter().flat_map(|path| path.split('/')));
    }
    url
}

async fn page(web: &Web, url: &Url) -> Result<Page, FetchError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_page(web, url).await {
            Err(error) if error.is_passing() && error.retry_after().is_none() && tries < TRIES => {
                let patience = web.patience();
                tokio::time::sleep(studio_runtime::backoff(tries, patience.backoff, patience.backoff_cap))
                    .await;
            }
            done => return done,
        }
    }
}

async fn try_page(web: &Web, url: &Url) -> Result<Page, FetchError> {
    let ask = Ask { url: url.as_str(), purpose: Purpose::Model, from: None, if_range: None };
    let mut answer = web.get(&ask).await?;
    if let Some(refusal) = answer.refusal(web) {
        return Err(refusal);
    }
    let next =
        answer.response.headers().get_all(LINK).iter().find_map(|link| next_of(link.to_str().ok()?, url));
    let wrong = |why: String| FetchError::Answer { url: answer.asked.clone(), why };
    let mut body = Vec::new();
    while let Some(piece) = web.piece(&mut answer.response, &answer.asked).await? {
        if body.len() + piece.len() > MAX_PAGE_BYTES {
            return Err(wrong(format!("its listing is larger than {}", size(MAX_PAGE_BYTES as u64))));
        }
        body.extend_from_slice(&piece);
    }
    let items = serde_json::from_slice(&body)
        .map_err(|error| wrong(format!("its listing cannot be read: {error}")))?;
    Ok(Page { items, next })
}

/// `<https://...>; rel="next"`
fn next_of(link: &str, base: &Url) -> Option<Url> {
    link.split(',').find_map(|link| {
        let (address, rel) = link.trim().strip_prefix('<')?.split_once('>')?;
        rel.contains("rel=\"next\"").then(|| base.join(address).ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let model = |text: &str| HubModel::parse(text).map(|m| (m.repo, m.revision, m.file));
        let expected = |revision: &str, file: Option<&str>| {
            Some(("o/r-1.5".to_owned(), revision.to_owned(), file.map(str::to_owned)))
        };
        assert_eq!(model("hf:o/r-1.5"), expected("main", None));
        assert_eq!(model("hf:o/r-1.5:Q8/x.gguf"), expected("main", Some("Q8/x.gguf")));
        assert_eq!(model("hf:o/r-1.5@v2:x.gguf"), expected("v2", Some("x.gguf")));
        for bad in ["o/r", "hf:o", "hf:o/r/x", "hf:../r", "hf:o/r:", "hf:o/r:../x", "hf:o/r?x", "hf:o/r@"] {
            assert_eq!(model(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_escaped() {
        let model = HubModel::parse("hf:o/r").unwrap();
        let base = Url::parse("https://mirror.example/hf/").unwrap();
        let url = address(&base, &[], &model, "resolve", Some("a b/c?.gguf"));
        assert_eq!(url.as_str(), "https://mirror.example/hf/o/r/resolve/main/a%20b/c%3F.gguf");
    }
}
