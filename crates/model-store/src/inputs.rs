//! The inputs of a job, brought from their addresses to files of its own folder.

mod data_url;
mod extension;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use studio_protocol::{INPUT_FETCH_LIMIT, MAX_INPUT_BYTES, MAX_INPUTS};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use crate::error::size;
use crate::reach::{Purpose, shown_text};
use crate::web::{Ask, Web};
use crate::{FetchError, ModelStore};

/// A recording: an hour of uncompressed speech at 48 kHz has 350 MB.
pub const MAX_RECORDING_BYTES: u64 = 512 * 1024 * 1024;
/// Tries of one input; the time limit is for all of them.
const TRIES: u32 = 3;

/// What inputs may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimits {
    /// Bytes of each.
    pub bytes: u64,
    /// For fetching each.
    pub time: Duration,
    /// How many a job may name.
    pub count: usize,
    /// Whether https addresses may lead into the local network.
    pub allow_private: bool,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self { bytes: MAX_INPUT_BYTES, time: INPUT_FETCH_LIMIT, count: MAX_INPUTS, allow_private: false }
    }
}

impl InputLimits {
    /// For sound.
    pub fn recordings() -> Self {
        Self { bytes: MAX_RECORDING_BYTES, ..Self::default() }
    }
}

impl ModelStore {
    /// As [`fetch_inputs`], over the store's own [`Web`].
    pub async fn fetch_inputs(
        &self,
        inputs: &[&str],
        dir: &Path,
        limits: &InputLimits,
    ) -> Result<BTreeMap<String, String>, FetchError> {
        fetch_inputs(self.web(), inputs, dir, limits).await
    }
}

/// Writes each input to `dir/input-N.ext`; the paths by address, absolute.
///
/// `data:` addresses are decoded. https addresses are fetched, http ones from loopback hosts and the studio.
pub async fn fetch_inputs(
    web: &Web,
    inputs: &[&str],
    dir: &Path,
    limits: &InputLimits,
) -> Result<BTreeMap<String, String>, FetchError> {
    let mut paths = BTreeMap::new();
    if inputs.len() > limits.count {
        let why = format!("a job may name {} of them, not {}", limits.count, inputs.len());
        return Err(FetchError::Input { name: format!("{}", limits.count + 1), why });
    }
    let dir = std::path::absolute(dir).map_err(|error| FetchError::disk("find", dir, error))?;
    fs::create_dir_all(&dir).await.map_err(|error| FetchError::disk("make", &dir, error))?;
    for (at, address) in inputs.iter().enumerate() {
        if paths.contains_key(*address) {
            continue;
        }
        let input = Input { web, address, dir: &dir, number: at + 1, limits };
        let path = input.bring().await?;
        let text =
            path.to_str().ok_or_else(|| input.refused(format!("the path {} is not text", path.display())))?;
        paths.insert((*address).to_owned(), text.to_owned());
    }
    Ok(paths)
}

struct Input<'a> {
    web: &'a Web,
    address: &'a str,
    dir: &'a Path,
    number: usize,
    limits: &'a InputLimits,
}

impl Input<'_> {
    async fn bring(&self) -> Result<PathBuf, FetchError> {
        if let Some(rest) = data_url::rest_of(self.address) {
            return self.decode(rest).await;
        }
        match timeout(self.limits.time, self.fetch()).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::Unreachable {
                url: shown_text(self.address),
                why: format!("it took longer than {:?}", self.limits.time),
            }),
        }
    }

    async fn decode(&self, rest: &str) -> Result<PathBuf, FetchError> {
        let most = self.limits.bytes;
        let data = data_url::decode(rest, most).map_err(|why| self.refused(why))?;
        let path = self.path(extension::of_type(data.kind));
        fs::write(&path, &data.bytes).await.map_err(|error| FetchError::disk("write", &path, error))?;
        Ok(path)
    }

    async fn fetch(&self) -> Result<PathBuf, FetchError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt().await {
                Err(error) if error.is_passing() && tries < TRIES => {
                    let patience = self.web.patience();
                    let wait = studio_runtime::backoff(tries, patience.backoff, patience.backoff_cap)
                        .mul_f64(rand::random());
                    let asked = error.retry_after().unwrap_or_default();
                    if asked > self.limits.time {
                        return Err(error);
                    }
                    sleep(wait.max(asked)).await;
                }
                done => return done,
            }
        }
    }

    async fn attempt(&self) -> Result<PathBuf, FetchError> {
        let purpose = Purpose::Input { allow_private: self.limits.allow_private };
        let ask = Ask { url: self.address, purpose, from: None, if_range: None };
        let mut answer = self.web.get(&ask).await?;
        if let Some(refusal) = answer.refusal(self.web) {
            return Err(refusal);
        }
        let most = self.limits.bytes;
        let stated = answer.response.content_length();
        if let Some(stated) = stated.filter(|stated| *stated > most) {
            return Err(self.refused(too_large(stated, most)));
        }
        let kind = answer.response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let extension = kind.and_then(extension::of_type).or_else(|| extension::of_address(self.address));
        let path = self.path(extension);
        let failed = |error| FetchError::disk("write", &path, error);
        let mut file = File::create(&path).await.map_err(failed)?;
        let mut total = 0;
        while let Some(piece) = self.web.piece(&mut answer.response, &answer.asked).await? {
            total += piece.len() as u64;
            if total > most {
                drop(file);
                let _ = fs::remove_file(&path).await;
                return Err(self.refused(too_large(total, most)));
            }
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        if total == 0 {
            return Err(self.refused("it is empty".to_owned()));
        }
        Ok(path)
    }

    fn path(&self, extension: Option<String>) -> PathBuf {
        let name = format!("input-{}", self.number);
        self.dir.join(extension.map_or_else(|| name.clone(), |extension| format!("{name}.{extension}")))
    }

    fn refused(&self, why: String) -> FetchError {
        let name = match data_url::rest_of(self.address) {
            // It would be the picture itself.
            Some(_) => format!("{} (data)", self.number),
            None => format!("{} (`{}`)", self.number, shown_text(self.address)),
        };
        FetchError::Input { name, why }
    }
}

fn too_large(bytes: u64, most: u64) -> String {
    format!("it has {} or more, at most {} are allowed", size(bytes), size(most))
}
