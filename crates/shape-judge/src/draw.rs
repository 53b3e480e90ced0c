//! What scenes should look like: the shapes as signed distances, and drawings with soft edges.

use std::f32::consts::TAU;

use image::{Rgb, RgbImage};

use crate::{Position, Scene, Shape};

/// Side of a picture in pixels; the starter model makes no other.
pub(crate) const RESOLUTION: u32 = 128;

/// Distance of a shape's centre from the picture's centre at a side, as far as it fits.
const SIDE_OFFSET: f32 = 34.0;
/// No shape reaches further than this from the centre.
const REACH: f32 = 58.0;

/// How far a drawing strays from the ideal, as drawings in training do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stray {
    /// Pixels to the right.
    pub x: f32,
    /// Pixels down.
    pub y: f32,
    /// Factor on the radius.
    pub scale: f32,
}

impl Stray {
    /// Stays where it should.
    pub const NONE: Self = Self { x: 0.0, y: 0.0, scale: 1.0 };
}

impl Scene {
    /// Draws the scene as it should look, 128x128.
    pub fn draw(&self) -> RgbImage {
        self.draw_straying(Stray::NONE)
    }

    /// Draws the scene a little off, as pictures in training are.
    pub fn draw_straying(&self, stray: Stray) -> RgbImage {
        let radius = self.size.radius(self.count) * stray.scale;
        let centres = self.centres(radius, stray);
        RgbImage::from_fn(RESOLUTION, RESOLUTION, |x, y| {
            let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
            let distance = centres
                .iter()
                .map(|&(cx, cy)| self.shape.distance(x - cx, y - cy, radius))
                .fold(f32::INFINITY, f32::min);
            blend(self.background.rgb(), self.colour.rgb(), (0.5 - distance).clamp(0.0, 1.0))
        })
    }

    fn centres(&self, radius: f32, stray: Stray) -> Vec<(f32, f32)> {
        let offset = SIDE_OFFSET.min(REACH - radius);
        let (dx, dy) = match self.position {
            Position::Middle => (0.0, 0.0),
            Position::Left => (-offset, 0.0),
            Position::Right => (offset, 0.0),
            Position::Top => (0.0, -offset),
            Position::Bottom => (0.0, offset),
        };
        let row: &[f32] = match self.count {
            1 => &[0.0],
            2 => &[-31.0, 31.0],
            _ => &[-42.0, 0.0, 42.0],
        };
        let centre = RESOLUTION as f32 / 2.0;
        row.iter().map(|x| (centre + x + dx + stray.x, centre + dy + stray.y)).collect()
    }
}

impl Shape {
    /// The approximate signed distance in pixels from the edge of a shape around (0, 0), negative inside.
    pub(crate) fn distance(self, x: f32, y: f32, radius: f32) -> f32 {
        match self {
            Self::Circle => x.hypot(y) - radius,
            Self::Square => x.abs().max(y.abs()) - radius * 0.9,
            Self::Diamond => (x.abs() * 1.25 + y.abs() - radius * 1.15) / 1.6,
            Self::Triangle => ((x.abs() * 1.8 - (y + radius)) / 2.06).max(y - radius * 0.85),
            Self::Star => star_distance(x, y - 0.08 * radius, radius),
        }
    }
}

/// Folds the five-pointed star into half of one ray and measures to the one edge that is left.
fn star_distance(x: f32, y: f32, radius: f32) -> f32 {
    let ray = TAU / 5.0;
    let angle = ((x.atan2(-y) + ray / 2.0).rem_euclid(ray) - ray / 2.0).abs();
    let length = x.hypot(y);
    let (along, across) = (length * angle.cos(), length * angle.sin());
    let (tip, notch) = (1.12 * radius, 0.48 * radius);
    let (notch_along, notch_across) = (notch * (ray / 2.0).cos(), notch * (ray / 2.0).sin());
    let (normal_along, normal_across) = (notch_across, tip - notch_along);
    ((along - tip) * normal_along + across * normal_across) / normal_along.hypot(normal_across)
}

fn blend(ground: [u8; 3], paint: [u8; 3], share: f32) -> Rgb<u8> {
    let mix = |k: usize| (f32::from(ground[k]) * (1.0 - share) + f32::from(paint[k]) * share).round() as u8;
    Rgb([mix(0), mix(1), mix(2)])
}
