//! The engine with the tiny Z-Image in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_protocol::{Event, Failed, FailureClass, Load};
use image::RgbImage;
use serde_json::{Value, json};
use studio_protocol::{FileRole, ImageTask, Task};
use tempfile::TempDir;
use tiny_models::zimage;

use crate::peer::{Peer, load, run};

/// The folder of the model's files, made once for all runs of these tests.
pub fn model_dir() -> PathBuf {
    zimage::cached(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

pub const FILES: [(FileRole, &str); 4] = [
    (FileRole::DiffusionModel, zimage::TRANSFORMER),
    (FileRole::TextEncoder, zimage::TEXT_ENCODER),
    (FileRole::Vae, zimage::VAE),
    (FileRole::Lora, zimage::LORA),
];

/// One thread: tests run side by side, and ggml's threads wait for each other with all their might.
pub fn tiny_load(mut more: Value) -> Load {
    more["threads"] = json!(1);
    load(&model_dir(), &FILES, more)
}

/// A picture of the tiny model that takes a third of a second.
pub fn cat() -> ImageTask {
    ImageTask {
        prompt: "a cat".to_owned(),
        width: 64,
        height: 64,
        steps: 2,
        seed: Some(42),
        ext: "png".to_owned(),
        ..ImageTask::default()
    }
}

pub struct Tiny {
    pub peer: Peer,
    pub folder: TempDir,
    pub inputs: BTreeMap<String, String>,
    jobs: u32,
}

/// What a job made, and what was said meanwhile.
pub struct Made {
    pub file: Vec<u8>,
    pub events: Vec<Event>,
}

impl Tiny {
    pub fn start() -> Self {
        Self::start_with(json!({}))
    }

    /// With more defaults of the model.
    pub fn start_with(more: Value) -> Self {
        Self::start_load(tiny_load(more))
    }

    /// A Flux, which takes what Z-Image does not.
    pub fn start_flux() -> Self {
        let files = [
            (FileRole::DiffusionModel, zimage::FLUX),
            (FileRole::Other("clip-l".to_owned()), zimage::CLIP),
            (FileRole::Vae, zimage::VAE),
        ];
        Self::start_load(load(&model_dir(), &files, json!({"threads": 1})))
    }

    fn start_load(load: Load) -> Self {
        let mut peer = Peer::start();
        let events = peer.load(load);
        assert!(matches!(events.last(), Some(Event::Loaded(_))), "{events:?}");
        Self { peer, folder: tempfile::tempdir().unwrap(), inputs: BTreeMap::new(), jobs: 0 }
    }

    /// A picture that jobs may name by the address `name`.
    pub fn give(&mut self, name: &str, picture: &RgbImage) {
        let path = self.folder.path().join(format!("{name}.png"));
        picture.save(&path).unwrap();
        self.inputs.insert(name.to_owned(), path.to_str().unwrap().to_owned());
    }

    pub fn run(&mut self, task: Task, preview: bool) -> Result<Made, Failed> {
        self.jobs += 1;
        let job = format!("job-{}", self.jobs);
        self.peer.say(&run(&job, task, self.folder.path(), &self.inputs, preview));
        let mut events = self.peer.until(|event| matches!(event, Event::Done(_) | Event::Failed(_)));
        match events.pop() {
            Some(Event::Done(done)) => {
                let file = std::fs::read(done.file.unwrap()).unwrap();
                Ok(Made { file, events })
            }
            Some(Event::Failed(failed)) => Err(failed),
            _ => panic!("the engine ended: {:?}", self.peer.ends()),
        }
    }

    pub fn picture(&mut self, task: ImageTask) -> RgbImage {
        let made = self.run(Task::Image(task), false).unwrap();
        image::load_from_memory(&made.file).unwrap().to_rgb8()
    }

    /// The message of a task that is refused for good.
    pub fn refused(&mut self, task: Task) -> String {
        let failed = self.run(task, false).err().expect("a refusal");
        assert_eq!((failed.class, failed.retryable), (FailureClass::BadInput, false), "{}", failed.message);
        failed.message
    }
}

/// The mean difference of two pictures of one size, of 255.
pub fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let sum: u64 = one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / one.as_raw().len() as f64
}

/// The largest difference of two pictures of one size.
pub fn largest_difference(one: &RgbImage, other: &RgbImage) -> u8 {
    assert_eq!(one.dimensions(), other.dimensions());
    one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Dark on the left, bright on the right.
pub fn halves(side: u32) -> RgbImage {
    RgbImage::from_fn(side, side, |x, _| image::Rgb([if x < side / 2 { 0 } else { 255 }; 3]))
}

/// The part of a picture from `left` on, `width` wide.
pub fn columns(picture: &RgbImage, left: u32, width: u32) -> RgbImage {
    image::imageops::crop_imm(picture, left, 0, width, picture.height()).to_image()
}

/// The mean of all colours of all pixels.
pub fn brightness(picture: &RgbImage) -> f64 {
    picture.as_raw().iter().map(|value| f64::from(*value)).sum::<f64>() / picture.as_raw().len() as f64
}
