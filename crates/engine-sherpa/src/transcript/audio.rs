//! Any common audio file as blocks of one channel at the rate that models want.

use std::fs::File;
use std::path::Path;
use std::sync::LazyLock;

use engine_protocol::Failure;
use engine_protocol::harness::Work;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia_adapter_libopus::OpusDecoder;

use crate::native::{RATE, Resampler};

/// A day's meetings; more is a mistake, or a recording that should be cut.
const MAX_HOURS: f64 = 12.0;
const SECONDS_PER_HOUR: f64 = 3_600.0;
/// A damaged packet here and there is left out; a file of nothing else is refused.
const MAX_BAD_PACKETS: u32 = 1_000;
/// Rates that sound has.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs
});

/// The seconds of a recording, counted packet by packet: headers promise what they like.
pub(super) fn measure(path: &Path, work: &Work<'_>) -> Result<f64, Failure> {
    let mut source = Source::open(path)?;
    let mut ticks = 0_u64;
    while let Some(packet) = source.next_packet()? {
        work.check()?;
        ticks = ticks.saturating_add(packet.dur.get());
        check_length(ticks as f64 * source.tick)?;
    }
    Ok(ticks as f64 * source.tick)
}

fn check_length(seconds: f64) -> Result<(), Failure> {
    if seconds <= MAX_HOURS * SECONDS_PER_HOUR {
        return Ok(());
    }
    Err(Failure::bad_input(format!("the recording is longer than {MAX_HOURS} hours: cut it into pieces")))
}

/// A recording that is being decoded.
pub(super) struct Recording {
    source: Source,
    decoder: Box<dyn AudioDecoder>,
    /// From the rate of the recording, once that is known.
    resampler: Option<(u32, Option<Resampler>)>,
    interleaved: Vec<f32>,
    /// At [`RATE`].
    samples: u64,
    bad_packets: u32,
    ended: bool,
}

impl Recording {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let source = Source::open(path)?;
        let track = source.reader.tracks().iter().find(|track| track.id == source.track);
        let params = track.and_then(|track| track.codec_params.as_ref()?.audio());
        let params = params.ok_or_else(|| unreadable("its sound has no description"))?;
        let decoder = CODECS
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(|e| unreadable(&format!("its codec is not known: {e}")))?;
        let (resampler, interleaved) = (None, Vec::new());
        Ok(Self { source, decoder, resampler, interleaved, samples: 0, bad_packets: 0, ended: false })
    }

    /// The next samples at [`RATE`]; none at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Vec<f32>>, Failure> {
        while !self.ended {
            let Some(packet) = self.source.next_packet()? else {
                self.ended = true;
                let rest = self.resampler.as_mut().and_then(|(_, resampler)| resampler.as_mut());
                let rest = rest.map(|resampler| resampler.feed(&[], true)).unwrap_or_default();
                if self.samples == 0 {
                    return Err(Failure::bad_input("the recording holds no sound"));
                }
                self.samples += rest.len() as u64;
                return Ok(Some(rest));
            };
            let block = self.decode(&packet)?;
            self.samples += block.len() as u64;
            check_length(self.duration())?;
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Seconds so far.
    pub(super) fn duration(&self) -> f64 {
        self.samples as f64 / f64::from(RATE)
    }

    fn decode(&mut self, packet: &Packet) -> Result<Vec<f32>, Failure> {
        let decoded = match self.decoder.decode(packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(problem)) => {
                self.bad_packets += 1;
                if self.bad_packets > MAX_BAD_PACKETS {
                    return Err(unreadable(&format!(
                        "{MAX_BAD_PACKETS} of its packets are damaged: {problem}"
                    )));
                }
                return Ok(Vec::new());
            }
            Err(problem) => return Err(unreadable(&problem.to_string())),
        };
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count().max(1));
        decoded.copy_to_vec_interleaved(&mut self.interleaved);
        // What is no number would spread through every sum after it.
        let sane = |sample: &f32| if sample.is_finite() { *sample } else { 0.0 };
        let mean = |frame: &[f32]| frame.iter().map(sane).sum::<f32>() / channels as f32;
        let mono: Vec<f32> = self.interleaved.chunks_exact(channels).map(mean).collect();
        self.resample(rate, mono)
    }

    fn resample(&mut self, rate: u32, mono: Vec<f32>) -> Result<Vec<f32>, Failure> {
        if self.resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
            if !RATES.contains(&rate) {
                return Err(unreadable(&format!("it claims {rate} samples a second")));
            }
            let resampler = if rate == RATE { None } else { Some(Resampler::new(rate, RATE)?) };
            self.resampler = Some((rate, resampler));
        }
        Ok(match &mut self.resampler {
            Some((_, Some(resampler))) => resampler.feed(&mono, false),
            _ => mono,
        })
    }
}

/// The packets of a file's first track of sound.
struct Source {
    reader: Box<dyn FormatReader>,
    track: u32,
    /// Seconds of one tick.
    tick: f64,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|e| {
            Failure::internal(format!("could not open the recording {}: {e}", path.display()))
        })?;
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|e| unreadable(&format!("its format is not known: {e}")))?;
        let track =
            reader.default_track(TrackType::Audio).ok_or_else(|| unreadable("it has no track of sound"))?;
        let rate = track.codec_params.as_ref().and_then(|params| params.audio()?.sample_rate);
        let tick = match (track.time_base, rate) {
            (Some(base), _) => f64::from(base.numer.get()) / f64::from(base.denom.get()),
            (None, Some(rate)) => 1.0 / f64::from(rate.max(1)),
            (None, None) => 0.0,
        };
        let track = track.id;
        Ok(Self { reader, track, tick })
    }

    /// The next packet of the track; a file that was cut off ends where it was cut.
    fn next_packet(&mut self) -> Result<Option<Packet>, Failure> {
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) | Err(Error::ResetRequired) => return Ok(None),
                Err(Error::IoError(problem)) if problem.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(problem) => return Err(unreadable(&problem.to_string())),
            }
        }
    }
}

fn unreadable(problem: &str) -> Failure {
    Failure::bad_input(format!("the recording cannot be read: {problem}"))
}
