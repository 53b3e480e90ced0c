//! Follows a job or a batch to its end, over restarts of the studio.

mod text;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use studio_protocol::Stage;
use studio_store::JobState;
use text::{Text, Told};

use super::Exit;
use super::output::Output;
use super::rate::{Rate, told};
use super::times::{size, span};
use crate::api::types::{Batch, JobDetail};
use crate::client::{Client, ClientError};

/// How often the studio is asked: quick for eyes, nothing for the studio.
const INTERVAL: Duration = Duration::from_millis(400);
/// How often a line is printed where no bar can move.
const LINE_INTERVAL: Duration = Duration::from_secs(2);
/// How long the end of a text may take once its job is done.
const LAST_TEXT: Duration = Duration::from_secs(1);

/// Watches a batch until no job of it can run any more.
pub async fn batch(client: &Client, out: Output, id: &str) -> anyhow::Result<(Batch, Exit)> {
    let mut batch = client.batch(id).await?;
    let mut shown = Shown::new(out, batch.total);
    let mut rate = Rate::default();
    let mut tick = tokio::time::interval(INTERVAL);
    let mut last = None;
    loop {
        rate.sample(Instant::now(), finished(&batch));
        shown.batch(&batch, &rate);
        if out.is_json() && last.as_ref() != Some(&batch.counts) {
            out.value_line(&batch)?;
            last = Some(batch.counts.clone());
        }
        if open(&batch) == 0 {
            break;
        }
        tick.tick().await;
        batch = again(&mut shown, || client.batch(id)).await?;
    }
    shown.end();
    let exit = if count(&batch, JobState::Done) == batch.total { Exit::Done } else { Exit::Failures };
    Ok((batch, exit))
}

/// Watches a job to its end.
pub async fn job(client: &Client, out: Output, id: &str) -> anyhow::Result<(JobDetail, Exit)> {
    let mut detail = client.job(id).await?;
    let mut shown = Shown::new(out, 0);
    let mut tick = tokio::time::interval(INTERVAL);
    let mut last = String::new();
    let mut text = Text::of(&detail, out.is_json());
    loop {
        let line = job_line(&detail);
        if !text.has_begun() {
            shown.job(&detail, &line);
        }
        if out.is_json() && last != line {
            out.value_line(&detail.job)?;
            last = line;
        }
        if !detail.job.state.is_open() {
            break;
        }
        text.connect(client, id).await;
        let asks = loop {
            tokio::select! {
                _ = tick.tick() => break true,
                told = text.next() => match told? {
                    Told::Changed => break true,
                    Told::More => shown.make_room(),
                },
            }
        };
        if asks {
            detail = again(&mut shown, || client.job(id)).await?;
        }
    }
    // Its end was told ahead of the job's.
    let rest = async {
        while text.next().await? == Told::More {}
        Ok::<_, std::io::Error>(())
    };
    if let Ok(rest) = tokio::time::timeout(LAST_TEXT, rest).await {
        rest?;
    }
    text.end()?;
    shown.end();
    let exit = if detail.job.state == JobState::Done { Exit::Done } else { Exit::Failures };
    Ok((detail, exit))
}

/// Asks until there is an answer: a studio that restarts has lost nothing.
async fn again<T, F>(shown: &mut Shown, ask: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut tick = tokio::time::interval(INTERVAL);
    loop {
        match ask().await {
            Err(error) if error.is_transient() => shown.trouble(),
            other => return other,
        }
        tick.tick().await;
    }
}

/// Jobs of a batch in a state.
pub fn count(batch: &Batch, state: JobState) -> u64 {
    batch.counts.get(&state).copied().unwrap_or(0)
}

fn open(batch: &Batch) -> u64 {
    JobState::ALL.iter().filter(|state| state.is_open()).map(|state| count(batch, *state)).sum()
}

fn finished(batch: &Batch) -> u64 {
    batch.total - open(batch).min(batch.total)
}

/// What is worth saying of a batch beside how much is finished.
pub fn batch_line(batch: &Batch, rate: &Rate) -> String {
    let mut parts = Vec::new();
    for state in [JobState::Running, JobState::Failed, JobState::Cancelled, JobState::Quarantined] {
        let jobs = count(batch, state);
        if jobs > 0 {
            parts.push(format!("{jobs} {state}"));
        }
    }
    if open(batch) > 0 {
        parts.extend(rate.per_second().map(told));
        parts.extend(rate.eta(open(batch)).map(|eta| format!("{} left", span(eta))));
    }
    parts.join(" · ")
}

