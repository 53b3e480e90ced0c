//! Speech both ways through the whole stack.

use e2e::Story;
use serde_json::json;
use tiny_models::onnx::{self, TinyFile};

use super::{JOB, add_model, folder, text, worker_with};

fn write(story: &Story, name: &str, files: &[TinyFile]) -> Vec<String> {
    let folder = folder(&story.home, name);
    let write = |file: &TinyFile| {
        let path = folder.join(file.filename);
        std::fs::write(&path, &file.bytes).expect("a file");
        format!("{}={}", file.role, text(&path))
    };
    files.iter().map(write).collect()
}

#[tokio::test]
async fn a_text_is_spoken_and_the_recording_is_read() {
    let story = Story::begin().await;
    let _worker = worker_with(&story, "attic", &["sherpa-onnx"]).await;
    for (id, kind, files) in
        [("tiny-voice", "audio_tts", onnx::vits(1)), ("tiny-ear", "audio_stt", onnx::nemo_ctc())]
    {
        let files = write(&story, id, &files);
        let mut arguments = vec![id];
        arguments.extend(files.iter().map(String::as_str));
        arguments.extend(["--kind", kind, "--engine", "sherpa-onnx"]);
        add_model(&story, &arguments);
    }
    let mut recording = String::new();
    for ext in ["wav", "flac", "opus"] {
        let job = json!({"model": "tiny-voice", "task": {"kind": "audio_tts", "text": "hello world test", "ext": ext}});
        let id = story.api.submit(job).await;
        let done = story.api.until_job(&id, "done", JOB).await;
        assert_eq!(done["artefact"]["ext"], ext, "{done}");
        let bytes = story.api.artefact(&id).await;
        assert!(bytes.len() > 500, "{ext}: {} bytes", bytes.len());
        if ext == "wav" {
            recording = format!("data:audio/wav;base64,{}", base64(&bytes));
        }
    }
    let job = json!({"model": "tiny-ear", "task": {"kind": "audio_stt", "inputUrl": recording, "timestamps": "word"}});
    let id = story.api.submit(job).await;
    story.api.until_job(&id, "done", JOB).await;
    let result = story.api.get(&format!("/jobs/{id}/result")).await;
    assert!(result["text"].is_string(), "{result}");
    assert!(result["duration"].as_f64().is_some_and(|seconds| seconds > 0.0), "{result}");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
