//! The rules about jobs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use studio_protocol::{JobId, Task, TaskKind};

use super::{CANCEL_LIMIT, END_LIMIT, Peer, Trial, Tried};
use crate::{Command, Description, Done, Event, Failed, FailureClass, MEDIA_HEAD_BYTES, Run, media_matches};

/// How a job ended.
pub(super) enum End {
    /// With what it made: the JSON's text, or the file's bytes.
    Done(Vec<u8>),
    Failed(Failed),
}

/// An extension that no engine writes.
const NO_FORMAT: &str = "qqq";

impl Trial<'_> {
    pub(super) fn jobs(&mut self, description: &Description) {
        let tasks: BTreeMap<TaskKind, Task> =
            self.settings.tasks.iter().map(|task| (task.kind(), task.clone())).collect();
        for kind in &description.kinds {
            let Some(task) = kind.parse().ok().and_then(|kind: TaskKind| tasks.get(&kind)) else {
                self.rule(format!("does {kind} jobs"), |_| Ok(Some("no task was given".to_owned())));
                continue;
            };
            if task.kind().result_is_json() {
                self.rule(format!("does {kind} jobs"), |trial| trial.does(task));
                continue;
            }
            for ext in description.formats.get(kind).into_iter().flatten() {
                self.rule(format!("does {kind} jobs as {ext}"), |trial| trial.does(&with_ext(task, ext)));
            }
            self.rule(format!("refuses {kind} jobs in a format that it lacks"), |trial| {
                trial.refuses_format(task)
            });
        }
        let first = description.kinds.iter().find_map(|kind| tasks.get(&kind.parse().ok()?));
        self.rule("keeps a model loaded between jobs", |trial| trial.keeps_the_model(first));
        self.rule("the same task gives the same bytes", |trial| trial.repeats(first));
        self.rule("stops a job that is cancelled, and does the next", |trial| trial.cancels(first));
        self.rule("ends when standard input ends in the middle of a job", Self::ends_busy);
    }

    /// Runs one job in a folder of its own and checks what it made.
    pub(super) fn run(&self, peer: &mut Peer, job: &str, task: &Task) -> Result<End, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        peer.say(&self.command(job, task, folder.path())?)?;
        match ended(peer, job, self.settings.limit)? {
            Ok(done) => made(done, task, folder.path()).map(End::Done),
            Err(failed) => Ok(End::Failed(failed)),
        }
    }

    fn command(&self, job: &str, task: &Task, folder: &Path) -> Result<Command, String> {
        let out_dir = folder.to_str().ok_or("the temporary folder's path is not text")?;
        Ok(Command::Run(Box::new(Run {
            job_id: job.into(),
            model: self.settings.model.clone(),
            task: task.clone(),
            out_dir: (!task.kind().result_is_json()).then(|| out_dir.to_owned()),
            inputs: BTreeMap::new(),
            stream: false,
            preview: false,
            traceparent: None,
        })))
    }

    fn done(&self, peer: &mut Peer, job: &str, task: &Task) -> Result<Vec<u8>, String> {
        match self.run(peer, job, task)? {
            End::Done(bytes) => Ok(bytes),
            End::Failed(failed) => Err(format!("it failed: {}", failed.message)),
        }
    }

    fn does(&self, task: &Task) -> Tried {
        self.done(&mut self.loaded()?, "job-1", task).map(|_| None)
    }

    fn refuses_format(&self, task: &Task) -> Tried {
        match self.run(&mut self.loaded()?, "job-1", &with_ext(task, NO_FORMAT))? {
            End::Done(_) => Err(format!("it made something for `{NO_FORMAT}`")),
            End::Failed(failed) if failed.class != FailureClass::BadInput || failed.retryable => {
                Err(format!("the failure is not a badInput for good: {failed:?}"))
            }
            End::Failed(failed) if !failed.message.contains(NO_FORMAT) => {
                Err(format!("its message does not name the format: {}", failed.message))
            }
            End::Failed(_) => Ok(None),
        }
    }

    fn keeps_the_model(&self, task: Option<&Task>) -> Tried {
        let Some(task) = task else { return Ok(Some("no task was given".to_owned())) };
        let mut peer = self.loaded()?;
        for job in ["job-1", "job-2", "job-3"] {
            self.done(&mut peer, job, task)?;
        }
        peer.say(&Command::Stats)?;
        let stats = super::stats(&peer)?;
        if (stats.loads, stats.done) == (1, 3) {
            Ok(None)
        } else {
            Err(format!("after 1 load and 3 jobs it says {stats:?}"))
        }
    }

    fn repeats(&self, task: Option<&Task>) -> Tried {
        let Some(task) = task.filter(|_| self.settings.deterministic) else {
            return Ok(Some("not asked for".to_owned()));
        };
        let one = self.done(&mut self.loaded()?, "job-1", task)?;
        let other = self.done(&mut self.loaded()?, "job-2", task)?;
        if one == other { Ok(None) } else { Err("two processes gave different bytes".to_owned()) }
    }

    fn cancels(&self, next: Option<&Task>) -> Tried {
        let Some(slow) = &self.settings.slow else { return Ok(Some("no slow task was given".to_owned())) };
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut peer = self.loaded()?;
        peer.say(&self.command("job-slow", slow, folder.path())?)?;
        peer.say(&Command::Cancel(crate::CancelJob { job_id: "job-slow".into() }))?;
        match ended(&peer, "job-slow", CANCEL_LIMIT)? {
            Ok(_) => return Err("it was done all the same: give a slower task".to_owned()),
            Err(failed) if failed.class != FailureClass::Cancelled => {
                return Err(format!("the failure is not of the class cancelled: {failed:?}"));
            }
            Err(_) => {}
        }
        next.map_or(Ok(None), |next| self.done(&mut peer, "job-next", next).map(|_| None))
    }

    fn ends_busy(&self) -> Tried {
        let Some(slow) = &self.settings.slow else { return Ok(Some("no slow task was given".to_owned())) };
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut peer = self.loaded()?;
        peer.say(&self.command("job-slow", slow, folder.path())?)?;
        // `stats` is answered after `run` was read: the job is under way.
        peer.say(&Command::Stats)?;
        super::stats(&peer)?;
        peer.hang_up();
        peer.ends_within(END_LIMIT).map(|_| None)
    }
}

