//! Opening: what is whole is opened, what is not is named, and nothing is lost on the way.

#![expect(clippy::unwrap_used, reason = "all of this is a test, its helpers included")]

#[path = "support/fixture.rs"]
mod fixture;

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use studio_store::{Db, Look, OpenStoreError, Store, StoreError, restore};
use tempfile::TempDir;

use fixture::{Fixture, at};

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("studio.db");
        Self { _folder: folder, path }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    /// A closed database with a few jobs in it.
    async fn with_jobs() -> Self {
        let place = Self::new();
        fill(&place.path, 20).await;
        place
    }
}

async fn fill(path: &Path, jobs: usize) {
    let store = Store::open(path).unwrap();
    let mut f = Fixture::new(Db::open_in_memory().unwrap());
    let jobs = (0..jobs).map(|_| f.new_job("chat")).collect();
    let model = fixture::model("chat", studio_protocol::TaskKind::Llm);
    let new = studio_store::Submission { batch: None, jobs, idempotency: None };
    store.write(move |db| db.put_model(&model, at(1))).await.unwrap();
    store.write(move |db| db.submit(new, at(2))).await.unwrap();
    store.close().await;
}

async fn waiting(path: &Path) -> u64 {
    let store = Store::open(path).unwrap();
    let counts = store.read(Db::counts).await.unwrap();
    store.close().await;
    counts.queued
}

