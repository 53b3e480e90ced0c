//! WAV of 16 bits.

use std::path::Path;

use engine_protocol::Failure;
use hound::{SampleFormat, WavSpec, WavWriter};

use super::{sixteen_bits, unwritten};

pub(super) fn write(path: &Path, sound: &[f32], rate: u32) -> Result<(), Failure> {
    let spec =
        WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let whole = || {
        let mut wav = WavWriter::create(path, spec)?;
        for sample in sound {
            wav.write_sample(sixteen_bits(*sample))?;
        }
        wav.finalize()
    };
    whole().map_err(|problem: hound::Error| unwritten(path, problem))
}
