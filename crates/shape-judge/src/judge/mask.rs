//! Black and white pictures and their connected parts.

use image::imageops::{FilterType, resize};
use image::{GrayImage, Luma};

/// Shapes are compared at this side.
const COMPARED: usize = 48;

/// Which pixels of a picture are set.
#[derive(Debug, Clone)]
pub(super) struct Mask {
    set: Vec<bool>,
    width: usize,
    height: usize,
}

/// One connected part of a mask, within its bounding box.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    mask: Mask,
    pixels: usize,
    left: usize,
    top: usize,
}

impl Mask {
    pub(super) fn from_fn(width: usize, height: usize, set: impl Fn(usize, usize) -> bool) -> Self {
        let set = (0..width * height).map(|at| set(at % width, at / width)).collect();
        Self { set, width, height }
    }

    /// The parts that hang together by the sides of their pixels, from the top.
    pub(super) fn parts(&self) -> Vec<Outline> {
        let mut seen = vec![false; self.set.len()];
        let mut parts = Vec::new();
        for start in 0..self.set.len() {
            if self.set[start] && !seen[start] {
                parts.push(Outline::around(&self.part(start, &mut seen), self.width));
            }
        }
        parts
    }

    /// The share of the pixels set in either that is set in both.
    pub(super) fn likeness(&self, other: &Self) -> f32 {
        let both = self.set.iter().zip(&other.set).filter(|(one, other)| **one && **other).count();
        let either = self.set.iter().zip(&other.set).filter(|(one, other)| **one || **other).count();
        both as f32 / either as f32
    }

    fn part(&self, start: usize, seen: &mut [bool]) -> Vec<usize> {
        let (mut part, mut next) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(at) = next.pop() {
            part.push(at);
            let (x, y) = (at % self.width, at / self.width);
            let neighbours = [
                (x > 0).then(|| at - 1),
                (x + 1 < self.width).then(|| at + 1),
                (y > 0).then(|| at - self.width),
                (y + 1 < self.height).then(|| at + self.width),
            ];
            for neighbour in neighbours.into_iter().flatten() {
                if self.set[neighbour] && !seen[neighbour] {
                    seen[neighbour] = true;
                    next.push(neighbour);
                }
            }
        }
        part
    }
}

impl Outline {
    fn around(part: &[usize], width: usize) -> Self {
        let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
        for at in part {
            let (x, y) = (at % width, at / width);
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
        let (box_width, box_height) = (right + 1 - left, bottom + 1 - top);
        let mut set = vec![false; box_width * box_height];
        for at in part {
            set[(at / width - top) * box_width + at % width - left] = true;
        }
        Self { mask: Mask { set, width: box_width, height: box_height }, pixels: part.len(), left, top }
    }

    pub(super) const fn pixels(&self) -> usize {
        self.pixels
    }

    pub(super) const fn height(&self) -> usize {
        self.mask.height
    }

    /// The middle of the box around all of these parts.
    pub(super) fn middle(parts: &[Self]) -> (f32, f32) {
        let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
        for part in parts {
            (left, right) = (left.min(part.left), right.max(part.left + part.mask.width));
            (top, bottom) = (top.min(part.top), bottom.max(part.top + part.mask.height));
        }
        ((left + right) as f32 / 2.0, (top + bottom) as f32 / 2.0)
    }

    /// The part stretched to the side at which shapes are compared.
    pub(super) fn scaled(&self) -> Mask {
        let Mask { set, width, height } = &self.mask;
        let picture = GrayImage::from_fn(*width as u32, *height as u32, |x, y| {
            Luma([if set[y as usize * width + x as usize] { u8::MAX } else { 0 }])
        });
        let scaled = resize(&picture, COMPARED as u32, COMPARED as u32, FilterType::Triangle);
        let set = scaled.pixels().map(|pixel| pixel.0[0] > u8::MAX / 2).collect();
        Mask { set, width: COMPARED, height: COMPARED }
    }
}
