//! Pictures from text, and every number that shapes them.

use std::collections::HashSet;

use engine_protocol::Event;
use serde_json::json;
use studio_protocol::{ImageTask, LoraUse, Task};

use crate::tiny::{Tiny, cat, difference, largest_difference};

/// Less than this is rounding.
const VISIBLE: f64 = 0.5;

#[test]
fn the_picture_is_the_one_that_diffusers_makes() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tiny-zimage-cat.png");
    let golden = image::open(golden).unwrap().to_rgb8();
    let mut tiny = Tiny::start_with(json!({"weightType": "f32"}));
    let made = tiny.picture(ImageTask { width: 128, height: 128, steps: 4, ..cat() });
    let (largest, mean) = (largest_difference(&made, &golden), difference(&made, &golden));
    assert!(largest <= 2 && mean < 0.2, "largest difference {largest}, mean {mean}");
}

#[test]
fn seeds_and_prompts_decide() {
    let mut tiny = Tiny::start();
    let base = tiny.picture(cat());
    assert_eq!(tiny.picture(cat()), base, "the same seed gives the same picture");
    for other in [
        ImageTask { seed: Some(43), ..cat() },
        ImageTask { prompt: "a dog on the moon".to_owned(), ..cat() },
        ImageTask { cfg_scale: Some(4.0), ..cat() },
        ImageTask { steps: 3, ..cat() },
    ] {
        let said = format!("{other:?}");
        assert!(difference(&tiny.picture(other), &base) > VISIBLE, "{said}");
    }
    // Without a seed the engine picks one, and says which.
    let picked = ImageTask { seed: None, ..cat() };
    let [one, other] = [(); 2].map(|()| tiny.run(Task::Image(picked.clone()), false).unwrap().file);
    assert_ne!(one, other);
    let seed = engine_sdcpp::read_parameters(&one).unwrap().seed;
    let again = tiny.picture(ImageTask { seed: Some(seed), ..cat() });
    assert_eq!(again, image::load_from_memory(&one).unwrap().to_rgb8());
    // Seeds beyond what the library takes are no surprise either.
    let huge = ImageTask { seed: Some(u64::MAX), ..cat() };
    assert_eq!(tiny.picture(huge.clone()), tiny.picture(huge));
}

#[test]
fn the_negative_prompt_counts_with_guidance_only() {
    let mut tiny = Tiny::start();
    let ugly = || Some("ugly, blurry, a dog".to_owned());
    let plain = tiny.picture(cat());
    assert_eq!(tiny.picture(ImageTask { negative_prompt: ugly(), ..cat() }), plain);
    let guided = ImageTask { cfg_scale: Some(4.0), ..cat() };
    let base = tiny.picture(guided.clone());
    assert!(difference(&tiny.picture(ImageTask { negative_prompt: ugly(), ..guided }), &base) > VISIBLE);
}

#[test]
fn samplers_schedules_and_shift_change_the_picture() {
    let mut tiny = Tiny::start();
    let base = ImageTask { steps: 4, sampling_method: Some("euler".to_owned()), ..cat() };
    let sampler = |name: &str| ImageTask { sampling_method: Some(name.to_owned()), ..base.clone() };
    let scheduler = |name: &str| ImageTask { scheduler: Some(name.to_owned()), ..base.clone() };
    let different = [
        base.clone(),
        sampler("euler_a"),
        ImageTask { eta: Some(0.3), ..sampler("euler_a") },
        sampler("heun"),
        sampler("DPM++ 2M"),
        sampler("lcm"),
        scheduler("karras"),
        scheduler("sgm_uniform"),
        ImageTask { flow_shift: Some(1.0), ..base.clone() },
    ];
    let pictures: HashSet<Vec<u8>> =
        different.iter().map(|task| tiny.picture(task.clone()).into_raw()).collect();
    assert_eq!(pictures.len(), different.len());
    // What the model does by itself, said aloud, and other spellings of one name.
    let usual = tiny.picture(ImageTask { sampling_method: None, ..base.clone() });
    for same in [scheduler("discrete"), ImageTask { flow_shift: Some(3.0), ..base.clone() }, sampler("Euler")]
    {
        assert_eq!(tiny.picture(same), usual);
    }
    assert_eq!(tiny.picture(sampler("Euler a")), tiny.picture(sampler("euler_ancestral")));
}

#[test]
fn a_lora_counts_by_its_weight() {
    let mut tiny = Tiny::start();
    let with =
        |name: &str, weight| ImageTask { loras: vec![LoraUse { name: name.to_owned(), weight }], ..cat() };
    let none = tiny.picture(cat());
    assert_eq!(tiny.picture(with("tiny_style", 0.0)), none);
    let whole = tiny.picture(with("tiny_style", 1.0));
    let half = tiny.picture(with("tiny_style.safetensors", 0.5));
    assert!(difference(&whole, &none) > VISIBLE && difference(&half, &none) > VISIBLE);
    assert!(difference(&whole, &half) > VISIBLE);
    assert_eq!(tiny.picture(cat()), none, "nothing of it is left");
}

#[test]
fn a_models_defaults_count_where_a_job_says_nothing() {
    let mut usual = Tiny::start();
    let mut other = Tiny::start_with(json!({
        "samplingMethod": "heun", "flowShift": 1.5, "rng": "cuda", "scheduler": "simple", "weightType": "q8_0",
        "offloadToCpu": true, "mmap": true, "flashAttention": true, "vaeTiling": false,
    }));
    let task = ImageTask { steps: 3, ..cat() };
    assert!(difference(&other.picture(task.clone()), &usual.picture(task.clone())) > VISIBLE);
    let made = other.run(Task::Image(task), false).unwrap();
    let told = engine_sdcpp::read_parameters(&made.file).unwrap();
    assert_eq!((told.sampler.as_str(), told.scheduler.as_str()), ("heun", "simple"));
    assert_eq!(told.flow_shift, Some(1.5));
    // What a job says wins.
    let mut same = Tiny::start_with(json!({"samplingMethod": "heun", "flowShift": 1.5}));
    let said = ImageTask { sampling_method: Some("euler".to_owned()), flow_shift: Some(3.0), ..cat() };
    assert_eq!(same.picture(said), usual.picture(cat()));
}

#[test]
fn weights_kept_on_the_host_or_mapped_give_the_same_picture() {
    let base = Tiny::start().picture(cat());
    for more in [json!({"offloadToCpu": true}), json!({"mmap": true}), json!({"threads": 2})] {
        let picture = Tiny::start_with(more.clone()).picture(cat());
        assert!(largest_difference(&picture, &base) <= 1, "{more}");
    }
}

#[test]
fn a_wrong_default_is_a_load_failure_that_names_it() {
    let mut peer = crate::peer::Peer::start();
    for (key, value) in [("rng", json!("dice")), ("mmap", json!(1)), ("samplingMethod", json!("quantum"))] {
        let events = peer.load(crate::tiny::tiny_load(json!({ key: value })));
        let Some(Event::Failed(failed)) = events.last() else { panic!("{key}: {events:?}") };
        assert!(failed.message.contains(key) && failed.model.is_some(), "{}", failed.message);
    }
}
