//! Brings one file to the disk, from the first of its addresses that has the right bytes.

mod answer;
mod part;

use std::path::PathBuf;
use std::time::Duration;

use studio_protocol::ModelFile;
use tokio::time::sleep;

pub(crate) use part::bytes_there;

use crate::disk::Promise;
use crate::error::size;
use crate::progress::Meter;
use crate::reach::{Purpose, identity, shown_text};
use crate::store::Room;
use crate::web::{Answer, Ask, Web};
use crate::{FetchError, Patience, sha};
use answer::{Shape, shape_of};
use part::{Facts, Part};

/// Failures in a row of one address without a byte in between.
const FUTILE_TRIES: u32 = 5;
/// Tries of one address in all: a bad line over many gigabytes, but not a server that sends a byte a time.
const MAX_TRIES: u32 = 100;
/// Times that one address may make us start over: a file that changes all the time is never complete.
const MAX_RESTARTS: u32 = 3;
/// A stated size is an estimate, the real one may be twice that.
const ESTIMATE_FACTOR: u64 = 2;
/// And small files may be estimated badly.
const ESTIMATE_SLACK: u64 = 64 * 1024 * 1024;
/// A file of which nothing is known; the free space is watched anyway.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024 * 1024;
/// Between two looks at the free space: a second of a fast line.
const SPACE_CHECK_BYTES: u64 = 64 * 1024 * 1024;

/// One file to bring.
pub(crate) struct Download<'a> {
    pub(crate) web: &'a Web,
    pub(crate) file: &'a ModelFile,
    /// The pinned hash, as it is compared.
    pub(crate) pinned: Option<&'a str>,
    pub(crate) target: PathBuf,
    pub(crate) meter: &'a Meter,
    /// Which file of the meter.
    pub(crate) index: usize,
    pub(crate) room: &'a Room<'a>,
    pub(crate) promise: Promise,
}

/// What to do after a try that failed.
enum Fault {
    /// Wait, then go on where it stopped.
    Retry(FetchError),
    /// The bytes so far are of no use.
    Restart(FetchError),
    /// This address will not do, or none will.
    Final(FetchError),
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        if error.is_passing() { Self::Retry(error) } else { Self::Final(error) }
    }
}

