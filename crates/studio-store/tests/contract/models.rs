//! The model registry.

use studio_protocol::TaskKind;
use studio_store::StoreError;

use crate::fixture::{Fixture, W1, at, model};

pub fn seeds_are_put_in_once(f: &mut Fixture) {
    let mut changed = model("chat", TaskKind::Llm);
    changed.vram_gb = 99.0;
    let seeds = [changed, model("sing", TaskKind::AudioTts)];
    assert_eq!(f.db.seed_models(&seeds, at(1)).unwrap(), 1);
    assert!(f.db.model("chat").unwrap().vram_gb < 2.0);
    // What an operator removed does not come back with the next start.
    f.db.remove_model("sing").unwrap();
    assert_eq!(f.db.seed_models(&seeds, at(2)).unwrap(), 0);
    assert!(matches!(f.db.model("sing"), Err(StoreError::NotFound { what: "model", .. })));
    let names: Vec<_> = f.db.models().unwrap().into_iter().map(|model| model.id).collect();
    assert_eq!(names, ["chat", "listen", "paint"]);
}

pub fn a_model_with_open_jobs_stays(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    assert!(matches!(f.db.remove_model("chat"), Err(StoreError::Conflict { .. })));
    assert!(matches!(
        f.db.put_model(&model("chat", TaskKind::Image), at(1)),
        Err(StoreError::Conflict { .. })
    ));
    f.complete(&job, W1, None);
    f.db.remove_model("chat").unwrap();
    assert_eq!(f.job(&job).model, "chat");
    assert!(matches!(f.db.remove_model("chat"), Err(StoreError::NotFound { .. })));
}

pub fn a_changed_model_is_seen_by_waiting_jobs(f: &mut Fixture) {
    let (waits, runs) = (f.submit("chat"), f.submit("chat"));
    f.submit("paint");
    f.start(&runs, W1);
    let mut changed = model("chat", TaskKind::Llm);
    "llama-cpp".clone_into(&mut changed.source.engine);
    f.db.put_model(&changed, at(1)).unwrap();
    assert_eq!(f.db.model("chat").unwrap(), changed);
    let waiting = f.db.queued_of_model("chat").unwrap();
    assert_eq!(
        waiting.iter().map(|job| (&job.id, &*job.engine)).collect::<Vec<_>>(),
        [(&waits, "llama-cpp")]
    );
    assert!(f.claim(&waits, W1).source_json.contains("llama-cpp"));
}

pub fn nonsense_is_refused(f: &mut Fixture) {
    let mut negative = model("x", TaskKind::Llm);
    negative.vram_gb = -1.0;
    let mut endless = model("x", TaskKind::Llm);
    endless.vram_gb = f64::INFINITY;
    for bad in [negative, endless, model("", TaskKind::Llm)] {
        assert!(matches!(f.db.put_model(&bad, at(1)), Err(StoreError::Invalid { .. })), "{bad:?}");
    }
    assert!(matches!(f.db.set_model_enabled("x", true, at(1)), Err(StoreError::NotFound { .. })));
}
