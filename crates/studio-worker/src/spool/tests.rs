use serde_json::value::RawValue;
use studio_protocol::TaskKind;

use super::*;

struct Place {
    dir: tempfile::TempDir,
    spool: Spool,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path().join("spool"));
    Place { dir, spool }
}

fn entry(job: &str, output: Output) -> SpoolEntry {
    SpoolEntry {
        job_id: job.into(),
        worker_id: "w-1".into(),
        attempt: Some(2),
        kind: TaskKind::Llm,
        prompt: "ein \"Fuchs\"\n".into(),
        output,
    }
}

fn json(job: &str) -> SpoolEntry {
    entry(job, Output::Json(RawValue::from_string(r#"{"a": 1.10}"#.into()).unwrap()))
}

impl Place {
    fn file(&self, job: &str, bytes: &[u8]) -> SpoolEntry {
        let path = self.dir.path().join("out.png");
        fs::write(&path, bytes).unwrap();
        entry(job, Output::File { path, ext: "png".into() })
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.spool.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn results_come_back_as_they_were() {
    let place = place();
    place.spool.write(&json("job-2")).unwrap();
    place.spool.write(&place.file("job-1", b"bytes")).unwrap();
    assert_eq!(place.names(), ["job-1.json", "job-1.png", "job-2.json"]);
    let found = place.spool.recover().unwrap();
    assert!(found.dropped.is_empty());
    assert_eq!(found.entries.len(), 2);
    let (file, json) = (&found.entries[0], &found.entries[1]);
    assert_eq!((file.attempt, json.prompt.as_str()), (Some(2), "ein \"Fuchs\"\n"));
    let Output::Json(result) = &json.output else { panic!("{json:?}") };
    assert_eq!(result.get(), r#"{"a": 1.10}"#, "not a byte of it is changed");
    assert_eq!(fs::read(place.spool.payload_of(file).unwrap()).unwrap(), b"bytes");
    place.spool.verify(file).unwrap();
}

#[test]
fn a_result_that_is_written_again_takes_the_place_of_the_older_one() {
    let place = place();
    let mut result = place.file("job-1", b"bytes");
    place.spool.write(&result).unwrap();
    result.attempt = Some(3);
    place.spool.write(&result).unwrap();
    let found = place.spool.recover().unwrap();
    assert_eq!(found.entries[0].attempt, Some(3));
}

#[test]
fn removal_leaves_nothing() {
    let place = place();
    place.spool.write(&place.file("job-1", b"bytes")).unwrap();
    place.spool.write(&json("job-2")).unwrap();
    for job in ["job-1", "job-2", "never-there"] {
        place.spool.remove(&job.into()).unwrap();
    }
    assert!(place.names().is_empty());
}

#[test]
fn damaged_results_are_dropped_with_a_reason_and_the_others_kept() {
    let place = place();
    place.spool.write(&json("good")).unwrap();
    place.spool.write(&json("flipped")).unwrap();
    let path = place.spool.dir().join("flipped.json");
    let text = fs::read_to_string(&path).unwrap().replace("1.10", "1.11");
    fs::write(&path, text).unwrap();
    fs::write(place.spool.dir().join("torn.json"), "{\"version\":1,\"jobI").unwrap();
    fs::write(
        place.spool.dir().join("newer.json"),
        fs::read_to_string(place.spool.dir().join("good.json"))
            .unwrap()
            .replace("\"version\":1", "\"version\":9"),
    )
    .unwrap();
    place.spool.write(&place.file("short", b"bytes")).unwrap();
    fs::write(place.spool.dir().join("short.png"), b"by").unwrap();
    place.spool.write(&place.file("gone", b"bytes")).unwrap();
    fs::remove_file(place.spool.dir().join("gone.png")).unwrap();
    let found = place.spool.recover().unwrap();
    assert_eq!(found.entries.iter().map(|e| e.job_id.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(found.dropped.len(), 5);
    assert!(found.dropped.iter().any(|(_, why)| matches!(why, Unusable::Version(9))));
    assert_eq!(place.names(), ["good.json", "newer.json"], "a newer worker can use its own");
}

#[test]
fn bytes_that_changed_behind_a_right_length_are_found_by_their_hash() {
    let place = place();
    let result = place.file("job-1", b"bytes");
    place.spool.write(&result).unwrap();
    fs::write(place.spool.dir().join("job-1.png"), b"BYTES").unwrap();
    assert_eq!(place.spool.recover().unwrap().entries.len(), 1);
    assert!(matches!(place.spool.verify(&result), Err(Unusable::Content)));
}

#[test]
fn left_overs_of_a_killed_process_are_cleared_away() {
    let place = place();
    place.spool.write(&json("job-1")).unwrap();
    for name in ["job-1.new", "job-2.png", "probe.new"] {
        fs::write(place.spool.dir().join(name), "x").unwrap();
    }
    place.spool.recover().unwrap();
    assert_eq!(place.names(), ["job-1.json"]);
}

#[test]
fn ids_are_no_paths() {
    let place = place();
    for job in ["../../evil", "", "a/b", "..", &"x".repeat(500), "ä"] {
        place.spool.write(&json(job)).unwrap();
        assert_eq!(place.spool.recover().unwrap().entries[0].job_id.as_str(), job);
        assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 1, "{job}");
        place.spool.remove(&job.into()).unwrap();
    }
    assert_eq!(file_stem(&"job-01".into()), "job-01");
}

#[test]
fn a_spool_that_cannot_be_written_is_an_error_that_harms_nothing() {
    let place = place();
    fs::write(place.spool.dir(), "a file where the folder should be").unwrap();
    assert!(place.spool.write(&json("job-1")).is_err());
    assert!(!place.spool.is_writable());
    fs::remove_file(place.spool.dir()).unwrap();
    assert!(place.spool.is_writable());
    assert!(place.names().is_empty());
}
