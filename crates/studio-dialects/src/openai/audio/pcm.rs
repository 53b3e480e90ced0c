//! The samples of a WAV as OpenAI's `pcm`: 16 bits, one channel, 24 kHz, no header; made while the file is read.

use crate::Failure;
use crate::openai::asked;

/// The rate of `pcm`.
const RATE: u32 = 24_000;
/// What the answer says that it is.
pub const PCM_MIME: &str = "audio/pcm;rate=24000;channels=1";
/// A header that is longer is none of an engine's.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Samples on each side that a new one is made of: enough for speech.
const REACH: usize = 16;
/// Rates that sound has.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Turns a WAV of 16 bits, piece by piece, into samples.
#[derive(Debug)]
pub struct PcmStream(State);

#[derive(Debug)]
enum State {
    /// Bytes before the sound.
    Head(Vec<u8>),
    Sound(Sound),
}

#[derive(Debug)]
struct Sound {
    channels: usize,
    /// Of the sound, still to come; what follows it is no sound.
    left: u64,
    /// The start of a frame whose end has not come.
    rest: Vec<u8>,
    resampler: Option<Resampler>,
}

impl Default for PcmStream {
    fn default() -> Self {
        Self(State::Head(Vec::new()))
    }
}

impl PcmStream {
    /// The samples that follow from the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        match &mut self.0 {
            State::Sound(sound) => Ok(sound.feed(bytes)),
            State::Head(head) => {
                head.extend_from_slice(bytes);
                let Some((mut sound, start)) = header(head)? else { return Ok(Vec::new()) };
                let samples = sound.feed(&head[start..]);
                self.0 = State::Sound(sound);
                Ok(samples)
            }
        }
    }

    /// The samples that were held back for those that might follow.
    pub fn finish(self) -> Result<Vec<u8>, Failure> {
        match self.0 {
            State::Head(_) => Err(unreadable("it has no sound")),
            State::Sound(Sound { resampler: None, .. }) => Ok(Vec::new()),
            State::Sound(Sound { resampler: Some(resampler), .. }) => Ok(bytes_of(&resampler.finish())),
        }
    }
}

/// The sound that a header describes, and where it starts; `None`: more of it must come.
fn header(head: &[u8]) -> Result<Option<(Sound, usize)>, Failure> {
    if head.len() < 12 {
        return Ok(None);
    }
    if !head.starts_with(b"RIFF") || &head[8..12] != b"WAVE" {
        return Err(unreadable("it is no WAV"));
    }
    let mut at = 12;
    let mut format = None;
    while let Some(chunk) = head.get(at..at + 8) {
        let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let start = at + 8;
        if chunk.starts_with(b"data") {
            let (channels, rate) = format.ok_or_else(|| unreadable("its sound has no description"))?;
            let resampler = (rate != RATE).then(|| Resampler::new(rate));
            let sound = Sound { channels, left: length.into(), rest: Vec::new(), resampler };
            return Ok(Some((sound, start)));
        }
        if chunk.starts_with(b"fmt ") {
            let Some(fields) = head.get(start..start + 16) else { break };
            format = Some(described(fields)?);
        }
        // Chunks begin at even places.
        at = start.saturating_add(length as usize).saturating_add(length as usize % 2);
    }
    if head.len() > MAX_HEADER_BYTES {
        return Err(unreadable("its header has no end"));
    }
    Ok(None)
}

/// Channels and rate.
fn described(fields: &[u8]) -> Result<(usize, u32), Failure> {
    let two = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
    let (channels, bits) = (usize::from(two(2)), two(14));
    let rate = u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]);
    if bits != 16 || channels == 0 || !RATES.contains(&rate) {
        return Err(unreadable(&format!("{bits} bits, {channels} channels at {rate} Hz")));
    }
    Ok((channels, rate))
}

fn unreadable(why: &str) -> Failure {
    asked::unreadable("the engine's WAV", why)
}

impl Sound {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let take = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= take as u64;
        self.rest.extend_from_slice(&bytes[..take]);
        let frame = self.channels * 2;
        let whole = self.rest.len() / frame * frame;
        let samples: Vec<f32> = self.rest[..whole].chunks_exact(frame).map(mixed).collect();
        self.rest.drain(..whole);
        match &mut self.resampler {
            None => bytes_of(&samples),
            Some(resampler) => bytes_of(&resampler.feed(&samples)),
        }
    }
}

/// One sample of a frame of several channels.
fn mixed(frame: &[u8]) -> f32 {
    let channels = frame.len() / 2;
    let sum: f32 = frame.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]]))).sum();
    sum / channels as f32
}

fn bytes_of(samples: &[f32]) -> Vec<u8> {
    let sixteen = |sample: &f32| sample.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
    samples.iter().flat_map(|sample| sixteen(sample).to_le_bytes()).collect()
}

/// From one rate to [`RATE`] by a windowed sinc, whose values repeat after so many samples as there are phases.
#[derive(Debug)]
struct Resampler {
    /// `RATE / from`, shortened.
    up: u64,
    down: u64,
    /// Of each phase, `2 * REACH` factors.
    factors: Vec<[f32; 2 * REACH]>,
    /// The sound from sample `first` on; silence stands before its beginning.
    kept: Vec<f32>,
    first: u64,
    /// The next sample to make.
    next: u64,
}

