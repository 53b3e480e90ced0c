//! `/v1/images`: generations, edits and variations become image tasks, one for each picture.
//!
//! A task states what the request states, so that the model's own defaults fill in the rest. The seed is always
//! stated: pictures of one request differ by it, and the answer tells it.

mod answer;
pub mod mask;

use serde_json::{Map, Value};

use super::asked::{self, shown};
use super::form::Form;
use crate::{Failure, Fields};
pub use answer::{Made, Piece};

/// Pictures of one request: what OpenAI makes.
pub const MAX_PICTURES: u64 = 10;
/// Pixels of one request's pictures together: ten of 2048x2048.
const MAX_PIXELS: u64 = 42 * 1024 * 1024;
/// The longest side; the tasks' own limit.
const MAX_SIDE: u32 = 8_192;
/// Denoising steps; the tasks' own limit.
const MAX_STEPS: u64 = 1_000;
/// Beyond it no model follows.
const MAX_GUIDANCE: f64 = 100.0;
/// Pictures that an edit may come with: the tasks' own limit, less one for the mask.
const MAX_SOURCES: usize = 15;
/// Previews of one picture: what OpenAI shows.
const MAX_PARTIAL_IMAGES: u64 = 3;
/// How much of a picture a variation may change: enough to differ, little enough to be recognised.
const VARIATION_STRENGTH: f64 = 0.6;

/// Fields of numbers in a form.
const NUMBERS: &[&str] =
    &["n", "partial_images", "output_compression", "seed", "steps", "cfg_scale", "guidance", "strength"];
/// Fields of yes or no in a form.
const YES_NO: &[&str] = &["stream"];
/// Fields that are looked at, or ask for nothing.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "n",
    "size",
    "output_format",
    "response_format",
    "stream",
    "partial_images",
    "negative_prompt",
    "seed",
    "steps",
    "cfg_scale",
    "guidance",
    "sampling_method",
    "scheduler",
    "strength",
    "image_role",
    "user",
];
/// Values of other fields that ask for nothing.
const WITHOUT_EFFECT: &[(&str, &str)] =
    &[("quality", "auto"), ("background", "auto"), ("background", "opaque"), ("moderation", "auto")];

/// Which of the three addresses was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From words.
    Generation,
    /// From pictures and words.
    Edit,
    /// From a picture.
    Variation,
}

/// How pictures come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseFormat {
    /// By an address that opens them for a while.
    Url,
    /// In the answer.
    Base64,
}

/// A request that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagesRequest {
    /// The registry's name.
    pub model: String,
    /// One for each picture.
    pub tasks: Vec<Value>,
    /// How pictures come back.
    pub response_format: ResponseFormat,
    /// Whether events are sent while they are made.
    pub stream: bool,
    /// Previews of each picture that are sent at most.
    pub partial_images: u32,
    /// What was asked for and is not looked at.
    pub ignored: Vec<String>,
    /// Whether the request says how pictures come back.
    states_format: bool,
    origin: Origin,
    output_format: &'static str,
    size: Option<(u32, u32)>,
}

/// What a picture may start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is repainted.
    Start,
    /// Its subject is taken.
    Reference,
}

impl ImagesRequest {
    /// Reads a body of `generations`; `seed` is used where none is stated.
    pub fn generation(request: &Value, seed: u32) -> Result<Self, Failure> {
        let fields = Fields::of(request, "")?;
        let mut task = Map::new();
        task.insert("prompt".to_owned(), fields.needed_text("prompt")?.into());
        Self::read(request, task, Origin::Generation, seed)
    }

