//! Speech as a small tune: a note for each word.

use std::fs::File;
use std::io::BufWriter;

use hound::{SampleFormat, WavSpec, WavWriter};
use studio_protocol::{AudioTtsTask, TaskKind};

use super::seed::Seed;
use super::unmade_format;
use crate::Failure;
use crate::harness::{Output, Work};

/// What it writes.
pub(super) const FORMATS: &[&str] = &["wav"];

const RATE: u32 = 22_050;
/// Seconds of one word at speed 1.
const WORD_SECONDS: f32 = 0.22;
/// A book is not read to its end.
const MAX_WORDS: usize = 400;
/// A pentatonic scale over A3: no two of these sound bad together.
const SCALE: &[f32] = &[220.0, 246.94, 277.18, 329.63, 369.99, 440.0, 493.88];
/// The speeds that are told apart.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=4.0;

pub(super) fn make(task: &AudioTtsTask, seed: &Seed, work: &Work<'_>) -> Result<Output, Failure> {
    if !FORMATS.contains(&task.ext.as_str()) {
        return Err(unmade_format(TaskKind::AudioTts, &task.ext));
    }
    let path = work.out_path(&task.ext)?;
    let file = File::create(&path)
        .map_err(|e| Failure::internal(format!("could not create {}: {e}", path.display())))?;
    write(task, seed, file)
        .map_err(|e| Failure::internal(format!("could not write {}: {e}", path.display())))?;
    Ok(Output::File { ext: task.ext.clone() })
}

fn write(task: &AudioTtsTask, seed: &Seed, file: File) -> Result<(), hound::Error> {
    let spec =
        WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut wav = WavWriter::new(BufWriter::new(file), spec)?;
    let mut draw = seed.draw(0);
    let pace = task.speed.unwrap_or(1.0).clamp(*SPEEDS.start(), *SPEEDS.end()) as f32;
    let samples = (WORD_SECONDS / pace * RATE as f32) as u32;
    for _ in 0..task.text.split_whitespace().count().clamp(1, MAX_WORDS) {
        let pitch = draw.pick(SCALE) / RATE as f32;
        for at in 0..samples {
            let tone = wave(at as f32 * pitch) + 0.3 * wave(at as f32 * pitch * 2.0);
            wav.write_sample((tone * swell(at as f32 / samples as f32) * 9_000.0) as i16)?;
        }
    }
    wav.finalize()
}

/// Two parabolas for a sine: platforms differ in the last bit of `sin`, and the bytes must not.
fn wave(turns: f32) -> f32 {
    let x = turns.fract() * 2.0 - 1.0;
    4.0 * x * (1.0 - x.abs())
}

/// A short rise and a long fall.
fn swell(part: f32) -> f32 {
    if part < 0.1 {
        part * 10.0
    } else {
        let left = (1.0 - part) / 0.9;
        left * left
    }
}
