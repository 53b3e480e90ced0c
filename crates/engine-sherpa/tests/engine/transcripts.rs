//! Every option of a transcript job, with models that hear what their weights say.

use engine_protocol::FailureClass;
use serde_json::{Value, json};
use tiny_models::onnx;

use crate::models::{self, OnDisk};
use crate::peer::Peer;
use crate::sound::{ADDRESS, GAP, RATE, TONE, speak, tones, transcribe, wav};

/// "the quick brown fox": four words, one of them of two tones.
const FOX: &[usize] = &[0, 1, 2, 3, 4];
const SAID: &str = "the quick brown fox";

fn spans(value: &Value, key: &str) -> Vec<(String, f64, f64)> {
    let span = |span: &Value| {
        (
            span[key].as_str().unwrap().to_owned(),
            span["start"].as_f64().unwrap(),
            span["end"].as_f64().unwrap(),
        )
    };
    value.as_array().unwrap().iter().map(span).collect()
}

/// Times grow, and lie within the recording.
fn check_times(spans: &[(String, f64, f64)], duration: f64) {
    assert!(!spans.is_empty());
    let mut last = 0.0;
    for (text, start, end) in spans {
        assert!(
            *start >= last && end >= start && *end <= duration,
            "{text}: {start} to {end}, {last} of {duration}"
        );
        last = *start;
    }
}

#[test]
fn tones_become_the_words_that_the_model_knows_for_them() {
    let recording = wav(&tones(FOX, RATE));
    for files in [onnx::nemo_ctc(), onnx::transducer(), onnx::nemo_transducer()] {
        let model = OnDisk::new(&files, json!({}));
        let mut peer = Peer::with(&model);
        let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
        assert_eq!(*job.json(), json!({"text": SAID, "duration": 2.7}));
    }
}

#[test]
fn words_and_segments_have_their_times() {
    let recording = wav(&tones(FOX, RATE));
    for files in [onnx::nemo_ctc(), onnx::transducer(), onnx::nemo_transducer()] {
        let model = OnDisk::new(&files, json!({}));
        let mut peer = Peer::with(&model);
        let job = peer.run(&transcribe(json!({"timestamps": "word"})), &[(ADDRESS, &recording.path)]);
        let heard = job.json();
        let words = spans(&heard["words"], "word");
        assert_eq!(words.iter().map(|word| word.0.as_str()).collect::<Vec<_>>().join(" "), SAID);
        check_times(&words, 2.7);
        for (word, tone) in words.iter().zip([0, 1, 3, 4]) {
            let start = GAP + f64::from(tone) * (TONE + GAP);
            assert!((word.1 - start).abs() < 0.06, "{word:?} starts at {start}");
        }
        let segments = spans(&heard["segments"], "text");
        assert_eq!(segments.len(), 1);
        assert_eq!(segments[0].0, SAID);

        let job = peer.run(&transcribe(json!({"timestamps": "segment"})), &[(ADDRESS, &recording.path)]);
        assert_eq!(job.json()["segments"], heard["segments"]);
        assert_eq!(job.json().get("words"), None);
    }
}

#[test]
fn a_long_recording_is_heard_in_pieces_with_absolute_times() {
    // Two and a half minutes: the words, then quiet, thirty times.
    let mut minute = tones(FOX, RATE);
    minute.resize(5 * RATE as usize, 0.0);
    let recording = wav(&minute.repeat(30));
    for (model, more) in [
        (models::ears(), json!({"timestamps": "word"})),
        (models::ears_with_vad(), json!({"timestamps": "word"})),
        (models::ears_with_vad(), json!({"timestamps": "word", "vad": false})),
    ] {
        let mut peer = Peer::with(&model);
        let job = peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]);
        let heard = job.json();
        assert_eq!(heard["duration"], 150.0);
        assert_eq!(heard["text"], vec![SAID; 30].join(" "));
        let words = spans(&heard["words"], "word");
        check_times(&words, 150.0);
        for (at, word) in words.chunks(4).enumerate() {
            let start = at as f64 * 5.0 + GAP;
            assert!((word[0].1 - start).abs() < 0.1, "{:?} starts at {start}", word[0]);
        }
        let segments = spans(&heard["segments"], "text");
        assert_eq!(segments.len(), 30);
        check_times(&segments, 150.0);
        assert!(job.progress.len() >= 7, "{:?}", job.progress);
        assert!(job.progress.windows(2).all(|pair| pair[0].step <= pair[1].step));
        assert!(job.progress.iter().all(|progress| progress.steps == 150 && progress.step <= 150));
    }
}

#[test]
fn silence_between_words_is_left_out_by_the_detector() {
    let mut samples = tones(&[0], RATE);
    samples.resize(40 * RATE as usize, 0.0);
    samples.extend(tones(&[4], RATE));
    let recording = wav(&samples);
    let pieces = |model: &OnDisk, more| {
        let job = Peer::with(model).run(&transcribe(more), &[(ADDRESS, &recording.path)]);
        assert_eq!(job.json()["text"], "the fox");
        job.progress.len() - 2
    };
    assert_eq!(pieces(&models::ears(), json!({})), 2);
    // The first cut lies in the middle of the silence: with `vad` the pieces hold speech only.
    assert_eq!(pieces(&models::ears_with_vad(), json!({})), 2);
    let silent = wav(&vec![0.0; 60 * RATE as usize]);
    let silent_pieces = |model: &OnDisk, more| {
        let job = Peer::with(model).run(&transcribe(more), &[(ADDRESS, &silent.path)]);
        assert_eq!(job.json()["text"], "");
        job.progress.len() - 2
    };
    assert_eq!(silent_pieces(&models::ears(), json!({})), 3);
    assert_eq!(silent_pieces(&models::ears(), json!({"vad": true})), 0);
    assert_eq!(silent_pieces(&models::ears_with_vad(), json!({})), 0);
}

