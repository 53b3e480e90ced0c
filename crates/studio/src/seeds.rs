//! Models that a new studio knows: the synthetic ones, and a few real ones that run on common machines.
//!
//! A seed is put in once; what an operator changes or removes afterwards stays changed.
//! Sizes are about right, for progress and the free-space check; a hash stands only where it is known for certain.

use serde_json::Map;
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource, TaskKind};
use studio_store::Model;

/// The pictures of the synthetic engine, as the protocol's defaults have them.
const SYNTHETIC_SIDE: u32 = 512;

/// Every seed.
pub fn models() -> Vec<Model> {
    vec![
        synthetic("synthetic", TaskKind::Image),
        synthetic("synthetic-chat", TaskKind::Llm),
        synthetic("synthetic-tts", TaskKind::AudioTts),
        synthetic("synthetic-stt", TaskKind::AudioStt),
        starter_shapes(),
        z_image_turbo(),
        sd_turbo(),
        qwen3("qwen3-0.6b", "Qwen3-0.6B", "Q8_0", 639_446_688, 1.5),
        qwen3("qwen3-4b", "Qwen3-4B", "Q4_K_M", 2_497_000_000, 4.0),
        qwen3("qwen3-8b", "Qwen3-8B", "Q4_K_M", 5_027_000_000, 7.0),
        smollm2(),
        kokoro(),
        whisper_base(),
    ]
}

fn synthetic(id: &str, kind: TaskKind) -> Model {
    // It needs no device memory, so that a machine without a GPU can try the whole path.
    model(id, kind, 0.0, "synthetic", Vec::new(), defaults(1.0, 8, SYNTHETIC_SIDE))
}

/// The files are in the program, and unpacked at the first start.
fn starter_shapes() -> Model {
    let source = starter_models::source();
    let (id, vram_gb) = (starter_models::MODEL.to_owned(), starter_models::VRAM_GB);
    Model { id, kind: TaskKind::Image, vram_gb, enabled: true, source }
}

fn z_image_turbo() -> Model {
    let files = vec![
        file(
            FileRole::DiffusionModel,
            "https://huggingface.co/leejet/Z-Image-Turbo-GGUF/resolve/main/",
            "z_image_turbo-Q4_0.gguf",
            3_700_000_000,
        ),
        file(
            FileRole::TextEncoder,
            "https://huggingface.co/unsloth/Qwen3-4B-Instruct-2507-GGUF/resolve/main/",
            "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
            2_497_000_000,
        ),
        file(
            FileRole::Vae,
            "https://huggingface.co/Comfy-Org/z_image_turbo/resolve/main/split_files/vae/",
            "ae.safetensors",
            335_304_388,
        ),
    ];
    model("z-image-turbo", TaskKind::Image, 8.0, "sd-cpp", files, defaults(1.0, 8, 1024))
}

fn sd_turbo() -> Model {
    let folder = "https://huggingface.co/stabilityai/sd-turbo/resolve/main/";
    let files = vec![file(FileRole::Model, folder, "sd_turbo.safetensors", 5_200_000_000)];
    model("sd-turbo", TaskKind::Image, 6.0, "sd-cpp", files, defaults(1.0, 4, 512))
}

fn qwen3(id: &str, name: &str, quant: &str, bytes: u64, vram_gb: f64) -> Model {
    let folder = format!("https://huggingface.co/Qwen/{name}-GGUF/resolve/main/");
    let files = vec![file(FileRole::Model, &folder, &format!("{name}-{quant}.gguf"), bytes)];
    let mut defaults = defaults(1.0, 1, SYNTHETIC_SIDE);
    defaults.more.insert("contextSize".to_owned(), 8192.into());
    model(id, TaskKind::Llm, vram_gb, "llama-cpp", files, defaults)
}

