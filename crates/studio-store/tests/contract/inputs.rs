//! What clients bring for their jobs.

use studio_store::{InputId, NewInput, StoreError};

use crate::fixture::{Fixture, at};

fn bring(f: &mut Fixture, id: &str, project: &str) -> InputId {
    let new = NewInput {
        id: id.into(),
        project: project.into(),
        key: format!("inputs/{id}"),
        sha256: "00ff".to_owned(),
        bytes: 5,
        mime: "image/png".to_owned(),
    };
    let now = f.tick();
    f.db.add_input(&new, now).unwrap();
    assert_eq!(f.db.input(&new.id).unwrap().new, new);
    new.id
}

fn edit(f: &mut Fixture, id: &str) -> studio_store::NewJob {
    let mut job = f.new_job("paint");
    job.task_json = format!(r#"{{"kind":"image","prompt":"p","initImageUrl":"studio:///inputs/{id}"}}"#);
    job
}

pub fn a_job_names_inputs_of_its_own_project_only(f: &mut Fixture) {
    let own = bring(f, "in-1", "p");
    let other = bring(f, "in-2", "q");
    let mut plain = f.new_job("paint");
    let text = r#"{"kind":"image","prompt":"what is studio:///inputs/in-9 ?"}"#;
    text.clone_into(&mut plain.task_json);
    let fine = edit(f, own.as_str());
    f.submit_all(vec![plain, fine]).unwrap();
    for id in [other.as_str(), "in-9", "", "in-1/../in-2"] {
        let (good, bad) = (f.new_job("paint"), edit(f, id));
        let first = good.id.clone();
        let error = f.submit_all(vec![good, bad]).unwrap_err();
        assert!(matches!(&error, StoreError::Invalid { field: "task", .. }), "{id}: {error}");
        assert!(f.db.job(&first).is_err(), "all or none");
    }
}

pub fn an_input_stays_while_a_job_may_want_it(f: &mut Fixture) {
    let (used, unused) = (bring(f, "in-1", "p"), bring(f, "in-2", "p"));
    let job = edit(f, "in-1");
    let id = job.id.clone();
    f.submit_all(vec![job]).unwrap();
    let wanted = |f: &Fixture, before| f.db.unwanted_inputs(at(before), 10).unwrap();
    assert_eq!(wanted(f, 0), [], "they came just now");
    assert_eq!(wanted(f, i64::MAX), std::slice::from_ref(&unused));
    let all = [used.clone(), unused.clone(), "in-9".into()];
    assert_eq!(f.db.delete_inputs(&all, at(i64::MAX)).unwrap(), ["inputs/in-2"]);
    assert_eq!(f.db.artefact_keys().unwrap(), ["inputs/in-1"]);
    f.db.cancel(&id, "no", at(5_000)).unwrap();
    assert_eq!(wanted(f, 5_000), [], "it may be tried again");
    assert_eq!(wanted(f, 5_001), std::slice::from_ref(&used));
    assert_eq!(f.db.delete_inputs(&[used], at(5_001)).unwrap(), ["inputs/in-1"]);
    assert!(f.db.integrity_check().unwrap().is_empty());
}
