//! A recording in pieces that a model hears at once.
//!
//! With a detector of speech the pieces are what it finds; without one the recording is cut at its quietest places.

use std::collections::VecDeque;

use crate::native::{RATE, VAD_WINDOW, Vad};

/// Seconds. Whisper hears 30 at most, and needs some of them for its own end.
pub(super) const LONGEST: f32 = 28.0;
/// Seconds from which on a piece may be cut: a model hears better with more around a word.
const SHORTEST_CUT: f32 = 12.0;
/// Samples of one measure of loudness, 20 ms, and measures of the pause that is looked for, half a second: between
/// words rather than in one.
const MEASURE: usize = 320;
const PAUSE: usize = 25;
/// Loudness (root mean square) below which a piece counts as silence, -60 dB.
const SILENCE: f32 = 0.001;

/// A piece with its place in the recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// Of the first sample, at [`RATE`].
    pub(super) at: usize,
    pub(super) samples: Vec<f32>,
}

impl Piece {
    /// Seconds.
    pub(super) fn start(&self) -> f64 {
        self.at as f64 / f64::from(RATE)
    }

    /// Seconds.
    pub(super) fn end(&self) -> f64 {
        (self.at + self.samples.len()) as f64 / f64::from(RATE)
    }
}

/// Takes samples, gives pieces.
pub(super) struct Pieces<'a> {
    vad: Option<&'a mut Vad>,
    skip_silence: bool,
    /// Not yet in a piece.
    buffer: Vec<f32>,
    /// Of the buffer's first sample.
    at: usize,
    ready: VecDeque<Piece>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(mut vad: Option<&'a mut Vad>, skip_silence: bool) -> Self {
        if let Some(vad) = &mut vad {
            vad.reset();
        }
        Self { vad, skip_silence, buffer: Vec::new(), at: 0, ready: VecDeque::new() }
    }

    pub(super) fn feed(&mut self, samples: &[f32]) {
        self.buffer.extend_from_slice(samples);
        let step = if self.vad.is_some() { VAD_WINDOW } else { length(LONGEST) };
        while self.buffer.len() >= step {
            if let Some(vad) = &mut self.vad {
                vad.feed(&self.buffer[..step]);
                self.buffer.drain(..step);
                self.at += step;
                self.take();
            } else {
                let cut = quietest(&self.buffer[..step]);
                self.cut(cut);
            }
        }
    }

    /// What is left becomes the last piece.
    pub(super) fn finish(&mut self) {
        if let Some(vad) = &mut self.vad {
            if !self.buffer.is_empty() {
                self.buffer.resize(VAD_WINDOW, 0.0);
                vad.feed(&self.buffer);
            }
            vad.finish();
            self.take();
        } else if !self.buffer.is_empty() {
            self.cut(self.buffer.len());
        }
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        self.ready.pop_front()
    }

    /// What the detector found; it may let speech without a pause go on for longer than it was told.
    fn take(&mut self) {
        while let Some((mut at, mut samples)) = self.vad.as_mut().and_then(|vad| vad.next()) {
            while samples.len() > length(LONGEST) {
                let rest = samples.split_off(quietest(&samples[..length(LONGEST)]));
                let piece = Piece { at, samples };
                at += piece.samples.len();
                samples = rest;
                self.ready.push_back(piece);
            }
            self.ready.push_back(Piece { at, samples });
        }
    }

    fn cut(&mut self, length: usize) {
        let samples: Vec<f32> = self.buffer.drain(..length).collect();
        let at = self.at;
        self.at += length;
        if !(self.skip_silence && loudness(&samples) < SILENCE) {
            self.ready.push_back(Piece { at, samples });
        }
    }
}

/// The middle of the quietest pause of the part in which a cut may lie; the latest of equals.
fn quietest(samples: &[f32]) -> usize {
    let first = length(SHORTEST_CUT) / MEASURE;
    let measures: Vec<f32> =
        samples.chunks_exact(MEASURE).map(|measure| measure.iter().map(|x| x * x).sum()).collect();
    let pauses = measures.windows(PAUSE).enumerate().skip(first);
    let quietest = pauses
        .map(|(at, pause)| (at, pause.iter().sum::<f32>()))
        .reduce(|best, next| if next.1 <= best.1 { next } else { best });
    quietest.map_or(samples.len(), |(at, _)| (at + PAUSE / 2) * MEASURE)
}

fn loudness(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

fn length(seconds: f32) -> usize {
    (seconds * RATE as f32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(recording: &[f32], skip_silence: bool) -> Vec<Piece> {
        let mut pieces = Pieces::new(None, skip_silence);
        for block in recording.chunks(1_152) {
            pieces.feed(block);
        }
        pieces.finish();
        std::iter::from_fn(|| pieces.next()).collect()
    }

    /// A minute and a half of noise with half a second of quiet every nine seconds.
    fn speech() -> Vec<f32> {
        let second = RATE as usize;
        let loud = |at: usize| if at % (9 * second) < second / 2 { 0.0 } else { 0.2 };
        (0..90 * second).map(|at| if at % 2 == 0 { loud(at) } else { -loud(at) }).collect()
    }

    #[test]
    fn nothing_is_lost_and_cuts_lie_in_pauses() {
        let recording = speech();
        let pieces = pieces(&recording, false);
        assert!(pieces.len() >= 4, "{}", pieces.len());
        assert!(pieces.iter().all(|piece| piece.samples.len() <= length(LONGEST)));
        let together: Vec<f32> = pieces.iter().flat_map(|piece| piece.samples.iter().copied()).collect();
        assert!(together == recording);
        let mut at = 0;
        for piece in &pieces {
            assert_eq!(piece.at, at);
            at += piece.samples.len();
            assert!(piece.at == 0 || recording[piece.at].abs() < 1e-6, "cut in a sound at {}", piece.start());
        }
    }

    #[test]
    fn silence_is_skipped_when_asked() {
        let silent = vec![0.0; 70 * RATE as usize];
        assert_eq!(pieces(&silent, true), []);
        assert_eq!(pieces(&silent, false).len(), 3);
    }
}
