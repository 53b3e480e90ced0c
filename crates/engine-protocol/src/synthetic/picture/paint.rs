//! The landscape itself. Only sums and products: platforms differ in the last bit of anything else.

use super::Seed;
use crate::synthetic::seed::Draw;

type Color = [f32; 3];

/// Sky above, sky below, sun, farthest hill, nearest hill.
const PALETTES: &[[u32; 5]] = &[
    [0x002b_4a6f, 0x00f6_b48f, 0x00ff_e3b3, 0x0092_7d9b, 0x0022_2b45],
    [0x0011_1a3a, 0x006a_5a8c, 0x00f4_e9d8, 0x0050_4b78, 0x000d_1026],
    [0x007e_c4d8, 0x00f3_efd9, 0x00ff_f8e0, 0x008f_b8a5, 0x001f_4d45],
    [0x00d9_6c75, 0x00fb_d7a2, 0x00ff_f1c9, 0x00a8_5d7c, 0x003a_2140],
    [0x0046_8fb0, 0x00e7_d8c9, 0x00ff_ecd1, 0x0079_96ad, 0x0023_3a52],
    [0x00f2_a65a, 0x00ff_e8c2, 0x00ff_fbea, 0x00c9_7b5a, 0x0056_2f34],
    [0x0020_3a43, 0x00a3_c9a8, 0x00f6_ffd9, 0x005d_8a76, 0x0014_2a26],
    [0x0069_56a8, 0x00f1_b5c4, 0x00ff_e9ef, 0x0095_6fae, 0x002c_1f4d],
];
/// Hills, far to near.
const HILLS: usize = 4;

/// `width` x `height` RGB pixels.
pub(super) fn landscape(width: u32, height: u32, seed: &Seed) -> Vec<u8> {
    let mut draw = seed.draw(1);
    let [above, below, sun, far, near] = draw.pick(PALETTES).map(color);
    let disc = Disc::drawn(&mut draw, width, height);
    let hills: Vec<Hill> =
        (0..HILLS).map(|layer| Hill::drawn(&mut draw, layer, width, height, far, near)).collect();
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let down = y as f32 / height as f32;
        let sky = mix(above, below, down * 1.4);
        for x in 0..width {
            let ground = hills.iter().rev().find(|hill| y >= hill.ridge[x as usize]);
            let shade = ground
                .map_or_else(|| mix(sky, sun, disc.light(x, y)), |hill| mix(hill.shade, below, hill.mist(y)));
            pixels.extend(shade.map(|part| part as u8));
        }
    }
    pixels
}

struct Disc {
    x: f32,
    y: f32,
    radius: f32,
}

impl Disc {
    fn drawn(draw: &mut Draw, width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        let (x, y) = (width * draw.between(0.2, 0.8), height * draw.between(0.2, 0.5));
        Self { x, y, radius: width.min(height) * draw.between(0.06, 0.12) }
    }

    /// 1 on the disc, falling to 0 at four radii.
    fn light(&self, x: u32, y: u32) -> f32 {
        let (dx, dy) = (x as f32 - self.x, y as f32 - self.y);
        let square = (dx * dx + dy * dy) / (self.radius * self.radius);
        if square <= 1.0 {
            return 1.0;
        }
        let left = (1.0 - square / 16.0).max(0.0);
        0.5 * left * left
    }
}

struct Hill {
    /// The first row of the hill in each column.
    ridge: Vec<u32>,
    shade: Color,
    height: f32,
}

impl Hill {
    fn drawn(draw: &mut Draw, layer: usize, width: u32, height: u32, far: Color, near: Color) -> Self {
        let part = layer as f32 / (HILLS - 1) as f32;
        let base = 0.55 + 0.32 * part;
        let octaves: Vec<Octave> = (0..4).map(|octave| Octave::drawn(draw, octave)).collect();
        let ridge = (0..width).map(|x| {
            let at = x as f32 / width as f32;
            let rise: f32 = octaves.iter().map(|octave| octave.at(at)).sum();
            ((base - 0.16 * rise).clamp(0.0, 1.0) * height as f32) as u32
        });
        Self { ridge: ridge.collect(), shade: mix(far, near, part), height: height as f32 }
    }

    /// Thin mist in the valleys.
    fn mist(&self, y: u32) -> f32 {
        0.25 * (y as f32 / self.height - 0.5).max(0.0)
    }
}

/// Smooth noise of one wavelength.
struct Octave {
    knots: Vec<f32>,
    weight: f32,
}

impl Octave {
    fn drawn(draw: &mut Draw, octave: u32) -> Self {
        let knots = (0..(4_usize << octave)).map(|_| draw.between(-1.0, 1.0)).collect();
        Self { knots, weight: 1.0 / (1 << octave) as f32 }
    }

    fn at(&self, part: f32) -> f32 {
        let place = part * (self.knots.len() - 1) as f32;
        let (index, t) = (place as usize, place.fract());
        let (left, right) = (self.knots[index], self.knots[(index + 1).min(self.knots.len() - 1)]);
        self.weight * (left + (right - left) * t * t * (3.0 - 2.0 * t))
    }
}

fn color(rgb: u32) -> Color {
    [16, 8, 0].map(|shift| ((rgb >> shift) & 0xff) as f32)
}

fn mix(from: Color, to: Color, part: f32) -> Color {
    let part = part.clamp(0.0, 1.0);
    [0, 1, 2].map(|i| from[i] + (to[i] - from[i]) * part)
}
