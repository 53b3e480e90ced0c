use worker_core::Secret;
use worker_local::Notice;

use super::*;

fn file(text: &str) -> (tempfile::TempDir, ConfigFile) {
    let dir = tempfile::tempdir().unwrap();
    let file = ConfigFile::new(dir.path().join("config.toml"));
    fs::write(file.path(), text).unwrap();
    (dir, file)
}

fn load(file: &ConfigFile) -> Result<Config, ConfigError> {
    file.load_with(&|_| None)
}

fn approved() -> Identity {
    Identity::Approved { install_id: "i-1".into(), worker_id: "w-1".into(), auth_token: Secret::new("tok") }
}

#[test]
fn a_missing_file_is_created_private_with_defaults_that_are_valid() {
    let dir = tempfile::tempdir().unwrap();
    let file = ConfigFile::new(dir.path().join("deep/config.toml"));
    let config = file.load_or_create().unwrap();
    assert_eq!(config.identity, Identity::Pristine { install_id: None });
    assert!(config.unknown_keys.is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_commented_settings_of_the_template_are_valid_too() {
    let all = TEMPLATE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line));
    let (_dir, file) = file(&all.collect::<Vec<_>>().join("\n"));
    let config = load(&file).unwrap();
    assert!(config.unknown_keys.is_empty(), "{:?}", config.unknown_keys);
    assert_eq!(config.vram_threshold_gb, Some(8.0));
}

#[test]
fn a_new_file_means_what_an_empty_one_does() {
    let ((_one, new), (_other, empty)) = (file(&TEMPLATE), file(""));
    assert_eq!(load(&new).unwrap(), load(&empty).unwrap());
}

#[test]
fn an_identity_comes_back_and_leaves_no_trace_of_the_former_one() {
    let (_dir, file) = file(&TEMPLATE);
    let pending = Identity::Pending {
        install_id: "i-1".into(),
        request_id: "rr-1".into(),
        secret: Secret::new("s3cret"),
    };
    let rejected = Identity::Rejected { install_id: "i-1".into(), reason: "no".into() };
    let pristine = Identity::Pristine { install_id: None };
    for identity in [pending, approved(), rejected, pristine] {
        file.save_identity(&identity).unwrap();
        assert_eq!(load(&file).unwrap().identity, identity);
    }
    let text = fs::read_to_string(file.path()).unwrap();
    assert_eq!(text, *TEMPLATE, "comments and order are kept");
}

#[test]
fn comments_and_unknown_keys_are_kept() {
    let (_dir, file) = file("# mine\nslots = 2 # two cards\nfancy = \"yes\"\n\n[window]\nwidth = 3\n");
    file.save(Key::Slots, 3).unwrap();
    file.save_identity(&approved()).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("# mine\nslots = 3 # two cards\nfancy = \"yes\"\n"), "{text}");
    assert!(text.contains("[window]\nwidth = 3"));
    let config = load(&file).unwrap();
    assert_eq!(config.unknown_keys, ["fancy", "window"]);
    assert_eq!(config.identity, approved(), "new keys go above the first table");
}

#[test]
fn what_stands_above_a_removed_value_stays() {
    for (before, after) in [
        ("# mine\nslots = 2 # two\npaused = true\n", "# mine\npaused = true\n"),
        ("# mine\nslots = 2\n\n[window]\nwidth = 3\n", "# mine\n\n[window]\nwidth = 3\n"),
        ("paused = true\n# mine\nslots = 2\n", "paused = true\n# mine\n"),
    ] {
        let (_dir, file) = file(before);
        file.edit(|document| put(document, Key::Slots, None)).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), after);
    }
}

#[test]
fn every_problem_is_told_with_its_key_and_line() {
    let (_dir, file) = file(
        "api_base_url = \"ftp://x\"\n\nslots = 0\npaused = \"no\"\nshutdown_grace_secs = -1\nworker_id = \"w-1\"\n",
    );
    let Err(ConfigError::Values { problems, .. }) = load(&file) else { panic!("it is wrong") };
    let told: Vec<(Option<usize>, &str)> = problems.iter().map(|p| (p.line, p.key.as_str())).collect();
    for wanted in
        [(1, "api_base_url"), (3, "slots"), (4, "paused"), (5, "shutdown_grace_secs"), (6, "worker_id")]
    {
        assert!(told.contains(&(Some(wanted.0), wanted.1)), "{wanted:?} in {told:?}");
    }
    assert_eq!(told.len(), 5);
    let text = load(&file).unwrap_err().to_string();
    assert!(
        text.contains("5 problems") && text.contains("line 3: slots: `0` is not a whole number from 1 to 64"),
        "{text}"
    );
}

