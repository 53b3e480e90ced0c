//! The offers of the golden files.

use serde_json::{Map, Value, json};
use studio_protocol::*;

/// Every golden offer.
pub fn offers() -> Vec<(&'static str, OfferClaim)> {
    let extended =
        |task, attempt| OfferClaim { attempt: Some(attempt), lease_ms: Some(30_000), ..claim(task) };
    let stable_diffusion = |claim| OfferClaim { model_source: stable_diffusion(), ..claim };
    vec![
        ("studio/offer.llm", claim(Task::Llm(chat()))),
        ("studio/offer.llm.extended", stable_diffusion(extended(Task::Llm(full_chat()), 1))),
        ("studio/offer.image", claim(Task::Image(image()))),
        ("studio/offer.image.extended", stable_diffusion(extended(Task::Image(full_image()), 2))),
        ("studio/offer.audio_stt", claim(Task::AudioStt(transcript()))),
        ("studio/offer.audio_stt.extended", extended(Task::AudioStt(full_transcript()), 1)),
        ("studio/offer.audio_tts", claim(Task::AudioTts(speech()))),
        ("studio/offer.audio_tts.extended", extended(Task::AudioTts(full_speech()), 1)),
        ("studio/offer.video", claim(Task::Video(clip()))),
        ("studio/offer.video.extended", extended(Task::Video(full_clip()), 1)),
        ("studio/offer.mesh", claim(Task::Mesh(mesh(None)))),
        ("studio/offer.mesh.extended", extended(Task::Mesh(mesh(Some(7))), 5)),
    ]
}

/// A claim of the base protocol on the synthetic engine.
pub fn claim(task: Task) -> OfferClaim {
    OfferClaim {
        job_id: "job-1".into(),
        project: "g".into(),
        asset_name: "g/creatures/fox".into(),
        model: "synthetic".into(),
        vram_gb_estimate: 1.0,
        task,
        model_source: synthetic(),
        attempt: None,
        lease_ms: None,
        traceparent: None,
    }
}

fn synthetic() -> ModelSource {
    ModelSource {
        engine: "synthetic".into(),
        files: vec![],
        cli_defaults: CliDefaults { cfg_scale: 1.0, steps: 8, width: 512, height: 512, more: Map::new() },
    }
}

/// A source with every sort of file and default.
pub fn stable_diffusion() -> ModelSource {
    let file = |role, name: &str| ModelFile {
        role,
        url: format!("https://h/{name}"),
        filename: name.to_owned(),
        mirrors: vec![],
        approx_bytes: None,
        sha256: None,
    };
    let Value::Object(more) = json!({
        "samplingMethod": "euler", "flowShift": 3.0, "zeroCondT": true, "offloadToCpu": false,
        "contextSize": 8192, "chatTemplateKwargs": {"enable_thinking": false}, "mmap": true,
    }) else {
        unreachable!("written as an object")
    };
    ModelSource {
        engine: "sd-cpp".into(),
        files: vec![
            ModelFile {
                approx_bytes: Some(4_000_000_000),
                sha256: Some("ab".repeat(32)),
                mirrors: vec!["https://mirror/m.gguf".into()],
                ..file(FileRole::DiffusionModel, "m.gguf")
            },
            file(FileRole::TextEncoder, "t.gguf"),
            file(FileRole::TextEncoderVision, "v.gguf"),
            file(FileRole::Vae, "vae.safetensors"),
            file(FileRole::Lora, "l.safetensors"),
            file(FileRole::Model, "w.bin"),
            file(FileRole::Labels, "labels.txt"),
        ],
        cli_defaults: CliDefaults { cfg_scale: 3.5, steps: 28, width: 1024, height: 768, more },
    }
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.into(), content: content.into(), ..ChatMessage::default() }
}

fn chat() -> LlmTask {
    LlmTask { messages: vec![message("user", "hi")], max_tokens: 16, temperature: 0.5, ..LlmTask::default() }
}