    /// Reads a form of `edits`.
    ///
    /// One picture is repainted, several are references, unless `image_role` says otherwise.
    pub fn edit(mut form: Form, seed: u32) -> Result<Self, Failure> {
        let images = form.take_files("image");
        let mask = form.take_file("mask")?;
        let request = form.json(NUMBERS, YES_NO, &[])?;
        let fields = Fields::of(&request, "")?;
        let mut task = Map::new();
        task.insert("prompt".to_owned(), fields.needed_text("prompt")?.into());
        let roles = [("start", Role::Start), ("reference", Role::Reference)];
        let role = asked::word(&fields, "image_role", &roles)?;
        let role = role.unwrap_or(if images.len() > 1 { Role::Reference } else { Role::Start });
        put_sources(&mut task, images, mask, role)?;
        if let Some(strength) = fields.number("strength", 0.0, 1.0)? {
            task.insert("denoise".to_owned(), strength.into());
        }
        Self::read(&request, task, Origin::Edit, seed)
    }

    /// Reads a form of `variations`.
    pub fn variation(mut form: Form, seed: u32) -> Result<Self, Failure> {
        let images = form.take_files("image");
        if images.len() > 1 {
            return Err(Failure::invalid("image", "one picture is varied at a time"));
        }
        let request = form.json(NUMBERS, YES_NO, &[])?;
        let fields = Fields::of(&request, "")?;
        let mut task = Map::new();
        // Some models need words even here.
        task.insert("prompt".to_owned(), fields.text("prompt")?.unwrap_or_default().into());
        put_sources(&mut task, images, None, Role::Start)?;
        let strength = fields.number("strength", 0.0, 1.0)?.unwrap_or(VARIATION_STRENGTH);
        task.insert("denoise".to_owned(), strength.into());
        Self::read(&request, task, Origin::Variation, seed)
    }

    /// The same where no address opens pictures: they come inside of the answer.
    pub fn inline(self) -> Result<Self, Failure> {
        if self.states_format && self.response_format == ResponseFormat::Url {
            let why = "no address opens pictures here: use `b64_json`, or leave it out";
            return Err(Failure::invalid("response_format", why));
        }
        Ok(Self { response_format: ResponseFormat::Base64, ..self })
    }

