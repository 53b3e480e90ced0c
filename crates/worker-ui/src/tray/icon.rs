//! The tray's icons, drawn here: each state has a shape of its own, in a colour that shows on dark and on light.

use worker_local::WorkerState;

/// Enough for a panel of twice the usual density; desktops make it smaller.
pub const SIDE: u32 = 64;
/// Points in a pixel's row and column that decide how much of it is covered.
const SAMPLES: u32 = 4;

/// RGBA, `SIDE` wide and high.
pub fn draw(state: WorkerState) -> Vec<u8> {
    let [red, green, blue] = color(state);
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let covered = points(x, y).filter(|&(x, y)| is_inside(state, x, y)).count() as u32;
            let alpha = covered * 255 / (SAMPLES * SAMPLES);
            rgba.extend([red, green, blue, alpha as u8]);
        }
    }
    rgba
}

/// Neither too dark for a dark panel nor too light for a light one.
fn color(state: WorkerState) -> [u8; 3] {
    match state {
        WorkerState::Idle => [0x2a, 0x98, 0x56],
        WorkerState::Busy => [0x3b, 0x82, 0xf6],
        WorkerState::Paused => [0xc2, 0x78, 0x0c],
        WorkerState::Disconnected => [0x80, 0x80, 0x86],
    }
}

/// The points of a pixel, from -1 to 1 across the icon.
fn points(x: u32, y: u32) -> impl Iterator<Item = (f32, f32)> {
    let along =
        |pixel: u32, part: u32| ((pixel * SAMPLES + part) as f32 + 0.5) / (SIDE * SAMPLES) as f32 * 2.0 - 1.0;
    (0..SAMPLES * SAMPLES).map(move |part| (along(x, part % SAMPLES), along(y, part / SAMPLES)))
}

fn is_inside(state: WorkerState, x: f32, y: f32) -> bool {
    let radius = x.hypot(y);
    match state {
        // A ring around a dot: ready.
        WorkerState::Idle => (0.62..0.92).contains(&radius) || radius < 0.26,
        // A disc with an arrow cut out: at work.
        WorkerState::Busy => radius < 0.92 && !(x > -0.3 && x < 0.52 - y.abs() * 1.8),
        // Two bars.
        WorkerState::Paused => y.abs() < 0.8 && (0.18..0.64).contains(&x.abs()),
        // A cross.
        WorkerState::Disconnected => radius < 0.92 && (x.abs() - y.abs()).abs() < 0.3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [WorkerState; 4] =
        [WorkerState::Idle, WorkerState::Busy, WorkerState::Paused, WorkerState::Disconnected];

    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = |channel: u8| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
    }

    #[test]
    fn every_colour_shows_on_white_and_on_black() {
        for state in ALL {
            let light = luminance(color(state));
            assert!(1.05 / (light + 0.05) >= 3.0 && (light + 0.05) / 0.05 >= 3.0, "{state:?}: {light}");
        }
    }

    #[test]
    fn shapes_differ_without_their_colours() {
        let shape = |state| draw(state).chunks(4).map(|pixel| pixel[3] > 127).collect::<Vec<_>>();
        for (place, one) in ALL.into_iter().enumerate() {
            for other in ALL.into_iter().skip(place + 1) {
                let differ = shape(one).iter().zip(shape(other)).filter(|(a, b)| **a != *b).count();
                assert!(differ > 800, "{one:?} and {other:?} differ in {differ} pixels");
            }
        }
    }
}