fn refusal(path: &Path) -> OpenStoreError {
    let before = fs::read(path).ok();
    let error = Store::open(path).unwrap_err();
    assert_eq!(fs::read(path).ok(), before, "a refused file is not touched");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let place = Place::with_jobs().await;
    assert_eq!(waiting(&place.path).await, 20);
    assert!(!place.beside("studio.db-wal").exists(), "a closed database is one file");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let store = Store::open(&place.path).unwrap();
    store.write(|db| db.set_meta("k", "v")).await.unwrap();
    for name in ["studio.db", "studio.db-wal"] {
        let mode = fs::metadata(place.beside(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    let place = Place::new();
    fs::write(&place.path, "this is not a database, but it is long enough to be one ".repeat(100)).unwrap();
    let error = refusal(&place.path);
    assert!(matches!(error, OpenStoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("studio restore"), "{error}");
}

#[tokio::test]
async fn an_emptied_file_is_refused_instead_of_filled() {
    let place = Place::with_jobs().await;
    fs::write(&place.path, "").unwrap();
    assert!(matches!(refusal(&place.path), OpenStoreError::Corrupt { .. }));
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let place = Place::with_jobs().await;
    let file = OpenOptions::new().write(true).open(&place.path).unwrap();
    for bytes in [100, 5_000, file.metadata().unwrap().len() - 4_096] {
        let short = place.beside(&format!("short-{bytes}.db"));
        fs::copy(&place.path, &short).unwrap();
        OpenOptions::new().write(true).open(&short).unwrap().set_len(bytes).unwrap();
        let error = refusal(&short);
        assert!(matches!(error, OpenStoreError::Corrupt { .. }), "{bytes}: {error:?}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_found_on_opening() {
    let place = Place::with_jobs().await;
    let mut file = OpenOptions::new().write(true).open(&place.path).unwrap();
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in 1..pages {
        file.seek(SeekFrom::Start(page * 4_096)).unwrap();
        file.write_all(&[0xA5; 2_048]).unwrap();
    }
    drop(file);
    assert!(matches!(refusal(&place.path), OpenStoreError::Corrupt { .. }));
}

#[tokio::test]
async fn a_read_only_file_is_refused() {
    let place = Place::with_jobs().await;
    let mut permissions = fs::metadata(&place.path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&place.path, permissions).unwrap();
    let error = refusal(&place.path);
    assert!(matches!(error, OpenStoreError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_number() {
    let place = Place::with_jobs().await;
    let conn = rusqlite::Connection::open(&place.path).unwrap();
    conn.pragma_update(None, "user_version", 4_711).unwrap();
    conn.close().unwrap();
    let error = refusal(&place.path);
    assert!(matches!(error, OpenStoreError::Newer { found: 4_711, .. }), "{error:?}");
    assert!(error.to_string().contains("4711"), "{error}");
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let place = Place::new();
    let conn = rusqlite::Connection::open(&place.path).unwrap();
    conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
    conn.close().unwrap();
    assert!(matches!(refusal(&place.path), OpenStoreError::NotOurs { .. }));
}

#[tokio::test]
async fn a_log_without_its_database_is_not_thrown_away() {
    let place = Place::new();
    let log = place.beside("studio.db-wal");
    fs::write(&log, "what was written last").unwrap();
    let error = refusal(&place.path);
    assert!(matches!(error, OpenStoreError::Missing { .. }), "{error:?}");
    assert!(log.exists() && !place.path.exists());
}

#[tokio::test]
async fn a_creation_that_was_cut_short_is_started_anew() {
    let place = Place::new();
    fs::write(place.beside("studio.db.new"), "half of it").unwrap();
    Store::open(&place.path).unwrap().close().await;
    assert!(!place.beside("studio.db.new").exists());
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let place = Place::new();
    let error = refusal(&place.beside("nowhere").join("studio.db"));
    assert!(matches!(error, OpenStoreError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn a_backup_is_taken_while_writing_and_can_be_put_back() {
    let place = Place::with_jobs().await;
    let (copy, aside) = (place.beside("backup.db"), place.beside("former.db"));
    let store = Store::open(&place.path).unwrap();
    let to = copy.clone();
    store.read(move |db| db.backup_to(&to)).await.unwrap();
    let to = copy.clone();
    let error = store.read(move |db| db.backup_to(&to)).await.unwrap_err();
    assert!(matches!(error, StoreError::Backup(_)), "a backup is never overwritten: {error:?}");
    store.write(|db| db.cancel(&"job-1".into(), "", at(9))).await.unwrap();
    store.close().await;
    assert_eq!(waiting(&place.path).await, 19);

    assert_eq!(restore(&copy, &place.path, &aside).unwrap(), Some(aside.clone()));
    assert_eq!(waiting(&place.path).await, 20);
    assert_eq!(waiting(&aside).await, 19);
}

#[tokio::test]
async fn a_damaged_backup_is_not_put_back() {
    let place = Place::with_jobs().await;
    let (copy, aside) = (place.beside("backup.db"), place.beside("former.db"));
    fs::copy(&place.path, &copy).unwrap();
    OpenOptions::new().write(true).open(&copy).unwrap().set_len(9_000).unwrap();
    let error = restore(&copy, &place.path, &aside).unwrap_err();
    assert!(matches!(&error, OpenStoreError::Corrupt { path, .. } if *path == copy), "{error:?}");
    assert_eq!(waiting(&place.path).await, 20);
    assert!(!aside.exists());
}

#[tokio::test]
async fn a_backup_is_put_where_nothing_is() {
    let place = Place::with_jobs().await;
    let empty = Place::new();
    assert_eq!(restore(&place.path, &empty.path, &empty.beside("former.db")).unwrap(), None);
    assert_eq!(waiting(&empty.path).await, 20);
}

#[tokio::test]
async fn a_look_makes_no_file_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // What means something in an address of SQLite's.
    let path = folder.path().join("a%20b?c#d e.db");
    fill(&path, 3).await;
    let before = fs::read(&path).unwrap();
    let look = Look::open_still(&path).unwrap();
    assert_eq!(look.version(), Look::KNOWN_VERSION);
    assert_eq!(look.db().counts().unwrap().queued, 3);
    assert_eq!(look.db().structure_check(true).unwrap(), Vec::<String>::new());
    assert_eq!(look.db().miscounts().unwrap(), Vec::<String>::new());
    assert!(!look.has_moved());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no log was made beside it");
    let store = Store::open(&path).unwrap();
    assert!(look.has_moved(), "somebody has it open for writing now");
    // Beside a writer its log is read as well, and stays what it is.
    let model = fixture::model("later", studio_protocol::TaskKind::Llm);
    store.write(move |db| db.put_model(&model, at(3))).await.unwrap();
    let log = fs::read(folder.path().join("a%20b?c#d e.db-wal")).unwrap();
    let look = Look::open_still(&path).unwrap();
    assert!(look.db().models().unwrap().iter().any(|model| model.id == "later"));
    drop(look);
    assert!(fs::read(folder.path().join("a%20b?c#d e.db-wal")).unwrap() == log);
    assert!(fs::read(&path).unwrap() == before);
    store.close().await;
}
