//! Reads a picture: which colours, how many shapes, which, how large and where.
//!
//! The background is the usual colour of the border, the shapes are what is nearer to the most frequent other colour.
//! Each connected shape is compared, scaled to its bounding box, with the ideal ones.

mod mask;

use std::sync::LazyLock;

use self::mask::{Mask, Outline};
use crate::draw::RESOLUTION;
use crate::{Colour, Position, Shape, Size};

/// The decoder of the starter model spoils the outermost pixels: nothing this near to the edge counts as shape.
const MARGIN: usize = 2;
/// The border that tells the background: its first pixel and the one after its last.
const BORDER: (usize, usize) = (1, 5);
/// With fewer pixels of one other colour there is no shape: the smallest drawn one has over a hundred.
const FEWEST_PIXELS: usize = 40;
/// A part smaller than this share of the largest is a crumb, not a shape.
const SMALLEST_SHARE: f64 = 0.3;
/// Distance of the row from the centre at a side, as shapes are drawn; a single large one has less room.
const SIDE: f32 = 34.0;
const SIDE_OF_LARGE: f32 = 20.0;

/// What a picture shows, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The colour of the border.
    pub background: Colour,
    /// The colour of the shapes; nothing else is known without one.
    pub colour: Option<Colour>,
    /// The kind that the shapes are most like.
    pub shape: Option<Shape>,
    /// How many shapes there are.
    pub count: usize,
    /// The size that their height is nearest to.
    pub size: Option<Size>,
    /// The place that they are nearest to.
    pub position: Option<Position>,
    /// How much of the shapes and the ideal ones is common to both, 0 to 1.
    pub likeness: f32,
}

/// Reads a picture of `width` by `height` pixels, three bytes each, row by row.
///
/// # Panics
/// When `rgb` is not that long, or a side is too short to have a border.
pub fn judge(rgb: &[u8], width: u32, height: u32) -> Verdict {
    let picture = Picture::new(rgb, width as usize, height as usize);
    let background = picture.background();
    let nothing = Verdict {
        background,
        colour: None,
        shape: None,
        count: 0,
        size: None,
        position: None,
        likeness: 0.0,
    };
    let Some(colour) = picture.foreground(background) else { return nothing };
    let mask = picture.shapes(background, colour);
    let outlines = outlines(&mask);
    let Some((shape, likeness)) = kind(&outlines) else { return Verdict { colour: Some(colour), ..nothing } };
    let count = outlines.len();
    let size = picture.size(&outlines, shape);
    let position = picture.position(&outlines, size);
    let (size, position) = (Some(size), Some(position));
    Verdict { background, colour: Some(colour), shape: Some(shape), count, size, position, likeness }
}

/// A picture with the nearest named colour of every pixel.
struct Picture<'a> {
    rgb: &'a [u8],
    colours: Vec<Colour>,
    width: usize,
    height: usize,
}

impl<'a> Picture<'a> {
    fn new(rgb: &'a [u8], width: usize, height: usize) -> Self {
        assert_eq!(
            rgb.len(),
            width * height * 3,
            "a picture of {width}x{height} has three bytes for each pixel"
        );
        assert!(width.min(height) > 2 * BORDER.1, "a picture of {width}x{height} has no border");
        let colours = rgb.chunks_exact(3).map(nearest_colour).collect();
        Self { rgb, colours, width, height }
    }

    fn background(&self) -> Colour {
        let in_band = |at: usize, side: usize| {
            (BORDER.0..BORDER.1).contains(&at) || (side - BORDER.1..side - BORDER.0).contains(&at)
        };
        let votes = self.votes(|x, y| {
            let inside = (1..self.width - 1).contains(&x) && (1..self.height - 1).contains(&y);
            inside && (in_band(x, self.width) || in_band(y, self.height))
        });
        most(&votes).0
    }

    fn foreground(&self, background: Colour) -> Option<Colour> {
        let mut votes = self.votes(|x, y| self.counts(x, y));
        votes[background as usize] = 0;
        let (colour, pixels) = most(&votes);
        (pixels >= FEWEST_PIXELS).then_some(colour)
    }

    /// Marks the pixels that are nearer to the shapes' colour, on the line between the two colours.
    fn shapes(&self, background: Colour, colour: Colour) -> Mask {
        let (ground, paint) = (background.rgb().map(f32::from), colour.rgb().map(f32::from));
        let line: [f32; 3] = std::array::from_fn(|k| paint[k] - ground[k]);
        let length: f32 = line.iter().map(|part| part * part).sum();
        Mask::from_fn(self.width, self.height, |x, y| {
            let pixel = &self.rgb[(y * self.width + x) * 3..][..3];
            let along: f32 = (0..3).map(|k| (f32::from(pixel[k]) - ground[k]) * line[k]).sum();
            self.counts(x, y) && along / length > 0.5
        })
    }

