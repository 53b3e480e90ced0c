//! Models as people read them.

use studio_protocol::FileRole;

use crate::api::types::ModelDetail;
use crate::cli::output::{fields, table};
use crate::cli::times::size;

/// A line for each model.
pub fn list(models: &[ModelDetail]) -> String {
    let row = |model: &ModelDetail| {
        let source = &model.model.source;
        let bytes = source.files.iter().filter_map(|file| file.approx_bytes).sum();
        [
            model.model.id.clone(),
            model.model.kind.to_string(),
            source.engine.clone(),
            format!("{:.1}", model.model.vram_gb),
            if bytes == 0 { String::new() } else { size(bytes) },
            of(model.files.iter().filter(|file| file.pinned).count(), model.files.len()),
            of(model.files.iter().filter(|file| file.present).count(), model.files.len()),
            some(model.workers.present),
            some(model.workers.loaded),
            if model.model.enabled { "yes" } else { "no" }.to_owned(),
        ]
    };
    let headers =
        ["ID", "KIND", "ENGINE", "GPU GiB", "SIZE", "PINNED", "HERE", "ON WORKERS", "LOADED", "ENABLED"];
    table(headers, models.iter().map(row))
}

/// `2/3`, or nothing where there are no files.
fn of(some: usize, all: usize) -> String {
    if all == 0 { String::new() } else { format!("{some}/{all}") }
}

fn some(workers: u64) -> String {
    if workers == 0 { String::new() } else { workers.to_string() }
}

/// All of one model.
pub fn detail(detail: &ModelDetail) -> String {
    let (model, source) = (&detail.model, &detail.model.source);
    let defaults = serde_json::to_string(&source.cli_defaults).unwrap_or_default();
    let mut text = fields(&[
        ("id", model.id.clone()),
        ("kind", model.kind.to_string()),
        ("engine", source.engine.clone()),
        ("gpu", format!("{:.1} GiB", model.vram_gb)),
        ("enabled", if model.enabled { "yes" } else { "no" }.to_owned()),
        (
            "workers",
            format!("{} have its files, {} have it loaded", detail.workers.present, detail.workers.loaded),
        ),
        ("fetch", detail.fetch.as_ref().map(super::fetch::told).unwrap_or_default()),
        ("defaults", defaults),
    ]);
    if !source.files.is_empty() {
        let rows = source.files.iter().zip(&detail.files).map(|(file, state)| {
            let bytes = state.bytes.or(file.approx_bytes);
            [
                word(&file.role),
                file.filename.clone(),
                bytes.map(size).unwrap_or_default(),
                if state.present { "yes" } else { "no" }.to_owned(),
                file.sha256
                    .as_ref()
                    .map_or_else(|| "unpinned".to_owned(), |hash| hash.chars().take(12).collect()),
                file.url.clone(),
            ]
        });
        text += "\n\n";
        text += &table(["ROLE", "FILE", "SIZE", "HERE", "SHA-256", "URL"], rows);
    }
    text
}

/// A role's word.
pub fn word(role: &FileRole) -> String {
    serde_json::to_value(role).ok().and_then(|role| role.as_str().map(str::to_owned)).unwrap_or_default()
}
