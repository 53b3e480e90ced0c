//! A studio with a certificate, and a worker that trusts it.

use std::path::PathBuf;

use e2e::{SOON, chat, outcomes, picture};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use testkit::{Api, Exit, Home, StudioOptions, StudioProcess, WorkerProcess, wait_until};

struct Certificates {
    authority: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

fn certificates(home: &Home) -> Certificates {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let leaf_key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&leaf_key, &authority).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = home.join(name);
        std::fs::write(&path, text).expect("the home can be written");
        path
    };
    Certificates {
        authority: write("authority.pem", authority.pem()),
        chain: write("chain.pem", leaf.pem()),
        key: write("key.pem", leaf_key.serialize_pem()),
    }
}

#[tokio::test]
async fn a_worker_that_trusts_the_studio_works_over_tls_and_another_is_told_why_not() {
    let home = Home::new();
    let files = certificates(&home);
    let text = |path: &PathBuf| path.to_str().expect("a plain path").to_owned();
    let options = StudioOptions {
        arguments: vec!["--tls-cert".into(), text(&files.chain), "--tls-key".into(), text(&files.key)],
        ..StudioOptions::default()
    };
    let studio = StudioProcess::spawn(&home, options);
    let url = studio.url().replace("http://", "https://");
    let authority = std::fs::read(&files.authority).expect("it was written");
    wait_until("the studio has written its key", SOON, async || studio.data_dir().join("admin.key").exists())
        .await;
    let api = Api::trusting(&url, &studio.admin_key(), &authority);
    api.until_online(0, SOON).await;
    let code = api.join_code(1).await;

    let stranger = WorkerProcess::new(&home, "stranger");
    let refused = stranger.output(&["join", &url, &code]).await;
    assert_eq!(refused.exit, Exit::Code(1));
    assert!(refused.stderr.to_lowercase().contains("certificate"), "{}", refused.stderr);

    let mut worker = WorkerProcess::new(&home, "attic").with_env("SSL_CERT_FILE", &text(&files.authority));
    worker.join_with(&url, &code).await;
    worker.run().await;
    api.until_online(1, SOON).await;
    for job in [picture("a fox"), chat("hi")] {
        let id = api.submit(job).await;
        assert_eq!(outcomes(&api.until_job(&id, "done", SOON).await), ["done"]);
    }
}