    fn read(
        request: &Value,
        mut task: Map<String, Value>,
        origin: Origin,
        seed: u32,
    ) -> Result<Self, Failure> {
        let fields = Fields::of(request, "")?;
        let model = asked::model(&fields)?;
        let count = fields.whole("n", 1, MAX_PICTURES)?.unwrap_or(1);
        let size = size(&fields)?;
        let output_format =
            asked::word(&fields, "output_format", &[("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])?;
        let stream = fields.flag("stream")?.unwrap_or(false);
        let partial_images = fields.whole("partial_images", 0, MAX_PARTIAL_IMAGES)?;
        // Clients of the newer models never say `response_format` and await the bytes.
        let is_new = stream || output_format.is_some();
        let formats = [("url", ResponseFormat::Url), ("b64_json", ResponseFormat::Base64)];
        let asked = asked::word(&fields, "response_format", &formats)?;
        if stream && asked == Some(ResponseFormat::Url) {
            let why = "streamed pictures come as `b64_json`: leave `response_format` or `stream` out";
            return Err(Failure::invalid("response_format", why));
        }
        let usual = if is_new { ResponseFormat::Base64 } else { ResponseFormat::Url };
        let ignored = without_effect(request)?;
        options(&fields, &mut task)?;
        if let Some((width, height)) = size {
            check_pixels(count, width, height)?;
            task.insert("width".to_owned(), width.into());
            task.insert("height".to_owned(), height.into());
        }
        let output_format = output_format.unwrap_or("png");
        task.insert("kind".to_owned(), "image".into());
        task.insert("ext".to_owned(), output_format.into());
        let first = fields.whole("seed", 0, u64::MAX - MAX_PICTURES)?.unwrap_or_else(|| seed.into());
        let tasks = (0..count).map(|at| {
            let mut task = task.clone();
            task.insert("seed".to_owned(), (first + at).into());
            Value::Object(task)
        });
        Ok(Self {
            model,
            tasks: tasks.collect(),
            response_format: asked.unwrap_or(usual),
            states_format: asked.is_some(),
            stream,
            partial_images: partial_images.unwrap_or(0) as u32,
            ignored,
            origin,
            output_format,
            size,
        })
    }
}

/// `WIDTHxHEIGHT`; `auto` leaves it to the model.
fn size(fields: &Fields<'_>) -> Result<Option<(u32, u32)>, Failure> {
    let Some(text) = fields.text("size")?.filter(|text| *text != "auto") else { return Ok(None) };
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.map(Some).ok_or_else(|| {
        let why = format!(
            "`{}` is no size: write it like 1024x768, with sides of 1 to {MAX_SIDE} pixels, or `auto`",
            shown(text)
        );
        Failure::invalid("size", why)
    })
}

fn check_pixels(count: u64, width: u32, height: u32) -> Result<(), Failure> {
    let pixels = count * u64::from(width) * u64::from(height);
    if pixels <= MAX_PIXELS {
        return Ok(());
    }
    Err(Failure::invalid(
        "n",
        format!(
            "{count} pictures of {width}x{height} are {pixels} pixels, at most {MAX_PIXELS} are made at once: ask for \
             fewer, or smaller ones"
        ),
    ))
}

/// Fields of ours, with the names that tasks have for them.
fn options(fields: &Fields<'_>, task: &mut Map<String, Value>) -> Result<(), Failure> {
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            task.insert(name.to_owned(), value);
        }
    };
    put("negativePrompt", fields.text("negative_prompt")?.map(Value::from));
    put("steps", fields.whole("steps", 1, MAX_STEPS)?.map(Value::from));
    put("cfgScale", fields.number("cfg_scale", 0.0, MAX_GUIDANCE)?.map(Value::from));
    put("guidance", fields.number("guidance", 0.0, MAX_GUIDANCE)?.map(Value::from));
    put("samplingMethod", asked::name(fields, "sampling_method")?.map(Value::from));
    put("scheduler", asked::name(fields, "scheduler")?.map(Value::from));
    Ok(())
}

/// What is stated and has no effect.
fn without_effect(request: &Value) -> Result<Vec<String>, Failure> {
    let mut ignored = asked::ignored(request, KNOWN);
    ignored.retain(|name| {
        !WITHOUT_EFFECT.contains(&(name.as_str(), request[name].as_str().unwrap_or_default()))
    });
    if request["background"] == "transparent" {
        let why = "no engine here makes transparent pictures: leave it out";
        return Err(Failure::invalid("background", why));
    }
    Ok(ignored)
}

fn put_sources(
    task: &mut Map<String, Value>,
    images: Vec<String>,
    mask: Option<String>,
    role: Role,
) -> Result<(), Failure> {
    match images.len() {
        0 => return Err(Failure::invalid("image", "is missing: send a picture as a file of the form")),
        1..=MAX_SOURCES => {}
        count => {
            return Err(Failure::invalid(
                "image",
                format!("{count} pictures, at most {MAX_SOURCES} are taken"),
            ));
        }
    }
    match role {
        Role::Reference if mask.is_some() => {
            return Err(Failure::invalid("mask", "a mask needs one picture to repaint, not references"));
        }
        // One is what every worker understands.
        Role::Reference => match <[String; 1]>::try_from(images) {
            Ok([image]) => {
                task.insert("refImageUrl".to_owned(), image.into());
            }
            Err(images) => {
                task.insert("refImageUrls".to_owned(), images.into());
            }
        },
        Role::Start => {
            let [image] = <[String; 1]>::try_from(images).map_err(|_| {
                Failure::invalid("image", "one picture is repainted at a time: use `image_role` reference")
            })?;
            task.insert("initImageUrl".to_owned(), image.into());
        }
    }
    if let Some(mask) = mask {
        task.insert("maskUrl".to_owned(), mask.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