impl Resampler {
    fn new(from: u32) -> Self {
        let shared = gcd(from.into(), RATE.into());
        let (up, down) = (u64::from(RATE) / shared, u64::from(from) / shared);
        // Above it the new rate has no place for a tone.
        let cut = (f64::from(RATE) / f64::from(from)).min(1.0);
        let factors = (0..up).map(|phase| factors(phase as f64 / up as f64, cut)).collect();
        Self { up, down, factors, kept: vec![0.0; REACH], first: 0, next: 0 }
    }

    fn feed(&mut self, samples: &[f32]) -> Vec<f32> {
        self.kept.extend_from_slice(samples);
        let mut made = Vec::new();
        loop {
            let place = self.next * self.down;
            // With the silence in front, the sample before the new one is at `at + REACH`.
            let from = (place / self.up + 1 - self.first) as usize;
            let Some(near) = self.kept.get(from..from + 2 * REACH) else { break };
            let factors = &self.factors[(place % self.up) as usize];
            made.push(near.iter().zip(factors).map(|(sample, factor)| sample * factor).sum());
            self.next += 1;
        }
        let done = ((self.next * self.down / self.up + 1 - self.first) as usize).min(self.kept.len());
        self.kept.drain(..done);
        self.first += done as u64;
        made
    }

    fn finish(mut self) -> Vec<f32> {
        self.feed(&[0.0; REACH])
    }
}

/// What the samples around a place count that lies `part` after the sample before it.
fn factors(part: f64, cut: f64) -> [f32; 2 * REACH] {
    let mut factors = [0.0; 2 * REACH];
    for (at, factor) in factors.iter_mut().enumerate() {
        let distance = at as f64 - (REACH as f64 - 1.0) - part;
        let x = std::f64::consts::PI * distance * cut;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        let window = (std::f64::consts::PI * distance / (2.0 * REACH as f64)).cos().max(0.0).powi(2);
        *factor = (sinc * cut * window) as f32;
    }
    // A constant stays what it is.
    let sum: f32 = factors.iter().sum();
    factors.map(|factor| factor / sum)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0".to_vec();
        bytes.extend_from_slice(&channels.to_le_bytes());
        bytes.extend_from_slice(&rate.to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 2, 0, 16, 0]);
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(b"LIST\0\0\0\0");
        bytes
    }

    fn samples(file: &[u8], piece: usize) -> Vec<i16> {
        let mut stream = PcmStream::default();
        let mut bytes = Vec::new();
        for piece in file.chunks(piece) {
            bytes.extend(stream.feed(piece).unwrap());
        }
        bytes.extend(stream.finish().unwrap());
        bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
    }

    fn tone(rate: u32, seconds: f64) -> Vec<i16> {
        let samples = (f64::from(rate) * seconds) as u32;
        let at = |sample: u32| (f64::from(sample) / f64::from(rate) * 440.0 * std::f64::consts::TAU).sin();
        (0..samples).map(|sample| (at(sample) * 10_000.0) as i16).collect()
    }

    #[test]
    fn at_its_own_rate_the_sound_stays() {
        let file = wav(RATE, 1, &[1, -2, 3, i16::MAX, i16::MIN]);
        for piece in [1, 3, 7, 1_000] {
            assert_eq!(samples(&file, piece), [1, -2, 3, i16::MAX, i16::MIN], "{piece}");
        }
        assert_eq!(samples(&wav(RATE, 2, &[10, 20, -4, -8]), 5), [15, -6]);
    }

    #[test]
    fn another_rate_is_the_same_tone() {
        for rate in [8_000, 16_000, 22_050, 44_100, 48_000] {
            let made = samples(&wav(rate, 1, &tone(rate, 0.5)), 999);
            let wanted = tone(RATE, 0.5);
            assert!(made.len().abs_diff(wanted.len()) <= 3, "{rate}: {} samples", made.len());
            // The edges know only one side.
            let middle = 200..made.len().min(wanted.len()) - 200;
            let worst = middle.map(|at| (i32::from(made[at]) - i32::from(wanted[at])).abs()).max();
            assert!(worst < Some(150), "{rate}: off by {worst:?}");
        }
    }

    #[test]
    fn what_is_no_wav_is_said() {
        assert!(PcmStream::default().feed(b"OggS        ").unwrap_err().message.contains("no WAV"));
        let mut eight_bits = wav(RATE, 1, &[1]);
        let at = eight_bits.windows(4).position(|four| four == b"data").unwrap() - 2;
        eight_bits[at] = 8;
        assert!(PcmStream::default().feed(&eight_bits).unwrap_err().message.contains("8 bits"));
        assert!(PcmStream::default().finish().is_err());
        let endless = [b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f".to_vec(), vec![0; MAX_HEADER_BYTES]].concat();
        assert!(PcmStream::default().feed(&endless).unwrap_err().message.contains("no end"));
    }
}
