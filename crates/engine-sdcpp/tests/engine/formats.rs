//! Files are what their extensions say, and tell how they were made.

use engine_protocol::media_matches;
use engine_sdcpp::{LoraWeight, Parameters, read_parameters, read_text};
use studio_protocol::{ImageTask, LoraUse, Task};

use crate::tiny::{Tiny, cat, difference};

#[test]
fn every_format_shows_the_picture_and_tells_how_it_was_made() {
    let mut tiny = Tiny::start();
    let task = ImageTask {
        prompt: "a cat, кошка \u{1f408}".to_owned(),
        negative_prompt: Some("a dog".to_owned()),
        cfg_scale: Some(2.5),
        seed: Some(u64::MAX),
        sampling_method: Some("Euler a".to_owned()),
        scheduler: Some("karras".to_owned()),
        eta: Some(0.5),
        flow_shift: Some(2.0),
        guidance: Some(3.0),
        clip_skip: Some(2),
        loras: vec![LoraUse { name: "tiny_style.safetensors".to_owned(), weight: 0.5 }],
        ..cat()
    };
    let base = tiny.picture(task.clone());
    for ext in ["png", "webp", "jpg", "jpeg"] {
        let made = tiny.run(Task::Image(ImageTask { ext: ext.to_owned(), ..task.clone() }), false).unwrap();
        assert_eq!(media_matches(ext, &made.file), Some(true), "{ext}");
        let shown = image::load_from_memory(&made.file).unwrap().to_rgb8();
        assert!(difference(&shown, &base) < 25.0, "{ext}: {}", difference(&shown, &base));
        let told = read_parameters(&made.file).unwrap();
        let engine = told.engine.clone();
        assert!(
            engine.contains(env!("CARGO_PKG_VERSION")) && engine.contains("stable-diffusion.cpp"),
            "{engine}"
        );
        let expected = Parameters {
            prompt: task.prompt.clone(),
            negative_prompt: task.negative_prompt.clone(),
            seed: u64::MAX,
            steps: 2,
            sampler: "euler_a".to_owned(),
            scheduler: "karras".to_owned(),
            cfg_scale: 2.5,
            guidance: Some(3.0),
            flow_shift: Some(2.0),
            eta: Some(0.5),
            clip_skip: Some(2),
            denoise: None,
            loras: vec![LoraWeight { name: "tiny_style".to_owned(), weight: 0.5 }],
            batch_count: None,
            width: 64,
            height: 64,
            model: "tiny".to_owned(),
            model_hash: Some("ab".repeat(32)),
            engine,
        };
        assert_eq!(told, expected, "{ext}");
        let text = read_text(&made.file).unwrap();
        assert!(
            text.starts_with("a cat, кошка \u{1f408}\nNegative prompt: a dog\nSteps: 2, Sampler: euler_a"),
            "{text}"
        );
    }
}

#[test]
fn formats_that_it_lacks_are_refused_by_name() {
    let mut tiny = Tiny::start();
    let refused = tiny.refused(Task::Image(ImageTask { ext: "tiff".to_owned(), ..cat() }));
    assert!(refused.contains("`tiff`") && refused.contains("webp, png, jpg, jpeg"), "{refused}");
    // One that WebP cannot hold is refused before anything is made.
    let wide = ImageTask { ext: "webp".to_owned(), width: 4096, height: 64, batch_count: Some(16), ..cat() };
    assert!(tiny.refused(Task::Image(wide)).contains("16384x256"));
}
