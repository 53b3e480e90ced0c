//! What a file of a model is, told by its first bytes and its name.

use studio_protocol::{FileRole, TaskKind};

/// What is looked at: the metadata of GGUF begins with the architecture, safetensors with the names of all tensors.
pub const HEAD_BYTES: u64 = 1024 * 1024;
/// The engine of language models.
const LLAMA: &str = "llama-cpp";
/// The engine of pictures and clips.
const SD: &str = "sd-cpp";
/// The engine of speech.
const SHERPA: &str = "sherpa-onnx";

/// Architectures that denoise clips, as GGUF files name them.
const CLIPS: [&str; 4] = ["wan", "hyvid", "ltxv", "cosmos"];
/// And pictures.
const PICTURES: [&str; 10] =
    ["flux", "sd1", "sdxl", "sd3", "aura", "hidream", "lumina2", "qwen_image", "z_image", "chroma"];

/// What a file is by itself; what it is to a model depends on the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Continues text; next to a denoiser it reads the prompt.
    Language,
    /// Turns texts into numbers.
    Embedding,
    /// Reads pictures for a language model.
    Projector,
    /// Reads the prompt of a denoiser.
    TextEncoder,
    /// Denoises pictures.
    Pictures,
    /// Denoises clips.
    Clips,
    /// Denoiser, text encoder and VAE in one.
    Checkpoint,
    /// Latents to pixels and back.
    Vae,
    /// A fine-tune.
    Lora,
    /// Something of a speech model, by its role.
    Speech(&'static str),
}

/// A model that some files make.
#[derive(Debug, PartialEq)]
pub struct Whole {
    /// What it makes.
    pub kind: TaskKind,
    /// What runs it.
    pub engine: &'static str,
    /// Of each file, in their order; `None` where it is no part of such a model.
    pub roles: Vec<Option<FileRole>>,
    /// Defaults that follow from what the files are.
    pub defaults: Vec<(&'static str, bool)>,
}

/// What a file is.
pub fn part(filename: &str, head: &[u8]) -> Option<Part> {
    let name = filename.to_ascii_lowercase();
    if head.starts_with(b"GGUF") {
        return Some(gguf(&name, head));
    }
    match name.rsplit_once('.').map(|(_, ext)| ext) {
        Some("safetensors" | "sft") => safetensors(head),
        Some("ckpt" | "pth" | "pt") => Some(Part::Checkpoint),
        Some("onnx" | "ort" | "bin" | "txt" | "fst" | "far") => speech(&name).map(Part::Speech),
        _ => None,
    }
}

fn gguf(name: &str, head: &[u8]) -> Part {
    let architecture = gguf_text(head, "general.architecture").unwrap_or_default();
    let kind = gguf_text(head, "general.type").unwrap_or_default();
    match (kind.as_str(), architecture.as_str()) {
        ("mmproj", _) | (_, "clip") => Part::Projector,
        ("adapter", _) => Part::Lora,
        (_, "") => unnamed(name, head),
        (_, "t5" | "t5encoder") => Part::TextEncoder,
        (_, "pig" | "vae") => Part::Vae,
        (_, architecture) if CLIPS.contains(&architecture) => Part::Clips,
        (_, architecture) if PICTURES.contains(&architecture) => Part::Pictures,
        (_, architecture) if architecture.contains("bert") || name.contains("embed") => Part::Embedding,
        _ => Part::Language,
    }
}

/// Files that convert a picture model keep only its tensors, so what says nothing of itself is one.
fn unnamed(name: &str, head: &[u8]) -> Part {
    let decodes = ["decoder.up_blocks", "decoder.mid."].iter().any(|tensor| contains(head, tensor));
    if decodes || name.contains("vae") {
        Part::Vae
    } else if name.contains("wan2") {
        Part::Clips
    } else {
        Part::Pictures
    }
}

/// The text behind a key of the metadata: its type is 8, its length stands before it, all little-endian.
fn gguf_text(head: &[u8], key: &str) -> Option<String> {
    let length = (key.len() as u64).to_le_bytes();
    let start = find(head, &[&length[..], key.as_bytes()].concat())? + 8 + key.len();
    let rest = head.get(start..)?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let text = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    (u32::from_le_bytes(*kind) == 8).then(|| String::from_utf8_lossy(text).into_owned())
}

fn safetensors(head: &[u8]) -> Option<Part> {
    // The length of the table of tensors, and its opening brace.
    if head.get(8) != Some(&b'{') {
        return None;
    }
    let has = |names: &[&str]| names.iter().any(|name| contains(head, name));
    Some(if has(&["lora_up", "lora_down", "lora_A", "lora_B", "hada_w1"]) {
        Part::Lora
    } else if has(&["model.diffusion_model."]) {
        let with_others = has(&["first_stage_model.", "cond_stage_model.", "conditioner.embedders."]);
        if with_others { Part::Checkpoint } else { Part::Pictures }
    } else if has(&["\"patch_embedding."]) || has(&["blocks.0.cross_attn.", "patchify_proj."]) {
        Part::Clips
    } else if has(&[
        "double_blocks.",
        "joint_blocks.",
        "transformer_blocks.",
        "noise_refiner.",
        "down_blocks.0.attentions",
    ]) {
        Part::Pictures
    } else if has(&["decoder.conv_in.", "decoder.conv1.", "decoder.up."]) && !has(&["lm_head."]) {
        Part::Vae
    } else if has(&[
        "text_model.",
        "model.embed_tokens.",
        "encoder.block.",
        "\"shared.weight\"",
        "transformer.resblocks.",
    ]) {
        Part::TextEncoder
    } else {
        return None;
    })
}

fn speech(name: &str) -> Option<&'static str> {
    let roles = [
        ("tokens", "tokens"),
        ("lexicon", "lexicon"),
        ("voices", "voices"),
        ("uncached", "uncached-decoder"),
        ("merged", "merged-decoder"),
        ("cached", "cached-decoder"),
        ("encode", "encoder"),
        ("decoder", "decoder"),
        ("joiner", "joiner"),
        ("vad", "vad"),
        ("preprocess", "preprocessor"),
        ("vocos", "vocoder"),
        ("hifigan", "vocoder"),
        (".fst", "rule-fsts"),
        (".far", "rule-fars"),
    ];
    let known = roles.iter().find(|(word, _)| name.contains(word)).map(|(_, role)| *role);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    known.or_else(|| matches!(ending, Some("onnx" | "ort")).then_some("model"))
}

