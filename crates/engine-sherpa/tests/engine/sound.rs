//! Recordings of tones, and tasks about them.

use std::fs;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use serde_json::{Value, json};
use studio_protocol::Task;
use tempfile::TempDir;
use tiny_models::onnx::TONES;

/// How every recording is called in a task.
pub const ADDRESS: &str = "https://files.example/recording";
/// Of the recordings made here, unless said otherwise.
pub const RATE: u32 = 16_000;
/// Seconds of a tone, and of the silence before the first and after each.
pub const TONE: f64 = 0.3;
pub const GAP: f64 = 0.2;

/// The samples of some of the model's tones, by number.
pub fn tones(which: &[usize], rate: u32) -> Vec<f32> {
    let length = |seconds: f64| (seconds * f64::from(rate)) as usize;
    let mut samples = vec![0.0; length(GAP)];
    for tone in which {
        let turn = TONES[*tone].1 / rate as f32 * std::f32::consts::TAU;
        samples.extend((0..length(TONE)).map(|at| 0.3 * (at as f32 * turn).sin()));
        samples.extend(vec![0.0; length(GAP)]);
    }
    samples
}

/// A WAV file that goes when its folder does.
pub struct Wav {
    _folder: TempDir,
    pub path: PathBuf,
}

pub fn wav(samples: &[f32]) -> Wav {
    wav_of(samples, RATE, 1)
}

/// The same samples in each channel.
pub fn wav_of(samples: &[f32], rate: u32, channels: u16) -> Wav {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.wav");
    let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut wav = WavWriter::create(&path, spec).unwrap();
    for sample in samples {
        for _ in 0..channels {
            wav.write_sample((sample * 32_767.0) as i16).unwrap();
        }
    }
    wav.finalize().unwrap();
    Wav { _folder: folder, path }
}

/// A WAV file of nothing, which takes no room on disk and no time to write.
pub fn silence(seconds: u32, rate: u32) -> Wav {
    let bytes = seconds * rate * 2;
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(bytes + 36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * 2).to_le_bytes());
    header.extend_from_slice(b"\x02\0\x10\0data");
    header.extend_from_slice(&bytes.to_le_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.wav");
    fs::write(&path, &header).unwrap();
    let length = u64::from(bytes) + header.len() as u64;
    fs::File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
    Wav { _folder: folder, path }
}

/// Rate and samples of a WAV file.
pub fn read_wav(path: &Path) -> (u32, Vec<i16>) {
    let reader = WavReader::open(path).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().bits_per_sample), (1, 16));
    (reader.spec().sample_rate, reader.into_samples().map(Result::unwrap).collect())
}

pub fn transcribe(more: Value) -> Task {
    task(json!({"kind": "audio_stt", "inputUrl": ADDRESS}), more)
}

pub fn speak(text: &str, more: Value) -> Task {
    task(json!({"kind": "audio_tts", "text": text}), more)
}

fn task(mut task: Value, more: Value) -> Task {
    let Value::Object(more) = more else { panic!("an object: {more}") };
    task.as_object_mut().unwrap().extend(more);
    serde_json::from_value(task).unwrap()
}
