//! All pictures of the batch on one sheet, judged by their pixels.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shape_judge::judge;
use shape_judge::sheet::contact_sheet;

use super::batch::starter_prompts;

/// What is called when it is done.
const NAME: &str = "contact-sheet.png";

/// The sheet and what is on it.
pub struct Sheet {
    /// Where it is.
    pub path: PathBuf,
    /// Pictures that show all that was asked for.
    pub right: usize,
}

/// Puts `files`, in the order of their prompts, on one sheet in `folder`.
pub fn make(files: &[PathBuf], folder: &Path) -> Result<Sheet> {
    let mut right = 0;
    let mut pictures = Vec::new();
    for (file, asked) in files.iter().zip(starter_prompts()) {
        let picture =
            image::open(file).with_context(|| format!("{} is no picture", file.display()))?.to_rgb8();
        right += usize::from(judge(picture.as_raw(), picture.width(), picture.height()).shows(&asked.scene));
        pictures.push((picture, asked.prompt));
    }
    let path = folder.join(NAME);
    contact_sheet(&pictures).save(&path).with_context(|| format!("could not write {}", path.display()))?;
    Ok(Sheet { path, right })
}
