//! Pictures: hills under a low sun, painted from the seed.

mod encode;
mod paint;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use studio_protocol::{ImageTask, TaskKind};

use super::seed::Seed;
use super::unmade_format;
use crate::Failure;
use crate::harness::{Output, Work};

/// What it writes.
pub(super) const FORMATS: &[&str] = &["png", "webp", "jpg", "jpeg", "gif"];
/// The longest side; the studio's own limit, so that no job can ask for all memory.
const MAX_SIDE: u32 = 8_192;

/// The longest side of a preview.
const LOOK_SIDE: u32 = 64;

/// The picture at a small size: a PNG as base64, where its size can be.
pub(super) fn look(task: &ImageTask, seed: &Seed) -> Option<String> {
    let longest = task.width.max(task.height).max(1);
    let small =
        |side: u32| (u64::from(side) * u64::from(LOOK_SIDE.min(longest)) / u64::from(longest)).max(1) as u32;
    let (width, height) = (small(task.width), small(task.height));
    let mut png = Vec::new();
    encode::encode(&mut png, "png", &paint::landscape(width, height, seed), width, height).ok()?;
    Some(STANDARD.encode(png))
}

pub(super) fn make(task: &ImageTask, seed: &Seed, work: &Work<'_>) -> Result<Output, Failure> {
    if !FORMATS.contains(&task.ext.as_str()) {
        return Err(unmade_format(TaskKind::Image, &task.ext));
    }
    for (side, pixels) in [("width", task.width), ("height", task.height)] {
        if !(1..=MAX_SIDE).contains(&pixels) {
            return Err(Failure::bad_input(format!("{side}: {pixels} is not within 1 to {MAX_SIDE}")));
        }
    }
    let path = work.out_path(&task.ext)?;
    let pixels = paint::landscape(task.width, task.height, seed);
    work.check()?;
    encode::write(&path, &task.ext, &pixels, task.width, task.height)
        .map_err(|e| Failure::internal(format!("could not write {}: {e}", path.display())))?;
    Ok(Output::File { ext: task.ext.clone() })
}