/// What the files make together; `None` when they make nothing.
pub fn whole(names: &[&str], parts: &[Option<Part>]) -> Option<Whole> {
    let has = |wanted: &[Part]| parts.iter().flatten().any(|part| wanted.contains(part));
    let speaks = || parts.iter().flatten().any(|part| matches!(part, Part::Speech(_)));
    let (kind, engine) = if has(&[Part::Clips]) {
        (TaskKind::Video, SD)
    } else if has(&[Part::Pictures, Part::Checkpoint]) {
        (TaskKind::Image, SD)
    } else if has(&[Part::Language, Part::Embedding]) {
        (TaskKind::Llm, LLAMA)
    } else if speaks() {
        (if listens(names, parts) { TaskKind::AudioStt } else { TaskKind::AudioTts }, SHERPA)
    } else {
        return None;
    };
    let embeds = engine == LLAMA && !has(&[Part::Language]);
    Some(Whole {
        kind,
        engine,
        roles: parts.iter().map(|part| role(part.as_ref()?, engine)).collect(),
        defaults: if embeds { vec![("embedding", true)] } else { Vec::new() },
    })
}

fn role(part: &Part, engine: &str) -> Option<FileRole> {
    Some(match (part, engine) {
        (Part::Language | Part::Embedding, LLAMA)
        | (Part::Checkpoint, SD)
        | (Part::Speech("model"), SHERPA) => FileRole::Model,
        (Part::Language | Part::TextEncoder, SD) => FileRole::TextEncoder,
        (Part::Projector, LLAMA | SD) => FileRole::TextEncoderVision,
        (Part::Pictures | Part::Clips, SD) => FileRole::DiffusionModel,
        (Part::Vae, SD) => FileRole::Vae,
        (Part::Lora, SD) => FileRole::Lora,
        (Part::Speech(role), SHERPA) => FileRole::Other((*role).to_owned()),
        _ => return None,
    })
}

/// Models that write down what is said have encoders, or names that tell.
fn listens(names: &[&str], parts: &[Option<Part>]) -> bool {
    const WORDS: [&str; 8] =
        ["whisper", "paraformer", "sense", "moonshine", "ctc", "zipformer", "parakeet", "transducer"];
    let by_name = names.iter().any(|name| WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word)));
    by_name || parts.iter().flatten().any(|part| *part == Part::Speech("encoder"))
}

fn contains(head: &[u8], text: &str) -> bool {
    find(head, text.as_bytes()).is_some()
}

