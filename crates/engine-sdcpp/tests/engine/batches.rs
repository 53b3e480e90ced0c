//! Several pictures in one, and pictures decoded in tiles.

use image::imageops::crop_imm;
use serde_json::json;
use studio_protocol::ImageTask;

use crate::tiny::{Tiny, cat, difference};

#[test]
fn a_batch_is_a_grid_of_successive_seeds() {
    let mut tiny = Tiny::start();
    let grid = tiny.picture(ImageTask { batch_count: Some(3), ..cat() });
    assert_eq!(grid.dimensions(), (128, 128));
    for (place, seed) in [((0, 0), 42), ((64, 0), 43), ((0, 64), 44)] {
        let tile = crop_imm(&grid, place.0, place.1, 64, 64).to_image();
        assert_eq!(tile, tiny.picture(ImageTask { seed: Some(seed), ..cat() }), "seed {seed}");
    }
    let left_over = crop_imm(&grid, 64, 64, 64, 64).to_image();
    assert!(left_over.as_raw().iter().all(|value| *value == 0));
}

#[test]
fn tiles_change_little() {
    // Tiles are 256 pixels wide: a smaller picture is one.
    let task = ImageTask { width: 320, steps: 1, ..cat() };
    let mut tiny = Tiny::start();
    let whole = tiny.picture(task.clone());
    let tiled = tiny.picture(ImageTask { vae_tiling: Some(true), ..task.clone() });
    let other = tiny.picture(ImageTask { seed: Some(1), ..task.clone() });
    let (near, far) = (difference(&whole, &tiled), difference(&whole, &other));
    assert!(near > 0.01 && near * 8.0 < far, "tiles {near}, another seed {far}");
    let mut by_default = Tiny::start_with(json!({"vaeTiling": true}));
    assert_eq!(by_default.picture(task), tiled);
}
