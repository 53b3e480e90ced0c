//! Scores a folder of pictures of the held-out prompts, named by their number, and puts them on a contact sheet.
//!
//! `cargo run -p shape-judge --example score -- FOLDER [second]`; the sheet is `FOLDER/sheet.png`.

use std::error::Error;
use std::path::PathBuf;

use shape_judge::sheet::contact_sheet;
use shape_judge::{PromptSet, Score, held_out, judge};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder of pictures?")?);
    let set = if arguments.next().is_some() { PromptSet::Second } else { PromptSet::Standard };

    let mut score = Score::default();
    let mut pictures = Vec::new();
    for (number, asked) in held_out(set).into_iter().enumerate() {
        let picture = image::open(folder.join(format!("{number:03}.png")))?.into_rgb8();
        let verdict = judge(picture.as_raw(), picture.width(), picture.height());
        let misses = score.add(&asked.scene, &verdict);
        if !misses.is_empty() {
            println!("{number:03} {}: {misses:?} in {verdict:?}", asked.prompt);
        }
        pictures.push((picture, asked.prompt));
    }
    contact_sheet(&pictures).save(folder.join("sheet.png"))?;
    print!("{score}");
    Ok(())
}
