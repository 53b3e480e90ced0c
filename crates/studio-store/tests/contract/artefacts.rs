//! Results that are bytes.

use studio_protocol::TaskKind;
use studio_store::{ArtefactFilter, CommitOutcome, GiveBack, StoreError};

use crate::fixture::{Fixture, W1, W2};

pub fn an_artefact_belongs_to_its_job(f: &mut Fixture) {
    let job = f.submit("paint");
    f.start(&job, W1);
    assert_eq!(f.upload(&job, W1, Some(1), "art-1").unwrap(), CommitOutcome::Committed);
    let artefact = f.db.artefact_of_job(&job).unwrap().unwrap();
    assert_eq!((artefact.bytes, artefact.key.as_str()), (5_000_000_000, "ab/art-1"));
    assert_eq!((&artefact.job, artefact.asset_name.as_str()), (&job, "thing 1"));
    assert_eq!(f.db.artefact(&artefact.id).unwrap(), artefact);
    assert_eq!(f.job(&job).artefact.unwrap().id, artefact.id);
    assert_eq!(f.db.artefact_keys().unwrap(), ["ab/art-1"]);
    assert!(f.db.has_artefact_key("ab/art-1").unwrap() && !f.db.has_artefact_key("ab/art-2").unwrap());
    let error = f.db.artefact(&"art-x".into()).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "artefact", .. }), "{error:?}");
    let json = serde_json::to_value(&artefact).unwrap();
    assert_eq!((json["meta"]["seed"].as_i64(), json.get("key")), (Some(7), None));
}

pub fn a_second_upload_changes_nothing(f: &mut Fixture) {
    let job = f.submit("paint");
    f.start(&job, W1);
    f.give_back(&job, W1, GiveBack::Released);
    f.start(&job, W2);
    assert_eq!(f.upload(&job, W1, Some(1), "art-late").unwrap(), CommitOutcome::Stale);
    assert_eq!(f.upload(&job, W2, Some(2), "art-1").unwrap(), CommitOutcome::Committed);
    assert_eq!(f.upload(&job, W2, Some(2), "art-2").unwrap(), CommitOutcome::Again);
    assert_eq!(f.upload(&job, W1, None, "art-3").unwrap(), CommitOutcome::Stale);
    assert_eq!(f.db.artefact_keys().unwrap(), ["ab/art-1"]);
}

pub fn artefacts_are_listed_by_batch(f: &mut Fixture) {
    let (batch, mut jobs) = f.submit_batch("batch-1", "paint", 3);
    jobs.push(f.submit("paint"));
    for (number, job) in jobs.iter().enumerate() {
        f.start(job, W1);
        f.upload(job, W1, None, &format!("art-{number}")).unwrap();
    }
    let page = f.db.artefacts(Some(&batch), None, 2).unwrap();
    let ids: Vec<_> = page.items.iter().map(|artefact| artefact.id.as_str()).collect();
    assert_eq!(ids, ["art-2", "art-1"]);
    let rest = f.db.artefacts(Some(&batch), page.next_cursor, 2).unwrap();
    assert_eq!((rest.items[0].id.as_str(), rest.next_cursor), ("art-0", None));
    assert_eq!(f.db.artefacts(None, None, 10).unwrap().items.len(), 4);
    assert!(f.db.artefacts(Some(&"batch-x".into()), None, 1).is_err());
}

pub fn artefacts_are_listed_by_what_made_them(f: &mut Fixture) {
    let (batch, mut jobs) = f.submit_batch("batch-1", "paint", 3);
    let mut other = f.new_job("paint");
    other.project = "q".into();
    jobs.push(other.id.clone());
    f.submit_all(vec![other]).unwrap();
    // Made in another order than submitted.
    for job in jobs.iter().rev() {
        f.start(job, W1);
        f.upload(job, W1, None, &format!("art-of-{job}")).unwrap();
    }
    let of = |filter: &ArtefactFilter, limit| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = f.db.artefacts_of(filter, cursor, limit).unwrap();
            found.extend(page.items.into_iter().map(|artefact| artefact.job));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return found;
            }
        }
    };
    let all = ArtefactFilter::default();
    assert_eq!(of(&all, 3), jobs, "the latest result first");
    let newest_first: Vec<_> = jobs.iter().rev().cloned().collect();
    let paint = ArtefactFilter { model: Some("paint".to_owned()), ..all.clone() };
    assert_eq!(of(&paint, 2), newest_first);
    assert_eq!(of(&ArtefactFilter { kind: Some(TaskKind::Image), ..all.clone() }, 1), newest_first);
    assert_eq!(of(&ArtefactFilter { kind: Some(TaskKind::Video), ..all.clone() }, 1), []);
    let q = ArtefactFilter { project: Some("q".into()), ..all.clone() };
    assert_eq!(of(&q, 2), [jobs[3].clone()]);
    let in_batch = ArtefactFilter { batch: Some(batch), ..all.clone() };
    assert_eq!(of(&in_batch, 2).len(), 3);
    assert_eq!(of(&ArtefactFilter { model: Some("paint".to_owned()), ..in_batch }, 2), newest_first[1..]);
    let missing = ArtefactFilter { batch: Some("batch-x".into()), ..all };
    assert!(f.db.artefacts_of(&missing, None, 2).is_err());
}
