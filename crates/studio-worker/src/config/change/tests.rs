use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const TEXT: &str = "# mine\nslots = 2 # two cards\nfancy = \"yes\"\n\n[window]\nwidth = 3\n";

fn file(text: &str) -> (tempfile::TempDir, ConfigFile) {
    let dir = tempfile::tempdir().unwrap();
    let file = ConfigFile::new(dir.path().join("config.toml"));
    fs::write(file.path(), text).unwrap();
    (dir, file)
}

fn changes(pairs: &[(&str, Json)]) -> BTreeMap<String, Json> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn refused(error: ChangeError) -> Vec<ConfigProblem> {
    match error {
        ChangeError::Refused(problems) => problems,
        ChangeError::File(error) => panic!("{error}"),
    }
}

#[test]
fn a_change_keeps_comments_and_null_unsets() {
    let (_dir, file) = file(TEXT);
    let wanted = changes(&[
        ("slots", json!(3.0)),
        ("vram_threshold_gb", json!(6)),
        ("resident_models", json!(["a", "b"])),
    ]);
    file.change(&wanted).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("# mine\nslots = 3 # two cards\nfancy = \"yes\"\n"), "{text}");
    assert!(text.contains("resident_models = [\"a\", \"b\"]") && text.contains("[window]"), "{text}");
    file.change(&changes(&[("slots", Json::Null), ("vram_threshold_gb", Json::Null)])).unwrap();
    let config = file.load().unwrap();
    assert_eq!((config.slots, config.vram_threshold_gb), (None, None));
}

#[test]
fn every_problem_is_told_at_once_and_nothing_is_written() {
    let (_dir, file) = file(TEXT);
    let wrong = changes(&[
        ("slots", json!(0)),
        ("paused", json!("perhaps")),
        ("auth_token", json!("x")),
        ("no_such_key", json!(1)),
        ("models_root", json!({"a": 1})),
        ("vram_threshold_gb", json!(4)),
    ]);
    let problems = refused(file.change(&wrong).unwrap_err());
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["auth_token", "models_root", "no_such_key", "paused", "slots"]);
    assert!(problems[4].problem.contains("a whole number from 1 to 64"), "{problems:?}");
    assert_eq!(fs::read_to_string(file.path()).unwrap(), TEXT);
}

#[test]
fn a_form_sees_what_is_set_and_what_waits_for_a_restart() {
    let (_dir, file) = file("slots = 2\nlog_dir = \"/l\"\n");
    let home = Home::of_config(file.path());
    let used = file.load().unwrap();
    file.change(&changes(&[("slots", json!(4)), ("log_dir", json!("/m")), ("engine_threads", json!(2))]))
        .unwrap();
    let view = file.view(&home, Some(&used)).unwrap();
    assert_eq!(view.restart_needed, ["log_dir", "engine_threads"]);
    let of = |key: &str| view.settings.iter().find(|setting| setting.key == key).unwrap();
    assert_eq!((&of("slots").value, of("slots").live), (&Some(json!(4)), true));
    assert_eq!((&of("models_root").value, &of("paused").default), (&None, &Some(json!(false))));
    assert!(view.settings.iter().all(|setting| setting.key != "auth_token"));
}

/// Values of all sorts, right ones and wrong ones.
fn any_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-10_i64..100_000).prop_map(Json::from),
        (0.0_f64..1.0e7).prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        "[a-z:/0-9.\"\\\\]{0,12}".prop_map(Json::from),
        Just(json!("http://127.0.0.1:1")),
        proptest::collection::vec("[a-z]{0,4}", 0..3).prop_map(Json::from),
        Just(json!({"a": [null]})),
    ]
}

fn any_key() -> impl Strategy<Value = String> {
    let known = (0..Key::ALL.len()).prop_map(|at| Key::ALL[at].as_str().to_owned());
    prop_oneof![9 => known, 1 => "[a-z_.]{1,12}"]
}

proptest! {
    #[test]
    fn a_change_is_made_as_a_whole_or_not_at_all(
        wanted in proptest::collection::btree_map(any_key(), any_value(), 0..5)
    ) {
        let (_dir, file) = file(TEXT);
        match file.change(&wanted) {
            Ok(()) => {
                let text = fs::read_to_string(file.path()).unwrap();
                prop_assert!(text.contains("# mine") && text.contains("fancy = \"yes\"") && text.contains("[window]"));
                let home = Home::of_config(file.path());
                let view = file.view(&home, None).unwrap();
                for (key, value) in wanted {
                    let setting = view.settings.iter().find(|setting| setting.key == key).unwrap();
                    prop_assert_eq!(setting.value.is_none(), value.is_null(), "{}", key);
                }
            }
            Err(error) => {
                let problems = refused(error);
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(wanted.contains_key(&problem.key), "{:?}", problem);
                }
                prop_assert_eq!(fs::read_to_string(file.path()).unwrap(), TEXT);
            }
        }
    }
}
