//! The real program with a certificate: https for people, clear words for bad files.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use testkit::Home;

/// A certificate for 127.0.0.1 and its key.
fn certificate(home: &Home) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let (cert, key) = (home.join("cert.pem"), home.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("the home can be written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("the home can be written");
    (cert, key)
}

fn studio(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.env("STUDIO_DATA_DIR", home.join("data")).env_remove("STUDIO_URL").env_remove("RUST_LOG");
    command
}

/// Ends the server when the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn people_and_workers_are_served_over_tls() {
    let home = Home::new();
    let (cert, key) = certificate(&home);
    let mut command = studio(&home);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key);
    let mut server = Server(command.stderr(Stdio::piped()).spawn().expect("studio starts"));
    let log = BufReader::new(server.0.stderr.take().expect("stderr is piped"));
    let url = log
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_whitespace().find(|word| word.starts_with("https://")).map(str::to_owned))
        .expect("the studio says where it serves");
    let status = |trust: bool| -> Output {
        let mut command = studio(&home);
        command.args(["status", "--json", "--url", &url]);
        if trust {
            command.arg("--ca-cert").arg(&cert);
        }
        command.output().expect("studio runs")
    };
    let trusted = status(true);
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
    assert!(String::from_utf8_lossy(&trusted.stdout).contains("version"));
    let doubted = status(false);
    assert!(!doubted.status.success());
    assert!(String::from_utf8_lossy(&doubted.stderr).contains("certificate"), "{doubted:?}");
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let home = Home::new();
    let (cert, key) = certificate(&home);
    let nonsense = home.join("nonsense.pem");
    std::fs::write(&nonsense, "not PEM").expect("the home can be written");
    for (cert, key, named) in [
        (&nonsense, &key, "nonsense.pem"),
        (&cert, &nonsense, "nonsense.pem"),
        (&home.join("absent.pem"), &key, "absent.pem"),
    ] {
        let mut command = studio(&home);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(cert)
            .arg("--tls-key")
            .arg(key);
        let output = command.output().expect("studio runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains(named), "{said}");
    }
}