fn find(head: &[u8], wanted: &[u8]) -> Option<usize> {
    head.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gguf_with(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut head = b"GGUF\x03\0\0\0".to_vec();
        head.extend(0_u64.to_le_bytes());
        head.extend((pairs.len() as u64).to_le_bytes());
        for (key, value) in pairs {
            head.extend((key.len() as u64).to_le_bytes());
            head.extend(key.as_bytes());
            head.extend(8_u32.to_le_bytes());
            head.extend((value.len() as u64).to_le_bytes());
            head.extend(value.as_bytes());
        }
        head
    }

    fn tensors(names: &[&str]) -> Vec<u8> {
        let table: Vec<String> = names.iter().map(|name| format!("\"{name}\":{{}}")).collect();
        let table = format!("{{{}}}", table.join(","));
        [&(table.len() as u64).to_le_bytes()[..], table.as_bytes()].concat()
    }

    #[test]
    fn the_architecture_tells_what_a_gguf_is() {
        for (pairs, part) in [
            (&[("general.architecture", "qwen3")][..], Part::Language),
            (&[("general.name", "x"), ("general.architecture", "nomic-bert")], Part::Embedding),
            (&[("general.architecture", "clip"), ("general.type", "mmproj")], Part::Projector),
            (&[("general.architecture", "llama"), ("general.type", "adapter")], Part::Lora),
            (&[("general.architecture", "flux")], Part::Pictures),
            (&[("general.architecture", "wan")], Part::Clips),
            (&[], Part::Pictures),
        ] {
            assert_eq!(super::part("m.gguf", &gguf_with(pairs)), Some(part), "{pairs:?}");
        }
        let cut = &gguf_with(&[("general.architecture", "qwen3")])[..48];
        assert_eq!(gguf_text(cut, "general.architecture"), None, "cut within the text");
    }

    #[test]
    fn the_names_of_tensors_tell_what_safetensors_are() {
        for (names, part) in [
            (
                &["model.diffusion_model.a", "first_stage_model.b", "cond_stage_model.c"][..],
                Some(Part::Checkpoint),
            ),
            (&["model.diffusion_model.noise_refiner.0.w"], Some(Part::Pictures)),
            (&["double_blocks.0.w"], Some(Part::Pictures)),
            (&["encoder.conv_in.weight", "decoder.conv_in.weight"], Some(Part::Vae)),
            (&["model.embed_tokens.weight", "model.layers.0.w"], Some(Part::TextEncoder)),
            (&["double_blocks.0.lora_A.weight"], Some(Part::Lora)),
            (&["something.else"], None),
        ] {
            assert_eq!(super::part("m.safetensors", &tensors(names)), part, "{names:?}");
        }
        assert_eq!(part("m.safetensors", b"not at all"), None);
        assert_eq!(part("notes.md", b""), None);
    }

    #[test]
    fn a_language_model_beside_a_denoiser_reads_its_prompt() {
        let names = ["z.gguf", "qwen.gguf", "ae.safetensors"];
        let parts = [Some(Part::Pictures), Some(Part::Language), Some(Part::Vae)];
        let made = whole(&names, &parts).unwrap();
        assert_eq!((made.kind, made.engine), (TaskKind::Image, "sd-cpp"));
        let roles = [FileRole::DiffusionModel, FileRole::TextEncoder, FileRole::Vae].map(Some);
        assert_eq!(made.roles, roles);
        let made = whole(&names[1..2], &parts[1..2]).unwrap();
        assert_eq!((made.kind, made.engine), (TaskKind::Llm, "llama-cpp"));
        assert_eq!(made.roles, [Some(FileRole::Model)]);
        assert_eq!(whole(&names[2..], &parts[2..]), None, "a VAE alone makes nothing");
        let made = whole(&["e.gguf"], &[Some(Part::Embedding)]).unwrap();
        assert_eq!(made.defaults, [("embedding", true)]);
    }

    #[test]
    fn speech_models_are_told_by_the_names_of_their_files() {
        let parts = |names: &[&str]| names.iter().map(|name| part(name, b"")).collect::<Vec<_>>();
        let whisper = ["base-encoder.int8.onnx", "base-decoder.int8.onnx", "base-tokens.txt"];
        let made = whole(&whisper, &parts(&whisper)).unwrap();
        assert_eq!((made.kind, made.engine), (TaskKind::AudioStt, "sherpa-onnx"));
        let roles = ["encoder", "decoder", "tokens"].map(|role| Some(FileRole::Other(role.to_owned())));
        assert_eq!(made.roles, roles);
        let kokoro = ["model.onnx", "voices.bin", "tokens.txt", "lexicon-us-en.txt"];
        let made = whole(&kokoro, &parts(&kokoro)).unwrap();
        assert_eq!((made.kind, &made.roles[0]), (TaskKind::AudioTts, &Some(FileRole::Model)));
    }
}