    fn size(&self, outlines: &[Outline], shape: Shape) -> Size {
        let total: usize = outlines.iter().map(Outline::height).sum();
        let height = total as f32 / outlines.len() as f32 * RESOLUTION as f32 / self.height as f32;
        let count = outlines.len().min(3);
        let distance = |size: Size| (height / ideal_height(shape, size.radius(count))).ln().abs();
        nearest(Size::ALL, distance)
    }

    /// Goes by the middle of the box around all shapes: the centre of mass of a triangle is well below it.
    fn position(&self, outlines: &[Outline], size: Size) -> Position {
        let count = outlines.len();
        let (x, y) = Outline::middle(outlines);
        let x = (x / self.width as f32 - 0.5) * RESOLUTION as f32;
        let y = (y / self.height as f32 - 0.5) * RESOLUTION as f32;
        let reach = if size == Size::Large && count == 1 { SIDE_OF_LARGE } else { SIDE };
        nearest(Position::ALL, |position| {
            let (at_x, at_y) = match position {
                Position::Middle => (0.0, 0.0),
                Position::Top => (0.0, -reach),
                Position::Bottom => (0.0, reach),
                // Only a single shape fits beside the middle.
                Position::Left | Position::Right if count > 1 => return f32::INFINITY,
                Position::Left => (-reach, 0.0),
                Position::Right => (reach, 0.0),
            };
            (x - at_x).hypot(y - at_y)
        })
    }

    fn counts(&self, x: usize, y: usize) -> bool {
        (MARGIN..self.width - MARGIN).contains(&x) && (MARGIN..self.height - MARGIN).contains(&y)
    }

    fn votes(&self, has_vote: impl Fn(usize, usize) -> bool) -> [usize; Colour::ALL.len()] {
        let mut votes = [0; Colour::ALL.len()];
        for (at, colour) in self.colours.iter().enumerate() {
            if has_vote(at % self.width, at / self.width) {
                votes[*colour as usize] += 1;
            }
        }
        votes
    }
}

/// The connected parts that are large enough to be shapes.
fn outlines(mask: &Mask) -> Vec<Outline> {
    let mut parts = mask.parts();
    let largest = parts.iter().map(Outline::pixels).max().unwrap_or(0);
    parts.retain(|part| part.pixels() as f64 > SMALLEST_SHARE * largest as f64);
    parts
}

/// The shape that all outlines together are most like, with how much.
fn kind(outlines: &[Outline]) -> Option<(Shape, f32)> {
    static IDEALS: LazyLock<Vec<(Shape, Mask)>> =
        LazyLock::new(|| Shape::ALL.iter().map(|&shape| (shape, ideal(shape, 80.0).scaled())).collect());
    let scaled: Vec<Mask> = outlines.iter().map(Outline::scaled).collect();
    let likeness =
        |ideal: &Mask| scaled.iter().map(|mask| mask.likeness(ideal)).sum::<f32>() / scaled.len() as f32;
    IDEALS
        .iter()
        .map(|(shape, ideal)| (*shape, likeness(ideal)))
        .filter(|(_, likeness)| likeness.is_finite())
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn ideal_height(shape: Shape, radius: f32) -> f32 {
    ideal(shape, radius).height() as f32
}

/// The whole shape of this radius.
fn ideal(shape: Shape, radius: f32) -> Outline {
    let middle = (1.5 * radius).ceil();
    let room = 2 * middle as usize;
    let mask = Mask::from_fn(room, room, |x, y| {
        shape.distance(x as f32 + 0.5 - middle, y as f32 + 0.5 - middle, radius) < 0.0
    });
    mask.parts().swap_remove(0)
}

fn nearest_colour(pixel: &[u8]) -> Colour {
    let distance = |colour: Colour| -> u32 {
        colour.rgb().iter().zip(pixel).map(|(&named, &seen)| u32::from(named.abs_diff(seen)).pow(2)).sum()
    };
    nearest(Colour::ALL, distance)
}

fn nearest<T: Copy, D: PartialOrd>(options: &[T], distance: impl Fn(T) -> D) -> T {
    let mut best = (options[0], distance(options[0]));
    for &option in &options[1..] {
        let away = distance(option);
        if away < best.1 {
            best = (option, away);
        }
    }
    best.0
}

fn most(votes: &[usize; Colour::ALL.len()]) -> (Colour, usize) {
    let mut best = (Colour::ALL[0], votes[0]);
    for (&colour, &count) in Colour::ALL.iter().zip(votes) {
        if count > best.1 {
            best = (colour, count);
        }
    }
    best
}
