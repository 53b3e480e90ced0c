//! A whole studio in this process, over a temporary folder, listening on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};
use studio::{AppState, Settings, serve};
use studio_protocol::Capabilities;
use studio_runtime::Tasks;
use testkit::{Api, Home, Identity, RawSession, RawWorker};

pub struct Served {
    pub url: String,
    pub api: Api,
    pub raw: RawWorker,
    pub state: AppState,
    pub home: Home,
    key: String,
    tasks: Tasks,
}

impl Served {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        studio_runtime::install_crypto();
        let home = Home::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = Settings::new(address, home.join("studio"));
        // Only tests of it need it.
        settings.starter_model = false;
        change(&mut settings);
        let key_file = settings.admin_key();
        let tasks = Tasks::new();
        let state = serve::open(settings, &tasks).await.unwrap();
        let router = serve::router(state.clone());
        listener.set_nonblocking(true).unwrap();
        let server = axum_server::from_tcp(listener).unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move { server.serve(service).await.unwrap() });
        let url = format!("http://{address}");
        let key = std::fs::read_to_string(key_file).unwrap().trim().to_owned();
        let api = Api::new(&url, &key);
        Self { raw: RawWorker::new(&url), url, api, state, home, key, tasks }
    }

    /// The administrator's.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A new worker, approved by a code.
    pub async fn identity(&self) -> Identity {
        let code = self.api.join_code(1).await;
        self.raw.join(&RawWorker::synthetic(), &code).await
    }

    /// A new worker in service.
    pub async fn worker(&self, capabilities: &Capabilities) -> (Identity, RawSession) {
        let identity = self.identity().await;
        let mut session = self.raw.session(&identity, capabilities).await;
        session.heartbeat(capabilities, None).await;
        (identity, session)
    }

    pub async fn submit_chat(&self) -> String {
        let task = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
        self.api.submit(json!({"model": "synthetic-chat", "task": task})).await
    }

    pub async fn submit_image(&self) -> String {
        self.api.submit(json!({"model": "synthetic", "task": {"kind": "image", "prompt": "a fox"}})).await
    }

    /// Any request to the API as administrator; bytes are sent as JSON, which a file does not mind.
    pub async fn admin(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> reqwest::Response {
        let url = format!("{}/api/v1{path}", self.url);
        let mut request = reqwest::Client::new().request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        request.send().await.unwrap()
    }

    pub async fn until(&self, job: &str, state: &str) -> Value {
        self.api.until_job(job, state, Duration::from_secs(10)).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}
