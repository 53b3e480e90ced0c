//! Pictures: hills under a low sun, painted from the seed.

mod encode;
mod paint;

use studio_protocol::{ImageTask, TaskKind};

use super::seed::Seed;
use super::unmade_format;
use crate::Failure;
use crate::harness::{Output, Work};

/// What it writes.
pub(super) const FORMATS: &[&str] = &["png", "webp", "jpg", "jpeg", "gif"];
/// The longest side; the studio's own limit, so that no job can ask for all memory.
const MAX_SIDE: u32 = 8_192;

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
