//! Looks at what an engine says it made, before anybody is told that it is there.

use std::path::{Path, PathBuf};

use engine_protocol::{Done, MAX_RESULT_BYTES, MEDIA_HEAD_BYTES, media_matches};
use tokio::io::AsyncReadExt;

use super::{EngineJob, Output};

/// The output of `job`, or what is wrong with it.
pub(super) async fn accept(done: Done, job: &EngineJob) -> Result<Output, String> {
    match (done.result, done.file, done.ext) {
        (Some(result), None, None) if job.task.kind().result_is_json() => match result.get().len() {
            bytes if bytes > MAX_RESULT_BYTES => {
                Err(format!("the result has {bytes} bytes, at most {MAX_RESULT_BYTES} are allowed"))
            }
            _ => Ok(Output::Json(result)),
        },
        (None, Some(file), Some(ext)) if !job.task.kind().result_is_json() => {
            let path = PathBuf::from(file);
            check_file(&path, &ext, job).await?;
            Ok(Output::File { path, ext: job.task.ext().unwrap_or(&ext).to_owned() })
        }
        (result, file, _) => Err(format!(
            "{} jobs give {}, but the engine gave {}",
            job.task.kind(),
            if job.task.kind().result_is_json() { "JSON" } else { "a file" },
            match (result, file) {
                (None, None) => "nothing",
                (Some(_), None) => "JSON",
                (None, Some(_)) => "a file",
                (Some(_), Some(_)) => "both",
            }
        )),
    }
}

async fn check_file(path: &Path, ext: &str, job: &EngineJob) -> Result<(), String> {
    if !job.task.ext().is_some_and(|asked| asked.eq_ignore_ascii_case(ext)) {
        return Err(format!("the engine made `{ext}`, not `{}`", job.task.ext().unwrap_or_default()));
    }
    let says = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    // The real path: an engine must not hand over files that are not its own, by `..` or by a link.
    let real = tokio::fs::canonicalize(path).await.map_err(|e| says(&e))?;
    let folder = tokio::fs::canonicalize(&job.out_dir).await.map_err(|e| says(&e))?;
    if !real.starts_with(&folder) || !tokio::fs::metadata(&real).await.is_ok_and(|file| file.is_file()) {
        return Err(says(&"is not a file inside of the job's folder"));
    }
    let mut head = Vec::with_capacity(MEDIA_HEAD_BYTES);
    let file = tokio::fs::File::open(&real).await.map_err(|e| says(&e))?;
    file.take(MEDIA_HEAD_BYTES as u64).read_to_end(&mut head).await.map_err(|e| says(&e))?;
    match media_matches(ext, &head) {
        Some(false) => Err(says(&format!("is no {ext}: it starts with `{}`", head.escape_ascii()))),
        _ if head.is_empty() => Err(says(&"is empty")),
        Some(true) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    fn job(out_dir: &Path, task: &serde_json::Value) -> EngineJob {
        let source = json!({"engine": "x", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 8, "height": 8}});
        EngineJob {
            job_id: "job-1".into(),
            attempt: None,
            engine: "x".to_owned(),
            model: "m".to_owned(),
            source: serde_json::from_value(source).unwrap(),
            vram_gb: 0.0,
            task: serde_json::from_value(task.clone()).unwrap(),
            out_dir: out_dir.to_owned(),
            inputs: std::collections::BTreeMap::new(),
            stream: false,
            preview: false,
            traceparent: None,
        }
    }

    async fn accepted(job: &EngineJob, file: Option<&Path>, ext: Option<&str>) -> Result<Output, String> {
        let file = file.map(|file| file.to_str().unwrap().to_owned());
        let done = Done { job_id: "job-1".into(), result: None, file, ext: ext.map(str::to_owned) };
        accept(done, job).await
    }

    #[tokio::test]
    async fn only_a_real_file_of_the_right_kind_inside_of_the_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), &json!({"kind": "image", "prompt": "a fox", "ext": "png"}));
        let good = folder.path().join("a.png");
        std::fs::write(&good, b"\x89PNG\r\n\x1a\n and so on").unwrap();
        let Ok(Output::File { path, ext }) = accepted(&job, Some(&good), Some("PNG")).await else {
            panic!("refused")
        };
        assert_eq!((path, ext.as_str()), (good.clone(), "png"));

        let says =
            async |file: Option<&Path>, ext: Option<&str>| accepted(&job, file, ext).await.unwrap_err();
        assert!(says(Some(&good), Some("webp")).await.contains("`webp`, not `png`"));
        assert!(says(None, None).await.contains("nothing"));
        let text = folder.path().join("text.png");
        std::fs::write(&text, "hello").unwrap();
        assert!(says(Some(&text), Some("png")).await.contains("`hello`"));
        assert!(says(Some(folder.path()), Some("png")).await.contains("not a file"));
        assert!(says(Some(&folder.path().join("gone.png")), Some("png")).await.contains("gone.png"));
        let outside = tempfile::tempdir().unwrap();
        let elsewhere = outside.path().join("b.png");
        std::fs::copy(&good, &elsewhere).unwrap();
        assert!(says(Some(&elsewhere), Some("png")).await.contains("inside of the job's folder"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_out_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), &json!({"kind": "image", "prompt": "a fox", "ext": "qqq"}));
        let link = folder.path().join("a.qqq");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        assert!(
            accepted(&job, Some(&link), Some("qqq"))
                .await
                .unwrap_err()
                .contains("inside of the job's folder")
        );
    }

    #[tokio::test]
    async fn json_is_for_kinds_whose_result_is_json() {
        let folder = tempfile::tempdir().unwrap();
        let chat = job(folder.path(), &json!({"kind": "llm", "messages": []}));
        let picture = job(folder.path(), &json!({"kind": "image", "prompt": "a fox"}));
        let done = |value: &serde_json::Value| Done {
            job_id: "job-1".into(),
            result: Some(to_raw_value(value).unwrap()),
            file: None,
            ext: None,
        };
        assert!(
            matches!(accept(done(&json!({"a": 1})), &chat).await, Ok(Output::Json(text)) if text.get() == r#"{"a":1}"#)
        );
        assert!(accept(done(&json!({})), &picture).await.unwrap_err().contains("give a file"));
        let large = done(&json!("x".repeat(MAX_RESULT_BYTES)));
        assert!(accept(large, &chat).await.unwrap_err().contains("at most"));
    }
}
