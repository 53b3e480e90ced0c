//! A worker that says exactly what a test tells it to, frame by frame.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use studio_protocol::{ApiBase, Capabilities, SUBPROTOCOL, TaskKind, WorkerId};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use uuid::Uuid;

use crate::{Answer, RawSession};

/// An answer that is due at once.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A worker without habits of its own: nothing is sent unless the test says so.
#[derive(Debug, Clone)]
pub struct RawWorker {
    base: ApiBase,
    client: reqwest::Client,
}

/// A request to join, and the secret to ask for its decision.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Ask under this id.
    pub request_id: String,
    /// 64 hex characters.
    pub secret: String,
}

/// Who an approved worker is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `w-...`.
    pub worker_id: String,
    /// Its token.
    pub token: String,
}

impl RawWorker {
    /// One that talks to the studio at `url`.
    pub fn new(url: &str) -> Self {
        studio_runtime::install_crypto();
        let base = ApiBase::parse(url).unwrap_or_else(|error| panic!("{error}"));
        Self { base, client: reqwest::Client::new() }
    }

    /// The registration body of a fresh install, to be changed at will.
    pub fn registration_body(secret: &str, capabilities: &Capabilities) -> Value {
        json!({
            "installId": Uuid::new_v4().to_string(),
            "registrationSecretHash": hex::encode(Sha256::digest(secret)),
            "capabilities": capabilities,
            "userAgent": "studio-worker/0.0.0-test",
        })
    }

    /// 64 hex characters, as a worker draws them.
    pub fn secret() -> String {
        format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
    }

    /// Sends any HTTP request below the prefix and takes any answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<String>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).timeout(ANSWER_LIMIT);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        answer(request.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"))).await
    }

    /// Asks to join.
    pub async fn register(&self, capabilities: &Capabilities, join_code: Option<&str>) -> Registration {
        let secret = Self::secret();
        let mut body = Self::registration_body(&secret, capabilities);
        if let Some(code) = join_code {
            body["joinCode"] = json!(code);
        }
        let answer = self.send(Method::POST, "/workers/register-request", None, Some(body.to_string())).await;
        assert!(answer.status.is_success(), "register: {} {}", answer.status, answer.body);
        assert_eq!(answer.body["status"], "pending");
        let request_id = answer.body["requestId"].as_str().expect("a request id").to_owned();
        Registration { request_id, secret }
    }

    /// Asks for the decision, whatever it is.
    pub async fn poll(&self, registration: &Registration) -> Answer {
        let path = format!("/workers/register-requests/{}", registration.request_id);
        self.send(Method::GET, &path, Some(&registration.secret), None).await
    }

    /// Joins with a code: registers, and polls once.
    pub async fn join(&self, capabilities: &Capabilities, code: &str) -> Identity {
        let registration = self.register(capabilities, Some(code)).await;
        let answer = self.poll(&registration).await;
        assert_eq!(answer.body["status"], "approved", "{}", answer.body);
        let text = |key: &str| answer.body[key].as_str().expect("a text").to_owned();
        Identity { worker_id: text("workerId"), token: text("authToken") }
    }

    /// The upgrade request of `identity`, to be changed at will.
    pub fn upgrade(&self, identity: &Identity) -> Request {
        let url = self.base.connect_url(&WorkerId::from(identity.worker_id.as_str()));
        let mut request = url.into_client_request().expect("an address of a studio");
        let headers = request.headers_mut();
        headers
            .insert("Authorization", format!("Bearer {}", identity.token).parse().expect("a token is ASCII"));
        headers.insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().expect("it is ASCII"));
        request
    }

    /// Sends an upgrade request; an error is the status of the refusal.
    pub async fn open(&self, request: Request) -> Result<RawSession, StatusCode> {
        // What is above the limits of the protocol must leave this side, to see what the other does.
        let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let opening = tokio_tungstenite::connect_async_with_config(request, Some(limits), true);
        match tokio::time::timeout(ANSWER_LIMIT, opening).await.expect("an answer to the upgrade in time") {
            Ok((socket, _)) => Ok(RawSession::new(socket)),
            Err(tungstenite::Error::Http(answer)) => {
                Err(StatusCode::from_u16(answer.status().as_u16()).expect("a status"))
            }
            Err(error) => panic!("no answer to the upgrade: {error}"),
        }
    }

    /// Opens the socket of `identity`; nothing is said yet.
    pub async fn connect(&self, identity: &Identity) -> RawSession {
        let opened = self.open(self.upgrade(identity)).await;
        opened.unwrap_or_else(|status| panic!("the upgrade was refused: {status}"))
    }

    /// Opens the socket and greets: the session is open.
    pub async fn session(&self, identity: &Identity, capabilities: &Capabilities) -> RawSession {
        let mut session = self.connect(identity).await;
        session.hello(identity, capabilities).await;
        session
    }

    /// Uploads `bytes` as the result of `job`, in the order of the protocol.
    pub async fn upload(
        &self,
        identity: &Identity,
        job: &str,
        attempt: Option<u32>,
        ext: &str,
        bytes: Vec<u8>,
    ) -> Answer {
        let file = reqwest::multipart::Part::bytes(bytes)
            .file_name(format!("{job}.{ext}"))
            .mime_str(studio_protocol::mime_of_ext(ext))
            .expect("a MIME type");
        let form = reqwest::multipart::Form::new().text("prompt", "a fox").text("ext", ext.to_owned());
        let url = self.base.complete_url(&identity.worker_id.as_str().into(), &job.into());
        let mut request =
            self.client.post(url).bearer_auth(&identity.token).multipart(form.part("image", file));
        if let Some(attempt) = attempt {
            request = request.header(studio_protocol::ATTEMPT_HEADER, attempt);
        }
        answer(request.send().await.unwrap_or_else(|error| panic!("upload of {job}: {error:?}"))).await
    }

    /// Capabilities of a worker that takes any job on the synthetic engine; no extension.
    pub fn synthetic() -> Capabilities {
        let kinds: Vec<String> = TaskKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
        let models = ["synthetic", "synthetic-chat", "synthetic-stt", "synthetic-tts"];
        let models: Vec<String> = models.map(str::to_owned).into();
        Capabilities {
            machine_name: "raw".into(),
            agent_version: "0.0.0-test".into(),
            engine: "multi".into(),
            vram_total_gb: 64.0,
            vram_threshold_gb: 64.0,
            auto_enabled: true,
            supported_models_per_kind: kinds.iter().map(|kind| (kind.clone(), models.clone())).collect(),
            supported_models: models,
            task_kinds: kinds,
            model_engines: vec!["synthetic".into()],
            ..Capabilities::default()
        }
    }
}

async fn answer(answer: reqwest::Response) -> Answer {
    let status = answer.status();
    let text = answer.text().await.expect("the body comes to its end");
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}
