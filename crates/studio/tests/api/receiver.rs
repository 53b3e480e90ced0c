//! Somebody who is told by webhooks: notes what comes, and answers as a test wants.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use studio_runtime::Tasks;
use testkit::wait_for;

/// Local posts take milliseconds.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Told>>>,
    answers: Arc<Mutex<VecDeque<Response>>>,
    tasks: Tasks,
}

/// One post.
#[derive(Debug, Clone)]
pub struct Told {
    pub headers: HeaderMap,
    pub body: String,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a delivery is JSON")
    }

    /// Whether it is signed with `secret`, by the words of the standard and nothing of the studio's.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        const SCRIPT: &str = "import base64, hashlib, hmac, sys\n\
            secret, id, seconds, signature, body = sys.argv[1:]\n\
            key = base64.b64decode(secret.removeprefix('whsec_'))\n\
            mac = hmac.new(key, f'{id}.{seconds}.{body}'.encode(), hashlib.sha256)\n\
            good = 'v1,' + base64.b64encode(mac.digest()).decode()\n\
            sys.exit(not any(hmac.compare_digest(good, s) for s in signature.split(' ')))";
        let parts = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| self.header(name));
        std::process::Command::new("python3")
            .args(["-c", SCRIPT, secret])
            .args(parts)
            .arg(&self.body)
            .status()
            .expect("python runs")
            .success()
    }
}

impl Receiver {
    /// On loopback; says 200 unless told otherwise.
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let tasks = Tasks::new();
        let receiver = Self { address, came: Arc::default(), answers: Arc::default(), tasks: tasks.clone() };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?token=t", self.address)
    }

    /// The answers to the next posts.
    pub fn answer(&self, answers: impl IntoIterator<Item = Response>) {
        self.answers.lock().expect("whole").extend(answers);
    }

    pub fn came(&self) -> Vec<Told> {
        self.came.lock().expect("whole").clone()
    }

    /// Waits until as many posts have come.
    pub async fn until(&self, count: usize) -> Vec<Told> {
        wait_for("a webhook is told", LIMIT, async || {
            let came = self.came();
            (came.len() >= count).then_some(came)
        })
        .await
    }

    pub fn close(&self) {
        self.tasks.stop_hard();
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).expect("a delivery is text");
    receiver.came.lock().expect("whole").push(Told { headers, body });
    receiver.answers.lock().expect("whole").pop_front().unwrap_or_default()
}