fn full_chat() -> LlmTask {
    LlmTask {
        messages: vec![
            message("system", "be brief"),
            ChatMessage {
                tool_calls: Some(vec![json!({"id": "c1", "type": "function"})]),
                reasoning_content: Some("hm".into()),
                ..message("assistant", "")
            },
            ChatMessage {
                tool_call_id: Some("c1".into()),
                name: Some("clock".into()),
                ..message("tool", "noon")
            },
            message("user", "hi"),
        ],
        system: Some("be kind".into()),
        top_p: Some(0.9),
        stop: Some(vec!["\n\n".into(), "END".into()]),
        json_schema: Some(json!({"type": "object"})),
        reasoning: Some(json!({"effort": "low"})),
        chat_template_kwargs: Some(json!({"enable_thinking": true})),
        images: vec!["https://h/a.png".into()],
        top_k: Some(40),
        min_p: Some(0.05),
        seed: Some(7),
        repeat_penalty: Some(1.1),
        frequency_penalty: Some(0.2),
        presence_penalty: Some(0.1),
        tools: Some(vec![json!({"type": "function", "function": {"name": "clock"}})]),
        tool_choice: Some(json!("auto")),
        embed: Some(vec!["a text".into()]),
        ..chat()
    }
}

/// The model's defaults that it would get anyway are stated.
fn image() -> ImageTask {
    ImageTask { prompt: "a fox".into(), cfg_scale: Some(1.0), ..ImageTask::default() }
}

fn full_image() -> ImageTask {
    ImageTask {
        prompt: "a fox".into(),
        negative_prompt: Some("a dog".into()),
        init_image_url: Some("https://h/i.png".into()),
        mask_url: Some("https://h/m.png".into()),
        ref_image_url: Some("https://h/r.png".into()),
        denoise: Some(0.75),
        cfg_scale: Some(7.5),
        sampling_method: Some("euler_a".into()),
        width: 1024,
        height: 768,
        steps: 30,
        seed: Some(u64::MAX),
        ext: "png".into(),
        scheduler: Some("karras".into()),
        flow_shift: Some(2.5),
        guidance: Some(3.5),
        eta: Some(0.5),
        clip_skip: Some(2),
        loras: vec![LoraUse { name: "l".into(), weight: 0.5 }],
        ref_image_urls: vec!["https://h/s.png".into()],
        batch_count: Some(4),
        vae_tiling: Some(true),
    }
}

fn transcript() -> AudioSttTask {
    AudioSttTask {
        input_url: "https://h/a.wav".into(),
        language: None,
        translate: None,
        prompt: None,
        vad: None,
        timestamps: None,
    }
}

fn full_transcript() -> AudioSttTask {
    AudioSttTask {
        input_url: "https://h/a.wav".into(),
        language: Some("de".into()),
        translate: Some(true),
        prompt: Some("Köpenick".into()),
        vad: Some(false),
        timestamps: Some(Timestamps::Word),
    }
}

fn speech() -> AudioTtsTask {
    AudioTtsTask {
        text: "Good morning".into(),
        voice: "default".into(),
        speed: None,
        language: None,
        ext: "wav".into(),
    }
}

fn full_speech() -> AudioTtsTask {
    AudioTtsTask {
        voice: "amy".into(),
        speed: Some(1.25),
        language: Some("en".into()),
        ext: "ogg".into(),
        ..speech()
    }
}

fn clip() -> VideoTask {
    VideoTask { prompt: "a fox runs".into(), steps: Some(8), cfg_scale: Some(1.0), ..VideoTask::default() }
}

fn full_clip() -> VideoTask {
    VideoTask {
        prompt: "a fox runs".into(),
        negative_prompt: Some("blur".into()),
        init_image_url: Some("https://h/i.png".into()),
        seconds: 4.5,
        fps: Some(24.0),
        width: 832,
        height: 480,
        ext: "webm".into(),
        seed: Some(3),
        steps: Some(20),
        cfg_scale: Some(5.0),
        sampling_method: Some("euler".into()),
        flow_shift: Some(3.0),
    }
}

fn mesh(seed: Option<u64>) -> MeshTask {
    MeshTask { image_url: "https://h/i.png".into(), seed, ext: "glb".into() }
}