impl Download<'_> {
    /// The hash of the file, which is in place then.
    pub(crate) async fn run(&self) -> Result<String, FetchError> {
        let mut part = Part::open(&self.target, self.pinned).await?;
        if let (Some(pinned), true) = (self.pinned, self.target.is_file()) {
            // Another process has finished it while we waited for the lock.
            let found =
                sha::hex_of(&self.target).await.map_err(|e| FetchError::disk("read", &self.target, e))?;
            if found == pinned {
                part.reset().await?;
                part.abandon().await;
                return Ok(found);
            }
        }
        match self.any_address(&mut part).await {
            Ok(found) => {
                part.finish(&self.target).await?;
                Ok(found)
            }
            Err(error) => {
                let _ = part.flush().await;
                part.abandon().await;
                Err(error)
            }
        }
    }

    async fn any_address(&self, part: &mut Part) -> Result<String, FetchError> {
        let mut failures: Vec<FetchError> = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        for url in self.file.mirrors.iter().chain([&self.file.url]).map(String::as_str) {
            if asked.contains(&url) {
                continue;
            }
            asked.push(url);
            match self.address(url, part).await {
                Ok(found) => return Ok(found),
                Err(error) if error.is_of_the_source() => {
                    tracing::warn!(file = self.file.filename, %error, "an address of a model's file failed");
                    failures.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        let filename = self.file.filename.clone();
        match failures.pop() {
            Some(error) if failures.is_empty() => Err(error),
            last => {
                failures.extend(last);
                Err(FetchError::Everywhere { filename, failures })
            }
        }
    }

    async fn address(&self, url: &str, part: &mut Part) -> Result<String, FetchError> {
        let patience = self.web.patience();
        let (mut futile, mut tries, mut restarts) = (0, 0, 0);
        loop {
            let before = part.len();
            let fault = match self.attempt(url, part).await {
                Ok(found) => return Ok(found),
                Err(fault) => fault,
            };
            part.flush().await.map_err(|error| self.disk_error(part, error))?;
            tries += 1;
            let error = match fault {
                Fault::Final(error) => return Err(error),
                Fault::Restart(error) => {
                    part.reset().await?;
                    self.meter.at(self.index, 0);
                    restarts += 1;
                    if restarts > MAX_RESTARTS {
                        return Err(error);
                    }
                    tracing::warn!(file = self.file.filename, %error, "a download starts over");
                    continue;
                }
                Fault::Retry(error) => error,
            };
            futile = if part.len() > before { 1 } else { futile + 1 };
            if futile > FUTILE_TRIES || tries >= MAX_TRIES {
                return Err(error);
            }
            let Some(wait) = wait_after(&error, futile, &patience) else { return Err(error) };
            tracing::info!(file = self.file.filename, %error, ?wait, "a download pauses");
            sleep(wait).await;
        }
    }

    /// Asks once, and takes what comes.
    async fn attempt(&self, url: &str, part: &mut Part) -> Result<String, Fault> {
        if part.len() > 0 && part.facts.length == Some(part.len()) {
            // Killed between the last byte and the rename.
            return self.judge(url, part, true).await;
        }
        let same_url = part.facts.url == identity(url);
        let version = part.facts.version().filter(|_| same_url).map(str::to_owned);
        if part.len() > 0 && version.is_none() && self.pinned.is_none() {
            // Nothing would tell whether the rest belongs to it.
            part.reset().await?;
        }
        let from = (part.len() > 0).then_some(part.len());
        self.meter.at(self.index, part.len());
        let if_range = version.as_deref().filter(|_| from.is_some());
        let ask = Ask { url, purpose: Purpose::Model, from, if_range };
        let answer = self.web.get(&ask).await?;
        let wrong = |why: String| FetchError::Answer { url: answer.asked.clone(), why };
        let old = same_url.then_some(&part.facts);
        let shape = match shape_of(&answer, self.web, from, old) {
            Ok(shape) => shape,
            Err(answer::Bad::Refused(error)) => return Err(error.into()),
            Err(answer::Bad::OtherVersion(why)) if from.is_some() => return Err(Fault::Restart(wrong(why))),
            Err(answer::Bad::OtherVersion(why) | answer::Bad::Nonsense(why)) => {
                return Err(Fault::Final(wrong(why)));
            }
        };
        if shape == Shape::NothingLeft {
            return self.judge(url, part, true).await;
        }
        let Shape::Bytes { whole, length, framed } = shape else {
            return Err(Fault::Final(wrong(String::new())));
        };
        if whole && part.len() > 0 {
            part.reset().await?;
            self.meter.at(self.index, 0);
        }
        let length = length.or(part.facts.length.filter(|_| !whole));
        self.check_claim(&answer, length, framed).map_err(|why| Fault::Final(wrong(why)))?;
        let facts =
            Facts { url: identity(url), length, ..answer::facts_of(&answer, part.facts.sha256.clone()) };
        part.learn(facts).await?;
        part.is_pieced |= !whole;
        self.take(answer, part, length).await?;
        self.judge(url, part, framed).await
    }

    /// Whether an answer may be the file at all.
    fn check_claim(&self, answer: &Answer, length: Option<u64>, framed: bool) -> Result<(), String> {
        if let Some(length) = length
            && length > self.bound()
        {
            let about = self.file.approx_bytes.unwrap_or(MAX_FILE_BYTES);
            return Err(format!("it claims {}, expected about {}", size(length), size(about)));
        }
        if self.pinned.is_some() {
            return Ok(());
        }
        if !framed && length.is_none() {
            return Err("it does not say how long the file is: state its sha256".to_owned());
        }
        if answer::is_page(answer) && !self.file.filename.to_ascii_lowercase().contains(".htm") {
            return Err("it answers with a web page: state the file's sha256 if that is meant".to_owned());
        }
        Ok(())
    }

    /// Bytes that no honest answer goes beyond.
    fn bound(&self) -> u64 {
        self.file.approx_bytes.map_or(MAX_FILE_BYTES, |approx| {
            approx.saturating_mul(ESTIMATE_FACTOR).saturating_add(ESTIMATE_SLACK)
        })
    }

    /// Writes a body behind what is there.
    async fn take(&self, answer: Answer, part: &mut Part, length: Option<u64>) -> Result<(), Fault> {
        let Answer { mut response, asked, .. } = answer;
        let known = length.or(self.file.approx_bytes);
        self.expect(known.unwrap_or(0).saturating_sub(part.len())).await?;
        if let Some(length) = length {
            self.meter.size(self.index, length);
        }
        let bound = length.unwrap_or_else(|| self.bound());
        let mut unchecked = 0;
        while let Some(piece) = self.web.piece(&mut response, &asked).await? {
            let bytes = piece.len() as u64;
            if part.len() + bytes > bound {
                let why = format!("it sends more than {}", size(bound));
                return Err(Fault::Final(FetchError::Answer { url: asked, why }));
            }
            part.write(&piece).await.map_err(|error| self.disk_error(part, error))?;
            self.promise.came(bytes);
            self.meter.at(self.index, part.len());
            unchecked += bytes;
            if unchecked >= SPACE_CHECK_BYTES {
                unchecked = 0;
                self.room.check_free(self.promise.get())?;
                if length.is_none() && self.promise.get() == 0 {
                    // It goes on beyond what was announced: other downloads must know.
                    self.expect(SPACE_CHECK_BYTES).await?;
                }
            }
        }
        if let Some(length) = length.filter(|length| part.len() < *length) {
            let why = format!("it ended after {} of {length} bytes", part.len());
            return Err(Fault::Retry(FetchError::Unreachable { url: asked, why }));
        }
        Ok(())
    }

    async fn expect(&self, bytes: u64) -> Result<(), FetchError> {
        self.room.make(&self.promise, bytes).await
    }

    /// Whether what came are the right bytes.
    async fn judge(&self, url: &str, part: &mut Part, framed: bool) -> Result<String, Fault> {
        part.flush().await.map_err(|error| self.disk_error(part, error))?;
        let found = part.hex();
        let Some(expected) = self.pinned else {
            if part.len() == 0 {
                let why = "it is empty".to_owned();
                return Err(Fault::Final(FetchError::Answer { url: shown_text(url), why }));
            }
            return Ok(found);
        };
        if found == expected {
            return Ok(found);
        }
        let pieced = part.is_pieced;
        part.reset().await?;
        self.meter.at(self.index, 0);
        let error = FetchError::Hash { url: shown_text(url), expected: expected.to_owned(), found };
        if pieced {
            // Perhaps the fault of an earlier piece.
            Err(Fault::Restart(error))
        } else if framed {
            Err(Fault::Final(error))
        } else {
            // Nobody said how long it is: it may have been cut.
            Err(Fault::Retry(error))
        }
    }

    fn disk_error(&self, part: &Part, error: std::io::Error) -> FetchError {
        if studio_runtime::is_disk_full(&error) {
            return self.room.full(self.promise.get());
        }
        part.failed("write", error)
    }
}

/// How long to wait, with full jitter; `None` when the server asks for more than is waited for.
fn wait_after(error: &FetchError, failures: u32, patience: &Patience) -> Option<Duration> {
    let most = studio_runtime::backoff(failures, patience.backoff, patience.backoff_cap);
    let backoff = most.mul_f64(rand::random::<f64>());
    match error.retry_after() {
        Some(after) => (after <= patience.retry_after_cap).then(|| after.max(backoff)),
        None => Some(backoff),
    }
}