#[test]
fn a_word_that_is_no_notification_is_a_problem_and_none_is_the_default() {
    let (_dir, silent) = file("");
    assert_eq!(load(&silent).unwrap().notify_on, []);
    let (_dir, wanted) = file("notify_on = [\"update\", \"job_done\"]\n");
    assert_eq!(load(&wanted).unwrap().notify_on, [Notice::Update, Notice::JobDone]);
    let (_dir, wrong) = file("\nnotify_on = [\"job_done\", \"jobs\"]\n");
    let error = load(&wrong).unwrap_err().to_string();
    assert!(error.contains("line 2: notify_on: `jobs` is none of job_done, job_failed"), "{error}");
}

#[test]
fn a_corrupt_file_is_an_error_with_the_line_and_stays_as_it_is() {
    let corrupt = "slots = 1\npaused = tru";
    let (_dir, file) = file(corrupt);
    let error = load(&file).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    assert!(matches!(file.save_identity(&approved()), Err(EditError::Config(ConfigError::Syntax { .. }))));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), corrupt);
}

#[test]
fn bytes_that_are_not_text_are_an_error() {
    let (_dir, file) = file("");
    fs::write(file.path(), [0xff, 0xfe, 0x00]).unwrap();
    assert!(matches!(load(&file), Err(ConfigError::File { act: "read", .. })));
}

#[test]
fn variables_win_over_the_file_but_not_over_the_registration() {
    let (_dir, file) = file("slots = 2\nauth_token = \"tok\"\nworker_id = \"w-1\"\ninstall_id = \"i-1\"\n");
    let variables = |name: &str| match name {
        "STUDIO_WORKER_SLOTS" => Some("5".to_owned()),
        "STUDIO_WORKER_PAUSED" => Some("1".to_owned()),
        "STUDIO_WORKER_AUTH_TOKEN" => Some("stolen".to_owned()),
        _ => None,
    };
    let config = file.load_with(&variables).unwrap();
    assert_eq!((config.slots, config.paused), (Some(5), true));
    assert_eq!(config.identity, approved());
    let wrong = |name: &str| (name == "STUDIO_WORKER_SLOTS").then(|| "many".to_owned());
    let error = file.load_with(&wrong).unwrap_err().to_string();
    assert!(error.contains("STUDIO_WORKER_SLOTS: `many`"), "{error}");
}

#[test]
fn a_change_that_would_make_the_file_invalid_is_not_written() {
    let (_dir, file) = file(&TEMPLATE);
    assert!(file.save(Key::Slots, 1000).is_err());
    assert_eq!(fs::read_to_string(file.path()).unwrap(), *TEMPLATE);
}

#[test]
fn changes_from_several_sides_do_not_undo_each_other() {
    let (_dir, file) = file(&TEMPLATE);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let file = file.clone();
            scope.spawn(move || {
                for _ in 0..10 {
                    file.edit(|document| {
                        let old = document.get(&format!("count_{n}")).and_then(Item::as_integer).unwrap_or(0);
                        document.insert(&format!("count_{n}"), value(old + 1));
                    })
                    .unwrap();
                }
            });
        }
    });
    let text = fs::read_to_string(file.path()).unwrap();
    let document: DocumentMut = text.parse().unwrap();
    for n in 0..8 {
        assert_eq!(document[&format!("count_{n}")].as_integer(), Some(10));
    }
}

#[test]
fn secrets_are_not_told_in_problems() {
    let (_dir, file) = file("worker_id = \"w-1\"\nauth_token = 12345678\n");
    let error = load(&file).unwrap_err().to_string();
    assert!(error.contains("auth_token") && !error.contains("12345678"), "{error}");
}
