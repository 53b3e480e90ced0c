//! Files of prompts and of jobs, as `batch submit` takes them.
//!
//! A text file has a prompt on each line; empty lines and lines that begin with `#` are left out. A `.jsonl` file
//! has a job on each line, as the API takes it in a batch, or a task alone.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use studio_protocol::TaskKind;

use super::task::TaskOptions;
use crate::api::types::BatchJob;
use crate::api::{MAX_JOBS, MAX_SUBMISSION_BYTES};

/// A file, read and told apart.
pub enum Lines {
    /// Prompts with the numbers of their lines.
    Prompts(Vec<(usize, String)>),
    /// JSON with the numbers of their lines.
    Jobs(Vec<(usize, Map<String, Value>)>),
}

/// Reads a file, or the standard input for `-`.
pub fn read(path: &Path) -> anyhow::Result<Lines> {
    let mut text = String::new();
    let most = MAX_SUBMISSION_BYTES as u64 + 1;
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    let read = read.with_context(|| format!("could not read `{}` as UTF-8 text", path.display()))?;
    if read as u64 == most {
        bail!(
            "`{}` is larger than {MAX_SUBMISSION_BYTES} bytes, the most that is taken at once",
            path.display()
        );
    }
    let ext = path.extension().and_then(|ext| ext.to_str()).unwrap_or_default();
    let is_json = match ext {
        "jsonl" | "ndjson" | "json" => true,
        _ => path.as_os_str() == "-" && text.trim_start().starts_with('{'),
    };
    let lines = parse(&text, is_json).with_context(|| format!("`{}`", path.display()))?;
    let count = match &lines {
        Lines::Prompts(lines) => lines.len(),
        Lines::Jobs(lines) => lines.len(),
    };
    match count {
        0 => bail!("`{}` has nothing in it to submit", path.display()),
        1..=MAX_JOBS => Ok(lines),
        _ => bail!("`{}` has {count} jobs, a batch takes {MAX_JOBS}: split the file", path.display()),
    }
}

fn parse(text: &str, is_json: bool) -> anyhow::Result<Lines> {
    // A mark that some editors put at the start of a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).enumerate().map(|(at, line)| (at + 1, line));
    let lines = lines.filter(|(_, line)| !line.is_empty());
    if !is_json {
        let prompts = lines.filter(|(_, line)| !line.starts_with('#'));
        return Ok(Lines::Prompts(prompts.map(|(number, line)| (number, line.to_owned())).collect()));
    }
    let jobs = lines.map(|(number, line)| {
        let object =
            serde_json::from_str(line).with_context(|| format!("line {number} is not a JSON object"))?;
        Ok((number, object))
    });
    Ok(Lines::Jobs(jobs.collect::<anyhow::Result<_>>()?))
}

/// A batch of prompts for one model.
pub fn from_prompts(
    prompts: &[(usize, String)],
    kind: TaskKind,
    stem: &str,
    options: &TaskOptions,
) -> anyhow::Result<Vec<BatchJob>> {
    let width = prompts.len().to_string().len().max(3);
    let jobs = prompts.iter().enumerate().map(|(at, (_, prompt))| {
        Ok(BatchJob {
            model: None,
            task: raw(&options.task(kind, prompt))?,
            // Numbered, so that downloads are in the order of the file.
            asset_name: Some(format!("{stem}-{:0width$}", at + 1)),
            priority: None,
            max_attempts: None,
            count: None,
        })
    });
    jobs.collect()
}

/// A batch of jobs as they stand in the file.
pub fn from_jobs(
    lines: Vec<(usize, Map<String, Value>)>,
    options: &TaskOptions,
) -> anyhow::Result<Vec<BatchJob>> {
    lines
        .into_iter()
        .map(|(number, line)| job(line, options).with_context(|| format!("line {number}")))
        .collect()
}

fn job(mut line: Map<String, Value>, options: &TaskOptions) -> anyhow::Result<BatchJob> {
    if !line.contains_key("task") {
        if !line.contains_key("kind") {
            bail!("there is no `task` in it, and no `kind` that would make it one");
        }
        line = Map::from_iter([("task".to_owned(), Value::Object(line))]);
    }
    let Some(Value::Object(task)) = line.get_mut("task") else { bail!("`task` is not an object") };
    if let Some(kind) = task.get("kind").and_then(Value::as_str).and_then(|kind| kind.parse().ok()) {
        options.fill(kind, task);
    }
    Ok(serde_json::from_value(Value::Object(line))?)
}

/// JSON text of a task.
pub fn raw(task: &Map<String, Value>) -> anyhow::Result<Box<RawValue>> {
    Ok(to_raw_value(task)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_prompt() {
        let Lines::Prompts(prompts) = parse("\u{feff}a fox\n\n# not me\n  a hare  \r\n", false).unwrap()
        else {
            panic!("told apart wrongly");
        };
        assert_eq!(prompts, [(1, "a fox".to_owned()), (4, "a hare".to_owned())]);
        let jobs = from_prompts(&prompts, TaskKind::Image, "animals", &TaskOptions::default()).unwrap();
        assert_eq!(jobs[1].asset_name.as_deref(), Some("animals-002"));
        assert_eq!(jobs[0].task.get(), r#"{"kind":"image","prompt":"a fox"}"#);
    }

    #[test]
    fn a_line_is_a_job_or_a_task() {
        let text = r#"{"model":"m","task":{"kind":"image","prompt":"a","width":8},"priority":3}
                      {"kind":"image","prompt":"b"}"#;
        let Lines::Jobs(lines) = parse(text, true).unwrap() else { panic!("told apart wrongly") };
        let options = TaskOptions { width: Some(64), ..TaskOptions::default() };
        let jobs = from_jobs(lines, &options).unwrap();
        assert_eq!((jobs[0].model.as_deref(), jobs[0].priority), (Some("m"), Some(3)));
        assert!(
            jobs[0].task.get().contains(r#""width":8"#),
            "the job's own value wins: {}",
            jobs[0].task.get()
        );
        assert!(jobs[1].task.get().contains(r#""width":64"#), "{}", jobs[1].task.get());
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number() {
        let error = parse("{}\n{\n", true).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        let error = from_jobs(vec![(7, Map::new())], &TaskOptions::default()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("line 7"), "{error}");
    }
}