#[test]
fn whisper_hears_a_language_or_is_told_it_and_translates() {
    let model = OnDisk::new(&onnx::whisper(), json!({}));
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(FOX, RATE));
    let mut heard = |more| peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]).json().clone();
    assert_eq!(heard(json!({})), json!({"text": "hallo welt", "language": "de", "duration": 2.7}));
    assert_eq!(heard(json!({"language": "en-US"}))["text"], "hello world");
    assert_eq!(heard(json!({"language": "en"}))["language"], "en");
    assert_eq!(heard(json!({"language": "de"}))["text"], "hallo welt");
    assert_eq!(heard(json!({"language": "de", "translate": true}))["text"], "hello world");
    // The job before leaves nothing behind.
    assert_eq!(heard(json!({}))["text"], "hallo welt");

    let timed = heard(json!({"language": "en", "timestamps": "word"}));
    assert_eq!(timed["segments"], json!([{"text": "hello world", "start": 0.0, "end": 1.0}]));
    assert_eq!(timed["words"][0], json!({"word": "hello", "start": 0.0, "end": 0.5}));
    assert_eq!(timed["words"][1], json!({"word": "world", "start": 0.5, "end": 1.0}));

    let job = peer.run(&transcribe(json!({"language": "fr"})), &[(ADDRESS, &recording.path)]);
    assert_eq!(job.failed().class, FailureClass::BadInput);
    assert!(job.failed().message.contains("`fr`: it knows en, de"), "{:?}", job.failed());
}

#[test]
fn a_whisper_of_one_language_is_told_no_other() {
    let mut files = onnx::whisper();
    let encoder = files.iter_mut().find(|file| file.role == "encoder").unwrap();
    let key = b"is_multilingual\x12\x011";
    let at = encoder.bytes.windows(key.len()).position(|bytes| bytes == key).unwrap();
    encoder.bytes[at + key.len() - 1] = b'0';
    let model = OnDisk::new(&files, json!({}));
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(FOX, RATE));
    let mut run = |more| peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]);
    assert_eq!(run(json!({"language": "en"})).json()["text"], "hello world");
    assert!(run(json!({"language": "de"})).failed().message.contains("it knows en"));
    assert!(run(json!({"translate": true})).failed().message.contains("does not translate"));
}

#[test]
fn sense_voice_is_told_a_language() {
    let model = OnDisk::new(&onnx::sense_voice(), json!({}));
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(FOX, RATE));
    let mut heard = |more| peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]).json().clone();
    assert_eq!(heard(json!({})), json!({"text": SAID, "language": "zh", "duration": 2.7}));
    assert_eq!(heard(json!({"language": "en-GB"}))["language"], "en");
    assert_eq!(heard(json!({"language": "zh"}))["language"], "zh");
    let timed = heard(json!({"language": "en", "timestamps": "word"}));
    let words = spans(&timed["words"], "word");
    assert_eq!(words.iter().map(|word| word.0.as_str()).collect::<Vec<_>>().join(" "), SAID);
    check_times(&words, 2.7);
    let job = peer.run(&transcribe(json!({"language": "de"})), &[(ADDRESS, &recording.path)]);
    assert!(job.failed().message.contains("`de`: it knows auto, zh, en"), "{:?}", job.failed());
}

#[test]
fn the_shortest_of_recordings_is_heard() {
    for files in
        [onnx::nemo_ctc(), onnx::transducer(), onnx::nemo_transducer(), onnx::sense_voice(), onnx::whisper()]
    {
        let model = OnDisk::new(&files, json!({}));
        let mut peer = Peer::with(&model);
        for samples in [1, 50, 1_000] {
            let recording = wav(&vec![0.1; samples]);
            let job = peer.run(&transcribe(json!({"timestamps": "word"})), &[(ADDRESS, &recording.path)]);
            let duration = (samples as f64 / 16.0).round() / 1_000.0;
            assert_eq!(job.json()["duration"], duration, "{samples} samples");
        }
    }
}

#[test]
fn the_language_of_the_models_defaults_is_taken_when_the_job_names_none() {
    let model = OnDisk::new(&onnx::whisper(), json!({"language": "en"}));
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(FOX, RATE));
    let mut text = |more| peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]).json()["text"].clone();
    assert_eq!([text(json!({})), text(json!({"language": "de"}))], ["hello world", "hallo welt"]);
}

#[test]
fn what_a_model_cannot_do_is_refused_or_said() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(FOX, RATE));
    let job = peer.run(&transcribe(json!({"translate": true})), &[(ADDRESS, &recording.path)]);
    assert!(job.failed().message.contains("nemo-ctc model does not translate"), "{:?}", job.failed());
    let job = peer.run(&speak("hello", json!({})), &[]);
    assert!(job.failed().message.contains("speech into text"), "{:?}", job.failed());
    let more = json!({"prompt": "Foxes", "language": "en", "vad": true});
    let job = peer.run(&transcribe(more), &[(ADDRESS, &recording.path)]);
    assert_eq!((&job.json()["text"], &job.json()["language"]), (&json!(SAID), &json!("en")));
    let log = peer.log();
    for words in ["takes no prompt", "the language `en` only labels the result", "no file of role `vad`"] {
        assert!(log.contains(words), "{log}");
    }
}
