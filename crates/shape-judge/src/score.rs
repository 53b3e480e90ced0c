//! How many pictures are right, by what was asked.

use std::fmt;

use crate::{Scene, Shape, Verdict};

/// One thing that a picture has right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// The colour behind the shapes.
    Background,
    /// The colour of the shapes.
    Colour,
    /// The kind of the shapes.
    Shape,
    /// How many there are.
    Count,
    /// How large they are.
    Size,
    /// Where they are.
    Position,
}

/// So many of so many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Right ones.
    pub right: usize,
    /// All.
    pub of: usize,
}

/// Counts right pictures.
#[derive(Debug, Default, Clone)]
pub struct Score {
    attributes: [Tally; Attribute::ALL.len()],
    shapes: [Tally; Shape::ALL.len()],
    all: Tally,
}

impl Attribute {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Background, Self::Colour, Self::Shape, Self::Count, Self::Size, Self::Position];

    const fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Colour => "colour",
            Self::Shape => "shape",
            Self::Count => "count",
            Self::Size => "size",
            Self::Position => "position",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Tally {
    /// The share of right ones; nothing at all counts as right.
    pub fn share(self) -> f64 {
        if self.of == 0 { 1.0 } else { self.right as f64 / self.of as f64 }
    }

    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }
}

impl Verdict {
    /// Whether the picture shows just this scene.
    pub fn shows(&self, scene: &Scene) -> bool {
        self.misses(scene).is_empty()
    }

    /// What the picture has wrong.
    pub fn misses(&self, scene: &Scene) -> Vec<Attribute> {
        let right = |attribute: Attribute| match attribute {
            Attribute::Background => self.background == scene.background,
            Attribute::Colour => self.colour == Some(scene.colour),
            Attribute::Shape => self.shape == Some(scene.shape),
            Attribute::Count => self.count == scene.count,
            Attribute::Size => self.size == Some(scene.size),
            Attribute::Position => self.position == Some(scene.position),
        };
        Attribute::ALL.into_iter().filter(|attribute| !right(*attribute)).collect()
    }
}

impl Score {
    /// Counts one picture and returns what it has wrong.
    pub fn add(&mut self, scene: &Scene, verdict: &Verdict) -> Vec<Attribute> {
        let misses = verdict.misses(scene);
        for attribute in Attribute::ALL {
            self.attributes[attribute as usize].add(!misses.contains(&attribute));
        }
        self.shapes[scene.shape as usize].add(misses.is_empty());
        self.all.add(misses.is_empty());
        misses
    }

    /// Pictures with this attribute right.
    pub const fn attribute(&self, attribute: Attribute) -> Tally {
        self.attributes[attribute as usize]
    }

    /// Pictures of this shape with everything right.
    pub const fn shape(&self, shape: Shape) -> Tally {
        self.shapes[shape as usize]
    }

    /// Pictures with everything right.
    pub const fn all(&self) -> Tally {
        self.all
    }
}

/// A table with a line for each attribute, for everything, and for everything by shape.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, tally: Tally| {
            writeln!(f, "{name:<16} {:>4} of {:>4}  {:>5.1} %", tally.right, tally.of, 100.0 * tally.share())
        };
        for attribute in Attribute::ALL {
            line(f, attribute.name(), self.attribute(attribute))?;
        }
        line(f, "everything", self.all)?;
        for &shape in Shape::ALL {
            line(f, &format!("  of {shape}s"), self.shape(shape))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Colour, Position, Size, judge};

    const SCENE: Scene = Scene {
        background: Colour::White,
        colour: Colour::Red,
        shape: Shape::Star,
        count: 1,
        size: Size::Medium,
        position: Position::Middle,
    };

    fn verdict(scene: Scene) -> Verdict {
        judge(&scene.draw(), 128, 128)
    }

    #[test]
    fn one_wrong_attribute_spoils_only_its_own_line_and_everything() {
        let mut score = Score::default();
        assert_eq!(score.add(&SCENE, &verdict(SCENE)), []);
        let misses = score.add(&SCENE, &verdict(Scene { shape: Shape::Circle, ..SCENE }));
        assert_eq!(misses, [Attribute::Shape]);
        assert_eq!(score.attribute(Attribute::Shape), Tally { right: 1, of: 2 });
        assert_eq!(score.attribute(Attribute::Colour), Tally { right: 2, of: 2 });
        assert_eq!(score.shape(Shape::Star), Tally { right: 1, of: 2 });
        assert_eq!(score.shape(Shape::Circle), Tally::default());
        assert_eq!(score.all(), Tally { right: 1, of: 2 });
    }

    #[test]
    fn the_table_has_a_line_for_each_figure() {
        let mut score = Score::default();
        score.add(&SCENE, &verdict(Scene { colour: Colour::Blue, ..SCENE }));
        let table = score.to_string();
        assert_eq!(table.lines().count(), Attribute::ALL.len() + 1 + Shape::ALL.len());
        assert!(table.contains("colour              0 of    1    0.0 %"), "{table}");
        assert!(table.contains("everything          0 of    1    0.0 %"), "{table}");
        assert!(table.contains("background          1 of    1  100.0 %"), "{table}");
    }
}