fn job_line(detail: &JobDetail) -> String {
    let job = &detail.job;
    let mut parts = vec![job.state.to_string()];
    if let Some(progress) = &job.progress {
        parts.extend(stage_word(progress.stage).map(str::to_owned));
        match (progress.bytes, progress.total_bytes) {
            (Some(bytes), Some(total)) => parts.push(format!("{} of {}", size(bytes), size(total))),
            (Some(bytes), None) => parts.push(size(bytes)),
            (None, _) if progress.steps > 0 => {
                parts.push(format!("step {} of {}", progress.step, progress.steps));
            }
            (None, _) if progress.step > 0 => parts.push(format!("step {}", progress.step)),
            (None, _) => {}
        }
        parts.extend(progress.eta_ms.map(|ms| format!("{} left", span(Duration::from_millis(ms)))));
    }
    parts.extend(job.worker.as_ref().filter(|_| job.state.is_held()).map(|worker| format!("on {worker}")));
    parts.extend(job.error.clone());
    parts.join(" · ")
}

/// What a job is busy with, where its state does not say it.
fn stage_word(stage: Option<Stage>) -> Option<&'static str> {
    match stage? {
        Stage::Queued => Some("waiting for the engine"),
        Stage::Downloading => Some("downloading"),
        Stage::Loading => Some("loading the model"),
        Stage::Running => None,
        Stage::Uploading => Some("uploading"),
    }
}

/// How far a bar is: bytes where they are counted, steps otherwise.
fn measure(detail: &JobDetail) -> (u64, u64) {
    let Some(progress) = &detail.job.progress else { return (0, 1) };
    match (progress.bytes, progress.total_bytes) {
        (Some(bytes), Some(total)) => (bytes, total),
        _ => (u64::from(progress.step), u64::from(progress.steps)),
    }
}

/// A bar for people at a terminal, a line now and then for logs, nothing for programs.
enum Shown {
    Bar(ProgressBar),
    Lines { out: Output, last: Option<(Instant, String)>, troubled: bool },
    Nothing,
}

impl Shown {
    fn new(out: Output, total: u64) -> Self {
        if out.is_json() {
            return Self::Nothing;
        }
        if !out.is_live() {
            return Self::Lines { out, last: None, troubled: false };
        }
        let bar = ProgressBar::new(total);
        let style = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Bar(bar)
    }

    fn batch(&mut self, batch: &Batch, rate: &Rate) {
        let text = batch_line(batch, rate);
        match self {
            Self::Bar(bar) => {
                bar.set_position(finished(batch));
                bar.set_message(text);
            }
            Self::Lines { .. } => {
                let text = format!("{} of {} finished", finished(batch), batch.total)
                    + &(if text.is_empty() { text } else { format!(" · {text}") });
                self.say(text, open(batch) == 0);
            }
            Self::Nothing => {}
        }
    }

    fn job(&mut self, detail: &JobDetail, text: &str) {
        match self {
            Self::Bar(bar) => {
                let steps = measure(detail);
                let done = detail.job.state == JobState::Done;
                bar.set_length(steps.1.max(1));
                bar.set_position(if done { steps.1.max(1) } else { steps.0 });
                bar.set_message(text.to_owned());
            }
            Self::Lines { .. } => self.say(text.to_owned(), !detail.job.state.is_open()),
            Self::Nothing => {}
        }
    }

    fn say(&mut self, text: String, is_last: bool) {
        let Self::Lines { out, last, troubled } = self else { return };
        let is_due =
            last.as_ref().is_none_or(|(time, said)| time.elapsed() >= LINE_INTERVAL && *said != text);
        let is_news = last.as_ref().is_none_or(|(_, said)| *said != text);
        if is_due || (is_last && is_news) {
            out.note(&text);
            *last = Some((Instant::now(), text));
        }
        *troubled = false;
    }

    fn trouble(&mut self) {
        const TEXT: &str = "the studio does not answer; its queue is on disk, waiting for it to come back";
        match self {
            Self::Bar(bar) => bar.set_message(TEXT),
            Self::Lines { out, troubled, .. } if !*troubled => {
                out.note(TEXT);
                *troubled = true;
            }
            Self::Lines { .. } | Self::Nothing => {}
        }
    }

    /// Something else is printed now.
    fn make_room(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.abandon();
        }
    }
}
