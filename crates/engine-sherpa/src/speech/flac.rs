//! FLAC of 16 bits.

use std::path::Path;

use engine_protocol::Failure;
use engine_protocol::harness::Work;
use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::error::{SourceError, Verify};
use flacenc::source::{Fill, Source};

use super::{sixteen_bits, unwritten};

const BITS: usize = 16;

pub(super) fn write(path: &Path, sound: &[f32], rate: u32, work: &Work<'_>) -> Result<(), Failure> {
    let config = flacenc::config::Encoder::default()
        .into_verified()
        .map_err(|(_, problem)| unwritten(path, format!("{problem:?}")))?;
    let source = Sound { left: sound, rate, work, block: Vec::new() };
    let stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size);
    work.check()?;
    let mut bytes = ByteSink::new();
    stream
        .map_err(|problem| unwritten(path, format!("{problem:?}")))?
        .write(&mut bytes)
        .map_err(|problem| unwritten(path, format!("{problem:?}")))?;
    std::fs::write(path, bytes.as_slice()).map_err(|problem| unwritten(path, problem))
}

/// Hands the sound over block by block, until the job is cancelled.
struct Sound<'a> {
    left: &'a [f32],
    rate: u32,
    work: &'a Work<'a>,
    block: Vec<i32>,
}

impl Source for Sound<'_> {
    fn channels(&self) -> usize {
        1
    }

    fn bits_per_sample(&self) -> usize {
        BITS
    }

    fn sample_rate(&self) -> usize {
        self.rate as usize
    }

    fn read_samples<F: Fill>(&mut self, block_size: usize, dest: &mut F) -> Result<usize, SourceError> {
        if self.work.is_cancelled() {
            self.left = &[];
        }
        let (block, left) = self.left.split_at(block_size.min(self.left.len()));
        self.left = left;
        self.block.clear();
        self.block.extend(block.iter().map(|sample| i32::from(sixteen_bits(*sample))));
        dest.fill_interleaved(&self.block)?;
        Ok(block.len())
    }
}
