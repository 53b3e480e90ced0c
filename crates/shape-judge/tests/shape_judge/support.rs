//! Scenes to draw.

use image::RgbImage;
use shape_judge::{Colour, Position, Scene, Shape, Size, Verdict, judge};

/// A red circle in the middle of white.
pub fn scene() -> Scene {
    Scene {
        background: Colour::White,
        colour: Colour::Red,
        shape: Shape::Circle,
        count: 1,
        size: Size::Medium,
        position: Position::Middle,
    }
}

/// Every shape in every number, size and place, in colours that change from one to the next.
pub fn every_layout() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for &shape in Shape::ALL {
        for count in 1..=3 {
            for &size in Size::ALL {
                for &position in Position::ALL {
                    if count > 1 && matches!(position, Position::Left | Position::Right) {
                        continue; // A row of shapes is as wide as the picture.
                    }
                    let background = Colour::ALL[scenes.len() % Colour::ALL.len()];
                    let colour = Colour::ALL[(scenes.len() * 3 + 1) % Colour::ALL.len()];
                    let colour =
                        if colour == background { Colour::ALL[scenes.len() % 7 + 1] } else { colour };
                    scenes.push(Scene { background, colour, shape, count, size, position });
                }
            }
        }
    }
    scenes
}

/// Judges a whole picture.
pub fn read(picture: &RgbImage) -> Verdict {
    judge(picture.as_raw(), picture.width(), picture.height())
}
