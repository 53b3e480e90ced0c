//! Binary results (protocol section 2.3).

use crate::JobId;

/// Carries the attempt number of an upload (extension `lease`).
pub const ATTEMPT_HEADER: &str = "X-Job-Attempt";
/// The full prompt, first.
pub const PART_PROMPT: &str = "prompt";
/// The extension, second.
pub const PART_EXT: &str = "ext";
/// The bytes, third, for audio, video and meshes as well.
pub const PART_IMAGE: &str = "image";
/// How it was made, JSON, optional.
pub const PART_GENERATION_META: &str = "generationMeta";

/// The MIME type that goes with an extension.
pub fn mime_of_ext(ext: &str) -> &'static str {
    match ext.to_ascii_lowercase().as_str() {
        "webp" => "image/webp",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "glb" => "model/gltf-binary",
        _ => "application/octet-stream",
    }
}

/// The name of the uploaded file.
pub fn artefact_filename(job: &JobId, ext: &str) -> String {
    format!("{job}.{ext}")
}
