//! Backup, restore and doctor on a data directory.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::{StudioOptions, StudioProcess};

use crate::shop::{Ran, Shop, run};

async fn studio(arguments: &[&str], data_dir: &Path) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.args(arguments).arg("--data-dir").arg(data_dir);
    run(command).await
}

/// A studio with one finished picture and one job that waits.
async fn busy() -> Shop {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    let submit = ["jobs", "submit", "--model", "synthetic", "--ext", "png", "a fox", "--watch"];
    let (ran, ()) = tokio::join!(shop.run(&submit), worker.work(1));
    assert_eq!(ran.code, 0, "{ran:?}");
    shop
}

fn artefact_file(data_dir: &Path) -> std::path::PathBuf {
    fn find(folder: &Path) -> Option<std::path::PathBuf> {
        folder
            .read_dir()
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .find_map(|path| if path.is_dir() { find(&path) } else { Some(path) })
    }
    find(&data_dir.join("artefacts")).expect("there is an artefact")
}

#[tokio::test]
async fn a_backup_of_a_running_studio_becomes_another_studio() {
    let mut shop = busy().await;
    let data_dir = shop.studio.data_dir().to_owned();
    let backup = shop.path("backup");
    let backup_text = backup.display().to_string();
    let ran = studio(&["--json", "backup", &backup_text], &data_dir).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let manifest: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(manifest["artefacts"], 1);
    let again = studio(&["backup", &backup_text], &data_dir).await;
    assert!(again.code == 1 && again.err.contains("not empty"), "{again:?}");
    let later = shop.ok(&["jobs", "submit", "--model", "synthetic-chat", "after the backup"]).await;
    shop.studio.kill9();

    let fresh = shop.path("fresh");
    let ran = studio(&["restore", &backup_text], &fresh).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let into_data = studio(&["restore", &backup_text], &fresh).await;
    assert!(into_data.code == 1 && into_data.err.contains("not empty"), "{into_data:?}");
    let key = |folder: &Path| std::fs::read(folder.join("studio.key")).unwrap();
    assert_eq!(key(&fresh), key(&data_dir), "addresses that were given out still open");
    #[cfg(unix)]
    for folder in [&backup, &fresh] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join("studio.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let ran = studio(&["--json", "doctor", "--deep"], &fresh).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("every hash is right"), "{ran:?}");

    let options = StudioOptions { data_dir: Some(fresh), ..StudioOptions::default() };
    let restored = Shop { studio: StudioProcess::start_with(&shop.home, options).await, home: shop.home };
    let jobs = restored.json(&["jobs", "list"]).await;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "what came after the backup is not in it");
    assert_eq!(restored.run(&["jobs", "show", &later]).await.code, 1);
    let id = jobs["items"][0]["id"].as_str().unwrap();
    let file = restored.path("fox.png");
    restored.ok(&["jobs", "result", id, "-o", &file.display().to_string()]).await;
    assert_eq!(std::fs::read(file).unwrap(), b"bytes of a fox");
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let mut shop = busy().await;
    shop.studio.kill9();
    let data_dir = shop.studio.data_dir().to_owned();
    let backup = shop.path("backup").display().to_string();
    assert_eq!(studio(&["backup", &backup], &data_dir).await.code, 0);

    std::fs::write(artefact_file(&data_dir), b"bytes of a fix").unwrap();
    assert_eq!(studio(&["doctor"], &data_dir).await.code, 0, "the size is right, hashes were not asked for");
    let deep = studio(&["doctor", "--deep"], &data_dir).await;
    assert!(deep.code == 1 && deep.out.contains("its hash is another"), "{deep:?}");
    let second = shop.path("second").display().to_string();
    let ran = studio(&["backup", &second], &data_dir).await;
    assert!(ran.code == 1 && ran.err.contains("lacks 1 artefacts"), "{ran:?}");
    std::fs::remove_file(artefact_file(&data_dir)).unwrap();
    let ran = studio(&["doctor"], &data_dir).await;
    assert!(ran.code == 1 && ran.out.contains("damaged or gone"), "{ran:?}");

    // A backup whose bytes changed is not restored, and nothing is left of the try.
    let fresh = shop.path("fresh");
    std::fs::write(artefact_file(Path::new(&backup)), b"bytes of a fix").unwrap();
    let ran = studio(&["restore", &backup], &fresh).await;
    assert!(ran.code == 1 && ran.err.contains("SHA-256"), "{ran:?}");
    assert_eq!(fresh.read_dir().unwrap().count(), 0);
    std::fs::write(Path::new(&backup).join("studio.db"), b"not a database").unwrap();
    let ran = studio(&["restore", &backup], &fresh).await;
    assert!(ran.code == 1 && ran.err.contains("damaged"), "{ran:?}");
    std::fs::remove_file(Path::new(&backup).join("manifest.json")).unwrap();
    let ran = studio(&["restore", &backup], &fresh).await;
    assert!(ran.code == 1 && ran.err.contains("no whole backup"), "{ran:?}");
}

#[tokio::test]
async fn doctor_tells_where_there_is_no_studio_and_who_can_read_the_key() {
    let mut shop = Shop::open().await;
    let nowhere = shop.path("nowhere");
    let ran = studio(&["doctor"], &nowhere).await;
    assert!(ran.code == 1 && ran.out.contains("there is no database"), "{ran:?}");
    assert!(!nowhere.join("studio.db").exists(), "looking makes nothing");
    shop.studio.kill9();
    let data_dir = shop.studio.data_dir().to_owned();
    assert_eq!(studio(&["doctor"], &data_dir).await.code, 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = data_dir.join("admin.key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let ran = studio(&["doctor"], &data_dir).await;
        assert!(ran.code == 1 && ran.out.contains("chmod 600"), "{ran:?}");
    }
}
