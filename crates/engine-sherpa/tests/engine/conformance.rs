//! The protocol's own rules.

use engine_protocol::conformance::{Outcome, Settings, check};

use crate::models::{self, MODEL};
use crate::peer::{Peer, program};
use crate::sound::speak;

#[test]
fn it_keeps_the_rules_of_engines() {
    let model = models::voice();
    let mut settings = Settings::new("sherpa-onnx", MODEL);
    settings.source = model.load.source.clone();
    settings.model_dir.clone_from(&model.load.dir);
    settings.tasks = vec![speak("one two three", serde_json::json!({}))];
    // Fifty minutes of sound as FLAC take far more than five seconds.
    settings.slow = Some(speak(&"all work and no play. ".repeat(2_200), serde_json::json!({"ext": "flac"})));
    settings.deterministic = true;
    let report = check(
        || {
            let mut quiet = program();
            quiet.stderr(std::process::Stdio::null());
            quiet
        },
        &settings,
    );
    assert!(report.conforms(), "{report}");
    let skipped: Vec<&str> = report
        .rules
        .iter()
        .filter(|(_, outcome)| *outcome != Outcome::Kept)
        .map(|(rule, _)| rule.as_str())
        .collect();
    // Recordings are files, which that check cannot hand over; and any model is served.
    assert_eq!(skipped, ["refuses a model that it does not serve", "does audio_stt jobs"], "{report}");
}

#[test]
fn it_says_what_it_is() {
    let peer = Peer::start();
    let says = &peer.description;
    assert_eq!(says.name, "sherpa-onnx");
    assert_eq!(says.kinds, ["audio_stt", "audio_tts"]);
    assert_eq!(says.formats["audio_tts"], ["flac", "ogg", "opus", "wav"]);
    assert_eq!((says.models.as_slice(), says.slots), (&["*".to_owned()][..], 1));
    assert!(says.build.contains("sherpa-onnx 2.0.1") && says.build.contains("onnxruntime"), "{}", says.build);
}
