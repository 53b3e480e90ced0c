//! Doctor on data directories that are damaged in every way it knows, and beside a studio that runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use serde_json::Value;
use testkit::{Home, StudioProcess};

use crate::shop::{Ran, Shop, run};

/// A doctor that knows of no studio but the directory.
fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.arg("doctor").args(arguments).arg("--data-dir").arg(data_dir);
    for name in ["STUDIO_URL", "STUDIO_API_KEY", "STUDIO_API_KEY_FILE", "STUDIO_PUBLIC_URL"] {
        command.env_remove(name);
    }
    command
}

/// What it says, for programs.
struct Report {
    code: i32,
    findings: Vec<Value>,
}

impl Report {
    async fn of(command: Command) -> Self {
        let ran = run(command).await;
        let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        Self { code: ran.code, findings: report["findings"].as_array().expect("findings").clone() }
    }

    /// The findings of a check, `level: detail: advice`.
    fn of_check(&self, check: &str) -> Vec<String> {
        let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let of_check = self.findings.iter().filter(|finding| finding["check"] == check);
        of_check
            .map(|finding| {
                [word(finding, "level"), word(finding, "detail"), word(finding, "advice")].join(": ")
            })
            .collect()
    }

    /// Asserts that the check found this, and that nothing else is worse than `ok` or expected.
    #[track_caller]
    fn tells(&self, level: &str, check: &str, parts: &[&str]) {
        let found = self.of_check(check);
        let is_it = |line: &&String| {
            line.starts_with(&format!("{level}: ")) && parts.iter().all(|part| line.contains(part))
        };
        assert!(found.iter().any(|line| is_it(&line)), "{level} {check} {parts:?}: {:#?}", self.findings);
        let others = self.findings.iter().filter(|one| one["check"] != check && one["level"] != "ok");
        let others: Vec<_> = others.filter(|one| one["check"] != "disk").collect();
        assert!(others.is_empty(), "nothing else: {others:?}");
        assert_eq!(self.code, i32::from(level == "fail"));
    }
}

async fn doctor(data_dir: &Path, arguments: &[&str]) -> Report {
    Report::of(command(data_dir, &[&["--json"], arguments].concat())).await
}

/// The data directory of a studio that made a picture, had an input, and was stopped in order.
struct Stopped {
    _home: Home,
    data_dir: PathBuf,
}

