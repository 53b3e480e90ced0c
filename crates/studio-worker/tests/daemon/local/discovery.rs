//! How programs of the owner find the daemon, and nobody else does.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use worker_local::{Client, Discovery, ShutdownAsk};

use super::{found, port};
use crate::support::{Program, Studio, TestWorker, approved_config, until};

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let found = found(&worker.path("")).await;
    let file = worker.path(Discovery::FILE);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(found.token.len(), 64);
    assert!(found.token.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!((found.pid, found.url.starts_with("http://127.0.0.1:")), (std::process::id(), true));
    // The folder alone must not be what keeps others out.
    fs::set_permissions(worker.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    if rustix::process::geteuid().is_root() {
        let mut other = std::process::Command::new("cat");
        let read = other.arg(&file).uid(65_534).gid(65_534).output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty());
        assert!(String::from_utf8_lossy(&read.stderr).contains("ermission denied"), "{read:?}");
        let mut other = std::process::Command::new("cat");
        let read = other.arg(worker.path("history.db")).uid(65_534).gid(65_534).output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty(), "{read:?}");
    } else {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[tokio::test]
async fn a_clean_stop_removes_it_and_a_new_start_writes_a_new_token() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut running = program.start(&["run"]);
    studio.session(&[]).await;
    let first = found(&program.path("")).await;
    assert_eq!(first.pid, running.pid());
    running.signal(Signal::KILL);
    running.end().await;
    assert_eq!(Discovery::read(&program.path("")).unwrap(), Some(first.clone()), "nobody could remove it");
    let mut running = program.start(&["run"]);
    let second = until("a new file", || {
        Discovery::read(&program.path("")).ok().flatten().filter(|found| found.pid != first.pid)
    })
    .await;
    assert_ne!(first.token, second.token);
    running.signal(Signal::TERM);
    assert_eq!(running.end().await.code(), Some(0));
    assert_eq!(Discovery::read(&program.path("")).unwrap(), None);
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_alone() {
    let studio = Studio::start().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().port();
    let config = approved_config(&studio).replace("local_api_port = 0", &format!("local_api_port = {taken}"));
    let worker = TestWorker::start(&config);
    let found = found(&worker.path("")).await;
    assert_ne!(port(&found), taken);
    studio_runtime::install_crypto();
    Client::new(found).unwrap().status(None).await.unwrap();
}

#[tokio::test]
async fn no_secret_is_logged_whatever_the_level() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio).replace("\"tok\"", "\"hunter2-token\"")));
    let mut command = program.command(&["run"]);
    let log = fs::File::options().create(true).append(true).open(program.path("stderr.log")).unwrap();
    let mut child = command.env("RUST_LOG", "trace").stderr(log).spawn().unwrap();
    studio.session(&[]).await;
    let found = found(&program.path("")).await;
    studio_runtime::install_crypto();
    let client = Client::new(found.clone()).unwrap();
    client.status(None).await.unwrap();
    let page = client.logs(0, None, false).await.unwrap();
    assert!(page.lines.iter().any(|line| line.message.contains("session open")), "{page:?}");
    let mut wrong = found.clone();
    wrong.token = format!("{}0", &found.token[..63]);
    Client::new(wrong).unwrap().status(None).await.unwrap_err();
    client.shutdown(&ShutdownAsk::default()).await.unwrap();
    child.wait().await.unwrap();
    let mut logs = vec![program.log(), serde_json::to_string(&page).unwrap()];
    for file in fs::read_dir(program.path("logs")).unwrap() {
        logs.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(logs.len() > 2 && logs[0].contains("DEBUG"));
    for log in logs {
        for secret in ["hunter2", &found.token, &found.token[..32]] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
    }
}