fn smollm2() -> Model {
    let folder = "https://huggingface.co/HuggingFaceTB/SmolLM2-360M-Instruct-GGUF/resolve/main/";
    let files = vec![file(FileRole::Model, folder, "smollm2-360m-instruct-q8_0.gguf", 386_000_000)];
    let mut defaults = defaults(1.0, 1, SYNTHETIC_SIDE);
    defaults.more.insert("contextSize".to_owned(), 8192.into());
    model("smollm2-360m", TaskKind::Llm, 1.0, "llama-cpp", files, defaults)
}

/// Speaks English: without a lexicon of another language its words would be left out.
fn kokoro() -> Model {
    let folder = "https://huggingface.co/csukuangfj/kokoro-multi-lang-v1_0/resolve/main/";
    let files = vec![
        file(FileRole::Model, folder, "model.onnx", 326_000_000),
        file(other("voices"), folder, "voices.bin", 28_000_000),
        file(other("tokens"), folder, "tokens.txt", 1_000),
        file(other("lexicon"), folder, "lexicon-us-en.txt", 6_000_000),
    ];
    let mut defaults = defaults(1.0, 1, SYNTHETIC_SIDE);
    defaults.more.insert("family".to_owned(), "kokoro".into());
    model("kokoro", TaskKind::AudioTts, 1.0, "sherpa-onnx", files, defaults)
}

fn whisper_base() -> Model {
    let folder = "https://huggingface.co/csukuangfj/sherpa-onnx-whisper-base/resolve/main/";
    let files = vec![
        file(other("encoder"), folder, "base-encoder.int8.onnx", 29_000_000),
        file(other("decoder"), folder, "base-decoder.int8.onnx", 131_000_000),
        file(other("tokens"), folder, "base-tokens.txt", 817_000),
    ];
    let mut defaults = defaults(1.0, 1, SYNTHETIC_SIDE);
    defaults.more.insert("family".to_owned(), "whisper".into());
    model("whisper-base", TaskKind::AudioStt, 0.6, "sherpa-onnx", files, defaults)
}

fn other(role: &str) -> FileRole {
    FileRole::Other(role.to_owned())
}

fn model(
    id: &str,
    kind: TaskKind,
    vram_gb: f64,
    engine: &str,
    files: Vec<ModelFile>,
    cli_defaults: CliDefaults,
) -> Model {
    let source = ModelSource { engine: engine.to_owned(), files, cli_defaults };
    Model { id: id.to_owned(), kind, vram_gb, enabled: true, source }
}

fn file(role: FileRole, folder: &str, name: &str, bytes: u64) -> ModelFile {
    ModelFile {
        role,
        url: format!("{folder}{name}"),
        filename: name.to_owned(),
        mirrors: Vec::new(),
        approx_bytes: Some(bytes),
        sha256: None,
    }
}

/// `cliDefaults` always states these four; engines other than for pictures do not look at them.
fn defaults(cfg_scale: f64, steps: u32, side: u32) -> CliDefaults {
    CliDefaults { cfg_scale, steps, width: side, height: side, more: Map::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_seed_is_an_entry_that_the_api_would_take() {
        let models = models();
        for model in &models {
            crate::api::check_model(model).unwrap_or_else(|problem| panic!("{}: {problem}", model.id));
        }
        let ids: BTreeSet<_> = models.iter().map(|model| &model.id).collect();
        assert_eq!(ids.len(), models.len());
    }

    #[test]
    fn hashes_are_those_of_files_that_are_in_the_program() {
        let pinned =
            models().into_iter().filter(|model| model.source.files.iter().any(|file| file.sha256.is_some()));
        assert_eq!(pinned.map(|model| model.id).collect::<Vec<_>>(), [starter_models::MODEL]);
    }

    #[test]
    fn synthetic_models_are_named_so_and_need_nothing() {
        for model in models() {
            assert_eq!(model.source.engine == "synthetic", model.id.starts_with("synthetic"), "{}", model.id);
            assert_eq!(model.source.files.is_empty(), model.source.engine == "synthetic", "{}", model.id);
        }
    }
}