impl Stopped {
    async fn new() -> Self {
        let mut shop = Shop::open().await;
        let mut worker = shop.worker().await;
        let submit = ["jobs", "submit", "--model", "synthetic", "--ext", "png", "a fox", "--watch"];
        let (ran, ()) = tokio::join!(shop.run(&submit), worker.work(1));
        assert_eq!(ran.code, 0, "{ran:?}");
        let api = shop.studio.api();
        let input = api.request(reqwest::Method::POST, "/inputs").header("content-type", "image/png");
        let answer = api.send(input.body(b"a picture of a client".to_vec())).await.expect("an answer");
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        drop(worker);
        shop.studio.sigterm();
        shop.studio.exit(Duration::from_secs(20)).await;
        let data_dir = shop.studio.data_dir().to_owned();
        let Shop { home, .. } = shop;
        Self { _home: home, data_dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    fn sql(&self, sql: &str) {
        let conn = Connection::open(self.path("studio.db")).expect("the database opens");
        conn.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn one(&self, sql: &str) -> String {
        let conn = Connection::open(self.path("studio.db")).expect("the database opens");
        conn.query_row(sql, [], |row| row.get(0)).expect("a row")
    }

    async fn doctor(&self) -> Report {
        doctor(&self.data_dir, &[]).await
    }
}

/// Every file with its bytes.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                all.push((path, bytes));
            }
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn a_directory_that_is_well_is_left_as_it_is() {
    let stopped = Stopped::new().await;
    let before = state(&stopped.data_dir);
    for arguments in [&[][..], &["--deep"]] {
        let report = doctor(&stopped.data_dir, arguments).await;
        assert_eq!(report.code, 0, "{:#?}", report.findings);
        for check in [
            "folder",
            "signing",
            "private",
            "database",
            "schema",
            "queue",
            "counts",
            "clock",
            "access",
            "webhooks",
            "artefacts",
            "inputs",
            "leftovers",
            "models",
            "registry",
            "studio",
        ] {
            assert!(!report.of_check(check).is_empty(), "{check}: {:#?}", report.findings);
        }
        let bad = report.findings.iter().find(|one| one["level"] != "ok" && one["check"] != "disk");
        assert!(bad.is_none(), "{bad:?}");
    }
    assert!(state(&stopped.data_dir) == before, "looking changes nothing and makes no file");
    let text = run(command(&stopped.data_dir, &[])).await;
    assert!(
        text.out.lines().skip(1).all(|line| line.starts_with("ok ") || line.contains("disk")),
        "{text:?}"
    );
}

#[tokio::test]
async fn a_studio_that_runs_is_not_disturbed() {
    let shop = Shop::open().await;
    let data_dir = shop.studio.data_dir().to_owned();
    shop.ok(&["jobs", "submit", "--model", "synthetic-chat", "it waits"]).await;
    let files = || ["studio.db", "studio.db-wal"].map(|name| fs::read(data_dir.join(name)).expect("a file"));
    let before = files();
    assert!(!before[1].is_empty(), "what was written last is in the log alone");
    let report = Report::of(command(&data_dir, &["--json", "--url", &shop.studio.url()])).await;
    assert_eq!(report.code, 0, "{:#?}", report.findings);
    report.tells("ok", "queue", &["1 jobs, 1 of them open"]);
    report.tells("ok", "studio", &["is ready, version"]);
    let backup = shop.path("backup").display().to_string();
    let ran = backup_of(&data_dir, &backup).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(files() == before, "neither the database nor its log was written");
    shop.ok(&["jobs", "submit", "--model", "synthetic-chat", "it is taken as before"]).await;
}

async fn backup_of(data_dir: &Path, to: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.args(["backup", to, "--data-dir"]).arg(data_dir);
    run(command).await
}

#[tokio::test]
async fn what_was_written_before_a_crash_is_seen_and_stays_in_its_log() {
    let mut shop = Shop::open().await;
    shop.ok(&["jobs", "submit", "--model", "synthetic-chat", "it waits"]).await;
    shop.studio.kill9();
    let data_dir = shop.studio.data_dir().to_owned();
    let files = || ["studio.db", "studio.db-wal"].map(|name| fs::read(data_dir.join(name)).expect("a file"));
    let before = files();
    doctor(&data_dir, &[]).await.tells("ok", "queue", &["1 jobs, 1 of them open"]);
    assert_eq!(backup_of(&data_dir, &shop.path("backup").display().to_string()).await.code, 0);
    assert!(files() == before);
}

#[tokio::test]
async fn another_schema_is_told_and_not_changed() {
    let stopped = Stopped::new().await;
    let known = stopped.one("SELECT CAST(user_version AS TEXT) FROM pragma_user_version");
    stopped.sql("PRAGMA user_version = 99");
    let before = state(&stopped.data_dir);
    stopped.doctor().await.tells("fail", "schema", &["version 99", &known, "newer studio"]);
    let to = stopped.path("../refused").display().to_string();
    let ran = backup_of(&stopped.data_dir, &to).await;
    assert!(ran.code == 1 && ran.err.contains("schema version 99"), "{ran:?}");
    assert!(state(&stopped.data_dir) == before);

    // As a studio from before the last migration left it.
    stopped.sql("PRAGMA user_version = 7");
    let before = state(&stopped.data_dir);
    stopped.doctor().await.tells("warn", "schema", &["version 7", "brings it up"]);
    assert!(state(&stopped.data_dir) == before, "nothing was brought up");
    let to = stopped.path("../kept");
    let ran = backup_of(&stopped.data_dir, &to.display().to_string()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let copy = Connection::open(to.join("studio.db")).expect("the copy opens");
    let version: i64 = copy.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    assert_eq!(version, 7, "the studio that wrote it can have it back");
}

#[tokio::test]
async fn bytes_without_rows_and_rows_without_bytes_are_named() {
    let stopped = Stopped::new().await;
    let artefacts = stopped.path("artefacts");
    let key = stopped.one("SELECT key FROM artefacts");
    let id = stopped.one("SELECT id FROM artefacts");
    let bytes = fs::read(artefacts.join(&key)).expect("an artefact");
    fs::write(artefacts.join(&key), b"short").expect("a file can be written");
    stopped.doctor().await.tells("fail", "artefacts", &["1 damaged", &id, "5 bytes in place of"]);
    fs::remove_file(artefacts.join(&key)).expect("a file can be removed");
    stopped.doctor().await.tells("fail", "artefacts", &["1 damaged", &id, "retry their jobs"]);
    fs::write(artefacts.join(&key), bytes).expect("a file can be written");

    let key = stopped.one("SELECT key FROM inputs");
    let length = fs::read(artefacts.join(&key)).expect("an input").len();
    fs::write(artefacts.join(&key), vec![0; length]).expect("a file can be written");
    assert_eq!(stopped.doctor().await.code, 0, "hashes were not asked for");
    let deep = doctor(&stopped.data_dir, &["--deep"]).await;
    deep.tells("fail", "inputs", &["its hash is another", "bring them again"]);
    fs::remove_file(artefacts.join(&key)).expect("a file can be removed");
    stopped.doctor().await.tells("fail", "inputs", &["1 damaged or gone"]);
    stopped.sql("DELETE FROM inputs");

    let orphan = artefacts.join("job-0").join("orphan.png");
    fs::create_dir_all(orphan.parent().expect("a folder")).expect("a folder can be made");
    fs::write(&orphan, b"nobody's").expect("a file can be written");
    stopped.doctor().await.tells("ok", "leftovers", &["1 that may be under way"]);
    let file = fs::File::options().write(true).open(&orphan).expect("the file opens");
    file.set_modified(SystemTime::now() - Duration::from_hours(2)).expect("its time can be set");
    stopped.doctor().await.tells("warn", "leftovers", &["job-0/orphan.png", "deletes them"]);
}

#[tokio::test]
async fn keys_that_are_damaged_gone_or_open_to_others_are_told() {
    let stopped = Stopped::new().await;
    let signing = stopped.path("studio.key");
    let good = fs::read(&signing).expect("a key");
    for (bad, why) in [("zz", "not hex"), ("abcd", "2 bytes, not 32")] {
        fs::write(&signing, bad).expect("a file can be written");
        stopped.doctor().await.tells("fail", "signing", &[why, "restore it from a backup"]);
    }
    fs::write(&signing, good).expect("a file can be written");
    let away = stopped.path("../studio.key");
    fs::rename(&signing, &away).expect("a file can be moved");
    stopped.doctor().await.tells("fail", "signing", &["is missing"]);
    assert!(!signing.exists(), "looking draws no key");
    fs::rename(&away, &signing).expect("a file can be moved");

    fs::write(stopped.path("admin.key"), "sk-studio-of-yesterday").expect("a file can be written");
    let report = stopped.doctor().await;
    assert!(report.of_check("access").iter().any(|line| line.contains("is not known any more")));
    stopped.sql("DELETE FROM api_keys");
    stopped.doctor().await.tells("fail", "access", &["nobody may administer", "start the studio again"]);
}

#[cfg(unix)]
#[tokio::test]
async fn files_that_others_may_read_are_told_with_the_cure() {
    use std::os::unix::fs::PermissionsExt;
    let stopped = Stopped::new().await;
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
    };
    for name in ["studio.key", "admin.key", "studio.db"] {
        let path = stopped.path(name);
        mode(&path, 0o644);
        let report = stopped.doctor().await;
        report.tells("fail", "private", &[name, "644", "chmod 600"]);
        mode(&path, 0o600);
    }
    mode(&stopped.data_dir, 0o777);
    stopped.doctor().await.tells("fail", "folder", &["everybody on this machine", "chmod o-w"]);
    mode(&stopped.data_dir, 0o755);
    assert_eq!(stopped.doctor().await.code, 0);
}

#[tokio::test]
async fn a_damaged_database_is_told_and_left_as_it_is() {
    let stopped = Stopped::new().await;
    let path = stopped.path("studio.db");
    let good = fs::read(&path).expect("a database");
    let mut holes = good.clone();
    holes.chunks_mut(4_096).skip(1).for_each(|page| page[..2_048].fill(0xa5));
    for bytes in [holes, good[..good.len() / 2].to_vec(), b"this is no database".to_vec(), Vec::new()] {
        fs::write(&path, &bytes).expect("a file can be written");
        let report = stopped.doctor().await;
        let told = report.of_check("database").join("\n");
        assert!(report.code == 1 && told.contains("restore"), "{told}");
        assert!(fs::read(&path).expect("a database") == bytes);
        assert!(!stopped.path("studio.db-wal").exists());
    }
    fs::remove_file(&path).expect("a file can be removed");
    let other = Connection::open(&path).expect("a database can be made");
    other.execute_batch("CREATE TABLE other (a)").expect("a table");
    drop(other);
    let told = stopped.doctor().await.of_check("database").join("\n");
    assert!(told.contains("another program"), "{told}");
}

#[tokio::test]
async fn wrong_counts_a_clock_behind_and_deaf_webhooks_are_told() {
    let stopped = Stopped::new().await;
    stopped.sql("UPDATE projects SET done = done + 3");
    stopped.doctor().await.tells("fail", "counts", &["the project ", "counts projects anew"]);
    stopped.sql("UPDATE projects SET done = done - 3; UPDATE job_counts SET failed = 2");
    stopped.doctor().await.tells("fail", "counts", &["all jobs that are failed"]);
    stopped.sql("UPDATE job_counts SET failed = 0");

    let now: i64 = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_millis().try_into().expect("a time");
    let at = |minutes: i64| format!("UPDATE jobs SET created_at = {}", now + minutes * 60_000);
    stopped.sql(&at(3));
    assert_eq!(stopped.doctor().await.of_check("clock").len(), 1);
    stopped.doctor().await.tells("ok", "clock", &[]);
    stopped.sql(&at(60));
    stopped.doctor().await.tells("warn", "clock", &["set the clock"]);
    stopped.sql(&at(-1));

    stopped.sql(
        "INSERT INTO webhooks (id, url, events, created_at) VALUES ('hook-1', 'https://a.test/secret', 'job.done', 0);\
         INSERT INTO deliveries (id, webhook, event, payload, state, attempts, created_at) \
            SELECT 'd-1', seq, 'job.done', '{}', 'failed', 5, 0 FROM webhooks",
    );
    let report = stopped.doctor().await;
    report.tells("warn", "webhooks", &["hook-1 (1 given up, 0 to be tried again)"]);
    assert!(!report.of_check("webhooks").join("").contains("secret"), "an address may hold a password");
    stopped.sql(
        "INSERT INTO deliveries (id, webhook, event, payload, state, attempts, created_at) \
            SELECT 'd-2', seq, 'job.done', '{}', 'delivered', 1, 0 FROM webhooks",
    );
    stopped.doctor().await.tells("ok", "webhooks", &["1, 0 of them disabled"]);
}

#[tokio::test]
async fn model_files_that_the_registry_expects_and_that_are_not_here_are_named() {
    let stopped = Stopped::new().await;
    let file = r#"{"role":"model","url":"studio:///models/mine/mine.gguf","filename":"mine.gguf"}"#;
    let defaults = r#"{"cfgScale":1,"steps":4,"width":64,"height":64}"#;
    let source = format!(r#"{{"engine":"sd-cpp","files":[{file}],"cliDefaults":{defaults}}}"#);
    stopped.sql(
        "INSERT INTO models (id, kind, engine, vram_gb, enabled, source, created_at, updated_at) \
         VALUES ('mine', 'image', 'sd-cpp', 1, 1, '{}', 0, 0)",
    );
    stopped.doctor().await.tells("fail", "registry", &["mine", "restore"]);
    stopped.sql(&format!("UPDATE models SET source = '{source}' WHERE id = 'mine'"));
    stopped.doctor().await.tells("warn", "registry", &["mine/mine.gguf", "upload them"]);
    stopped.sql("UPDATE models SET enabled = 0 WHERE id = 'mine'");
    stopped.doctor().await.tells("ok", "registry", &["without a hash"]);
}

#[tokio::test]
async fn certificates_that_expire_or_do_not_match_are_told() {
    let stopped = Stopped::new().await;
    let home = Home::new();
    let (cert, key) = (home.join("cert.pem"), home.join("key.pem"));
    let files = [cert.display().to_string(), key.display().to_string()];
    let look = async || doctor(&stopped.data_dir, &["--tls-cert", &files[0], "--tls-key", &files[1]]).await;
    let write = |from: i64, until: i64| {
        let day = |days: i64| {
            let seconds = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs().cast_signed();
            let date = (seconds + days * 86_400) / 86_400;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(date.cast_unsigned() * 86_400)
        };
        let own = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
        (params.not_before, params.not_after) = (day(from), day(until));
        fs::write(&cert, params.self_signed(&own).expect("a certificate").pem()).expect("a file");
        fs::write(&key, own.serialize_pem()).expect("a file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode can be set");
        }
    };
    write(-10, 90);
    look().await.tells("ok", "tls", &["valid until"]);
    write(-10, 20);
    look().await.tells("warn", "tls", &["expires at", "renew"]);
    write(-10, -1);
    look().await.tells("fail", "tls", &["expired at", "renew"]);
    write(2, 90);
    look().await.tells("fail", "tls", &["not valid before"]);
    let other = fs::read(&cert).expect("a certificate");
    write(-10, 90);
    fs::write(&cert, other).expect("a file");
    look().await.tells("fail", "tls", &["do not go together"]);
    fs::write(&cert, "no PEM").expect("a file");
    look().await.tells("fail", "tls", &["cert.pem"]);
    fs::remove_file(&key).expect("a file can be removed");
    assert_eq!(look().await.code, 1);
}

#[tokio::test]
async fn a_studio_or_public_address_that_does_not_answer_is_told() {
    let stopped = Stopped::new().await;
    // Nobody listens on the port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nowhere = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    let report = doctor(&stopped.data_dir, &["--url", &nowhere]).await;
    report.tells("fail", "studio", &["no answer from"]);
    let home = Home::new();
    let other = StudioProcess::start(&home).await;
    let report = doctor(&stopped.data_dir, &["--url", &other.url()]).await;
    report.tells("warn", "studio", &["tells no more", "--api-key-file"]);
    let report = doctor(&stopped.data_dir, &["--public-url", &other.url()]).await;
    report.tells("ok", "public", &["answers"]);
    let report = doctor(&stopped.data_dir, &["--public-url", &nowhere]).await;
    report.tells("fail", "public", &["workers cannot reach"]);
}
