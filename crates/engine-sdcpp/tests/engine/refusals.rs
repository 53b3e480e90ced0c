//! What cannot be done is said in words, before the library aborts over it.

use engine_protocol::{Event, FailureClass};
use serde_json::json;
use studio_protocol::{FileRole, ImageTask, LlmTask, LoraUse, Task, VideoTask};

use crate::peer::{Peer, load};
use crate::tiny::{FILES, Tiny, cat, model_dir};

#[test]
fn impossible_tasks_are_bad_input_and_the_engine_goes_on() {
    let mut tiny = Tiny::start();
    let lora = |name: &str, weight| vec![LoraUse { name: name.to_owned(), weight }];
    for (task, words) in [
        (ImageTask { width: 100, ..cat() }, "multiples of 16 for Z-Image, as 96x64"),
        (ImageTask { width: 65_536, ..cat() }, "width 65536: use 64 to 4096"),
        (ImageTask { height: 0, ..cat() }, "height 0"),
        (ImageTask { steps: 0, ..cat() }, "0 steps"),
        (ImageTask { steps: 100_000, ..cat() }, "100000 steps"),
        (ImageTask { sampling_method: Some("quantum".to_owned()), ..cat() }, "euler_a, heun"),
        (ImageTask { scheduler: Some("linear".to_owned()), ..cat() }, "karras, exponential"),
        (ImageTask { cfg_scale: Some(-1.0), ..cat() }, "cfgScale is -1"),
        (ImageTask { eta: Some(1e9), ..cat() }, "eta is 1000000000"),
        (ImageTask { flow_shift: Some(0.0), ..cat() }, "flowShift is 0"),
        (ImageTask { guidance: Some(-3.0), ..cat() }, "guidance is -3"),
        (ImageTask { clip_skip: Some(99), ..cat() }, "clipSkip is 99"),
        (ImageTask { batch_count: Some(0), ..cat() }, "batchCount 0"),
        (ImageTask { batch_count: Some(17), ..cat() }, "batchCount 17"),
        (ImageTask { loras: lora("nobodys", 1.0), ..cat() }, "no LoRA `nobodys`; there: tiny_style"),
        (ImageTask { loras: lora("tiny_style", 1e6), ..cat() }, "weight is 1000000"),
        (ImageTask { prompt: "a\0b".to_owned(), ..cat() }, "zero character"),
        (ImageTask { prompt: "x".repeat(20_001), ..cat() }, "20001 characters"),
    ] {
        let said = format!("{task:?}");
        let refused = tiny.refused(Task::Image(task));
        assert!(refused.contains(words), "{said}: {refused}");
    }
    let chat = LlmTask::default();
    assert!(tiny.refused(Task::Llm(chat)).contains("llm"));
    let clip = |ext: &str| VideoTask { prompt: "p".to_owned(), ext: ext.to_owned(), ..VideoTask::default() };
    assert!(tiny.refused(Task::Video(clip("webm"))).contains("makes pictures, no clips"));
    assert!(tiny.refused(Task::Video(clip("avi"))).contains("`avi`: use mp4, webm, webp, gif"));
    tiny.picture(cat());
}

#[test]
fn models_that_cannot_be_loaded_are_refused_by_name() {
    let mut peer = Peer::start();
    let other = |role: &str| FileRole::Other(role.to_owned());
    let dir = model_dir();
    let vae = tiny_models::zimage::VAE;
    let mut refused = |files: &[(FileRole, &str)], words: &str| {
        let events = peer.load(load(&dir, files, json!({})));
        let Some(Event::Failed(failed)) = events.last() else { panic!("{words}: {events:?}") };
        assert_eq!((failed.class, failed.model.as_deref()), (FailureClass::Model, Some("tiny")));
        assert!(failed.message.contains(words), "{words}: {}", failed.message);
    };
    refused(&FILES[1..], "no file of the role diffusion-model or model");
    refused(&[FILES[0].clone(), (other("control-net"), vae)], "`control-net`");
    refused(&[FILES[0].clone(), (other("upscaler"), vae)], "`upscaler`");
    refused(&[FILES[0].clone(), (FileRole::Labels, vae)], "`labels`");
    refused(&[FILES[0].clone(), FILES[0].clone()], "another file has already");
    refused(&[(FileRole::DiffusionModel, "missing.safetensors")], "missing.safetensors cannot be loaded");
    refused(&[(FileRole::DiffusionModel, "../x.safetensors")], "no plain file name");
    // Whole files, but not those of one model: the library's own words.
    refused(&[(FileRole::DiffusionModel, vae)], "model `tiny` could not be loaded: ");
    let mut without_folder = load(&dir, &FILES, json!({}));
    without_folder.dir = None;
    let events = peer.load(without_folder);
    assert!(matches!(events.last(), Some(Event::Failed(_))), "{events:?}");
    let events = peer.load(crate::tiny::tiny_load(json!({})));
    assert!(matches!(events.last(), Some(Event::Loaded(_))), "{events:?}");
}