fn ended(peer: &Peer, job: &str, limit: std::time::Duration) -> Result<Result<Done, Failed>, String> {
    let job = JobId::from(job);
    peer.expect_within(limit, &format!("end of {job}"), |event| {
        if let Event::Done(done) = event {
            return (done.job_id == job).then_some(Ok(done));
        }
        let Event::Failed(failed) = event else { return None };
        (failed.job_id.as_ref() == Some(&job)).then_some(Err(failed))
    })
}

fn made(done: Done, task: &Task, folder: &Path) -> Result<Vec<u8>, String> {
    match (done.result, done.file, done.ext) {
        (Some(result), None, None) if task.kind().result_is_json() => {
            let value: Value = serde_json::from_str(result.get()).map_err(|e| e.to_string())?;
            if task.kind() == TaskKind::Llm {
                check_chat(&value)?;
            }
            Ok(result.get().as_bytes().to_vec())
        }
        (None, Some(file), Some(ext)) if !task.kind().result_is_json() => {
            read_file(Path::new(&file), &ext, task, folder)
        }
        _ => Err("`done` must carry `result`, or `file` and `ext`, as the kind asks".to_owned()),
    }
}

fn check_chat(value: &Value) -> Result<(), String> {
    let message = &value["choices"][0]["message"];
    let whole =
        value["object"] == "chat.completion" && message["content"].is_string() && value["usage"].is_object();
    if whole { Ok(()) } else { Err(format!("not a chat.completion: {value}")) }
}

fn read_file(file: &Path, ext: &str, task: &Task, folder: &Path) -> Result<Vec<u8>, String> {
    if !file.is_absolute() || !file.starts_with(folder) {
        return Err(format!("{} is not inside of outDir", file.display()));
    }
    if task.ext() != Some(ext) {
        return Err(format!("it made `{ext}`, not what the task asked for"));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|e| format!("{}: {e}", file.display()))?;
    let head = &bytes[..bytes.len().min(MEDIA_HEAD_BYTES)];
    match media_matches(ext, head) {
        Some(false) => Err(format!("the file is no {ext}: it starts with `{}`", head.escape_ascii())),
        Some(true) | None => Ok(bytes),
    }
}

fn with_ext(task: &Task, ext: &str) -> Task {
    let mut task = task.clone();
    match &mut task {
        Task::Image(task) => ext.clone_into(&mut task.ext),
        Task::AudioTts(task) => ext.clone_into(&mut task.ext),
        Task::Video(task) => ext.clone_into(&mut task.ext),
        Task::Mesh(task) => ext.clone_into(&mut task.ext),
        Task::Llm(_) | Task::AudioStt(_) => {}
    }
    task
}
