//! What operators see: one trace from a request to the engine, and logs that name jobs and tell no secrets.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{Story, id_of};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use studio_runtime::Tasks;
use testkit::{StudioOptions, WorkerProcess, wait_for, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT_SPAN: &str = "b7ad6b7169203331";
/// A worker that is killed is missed after its lease of 30 s.
const LOST: Duration = Duration::from_mins(1);

/// A collector that keeps what it is sent.
struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    tasks: Tasks,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        let tasks = Tasks::new();
        let connections = tasks.clone();
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(take(socket, Arc::clone(&kept)));
            }
        });
        Self { address, spans, tasks }
    }

    fn options(&self) -> StudioOptions {
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address)),
            ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        StudioOptions { environment, ..StudioOptions::default() }
    }

    fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("nobody panicked").clone()
    }

    /// The spans of the trace once there is one called `last`.
    async fn trace_with(&self, last: &str) -> Vec<Span> {
        wait_for(&format!("a span `{last}`"), Duration::from_secs(20), async || {
            let spans: Vec<Span> =
                self.spans().into_iter().filter(|span| hex::encode(&span.trace_id) == TRACE).collect();
            spans.iter().any(|span| span.name == last).then_some(spans)
        })
        .await
    }
}

/// Requests of one connection: `POST /v1/traces` with a length.
async fn take(mut socket: TcpStream, kept: Arc<Mutex<Vec<Span>>>) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = vec![0; 65_536];
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.expect("a length").trim().parse().expect("a number");
        if bytes.len() < end + 4 + length {
            continue;
        }
        assert!(head.starts_with("post /v1/traces"), "{head}");
        let body = &bytes[end + 4..end + 4 + length];
        let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf");
        let spans = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        kept.lock().expect("nobody panicked").extend(spans.flat_map(|scope| scope.spans));
        bytes.drain(..end + 4 + length);
        if socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
    }
}

async fn submit(story: &Story) -> String {
    let job = json!({ "model": "synthetic", "task": { "kind": "image", "prompt": "a fox", "width": 64, "height": 64 } });
    let parent = format!("00-{TRACE}-{CLIENT_SPAN}-01");
    let request = story.api.request(Method::POST, "/jobs").header("traceparent", parent).json(&job);
    let answer = story.api.send(request).await.expect("the studio answers");
    answer.body["id"].as_str().expect("a job").to_owned()
}

async fn slow_worker(story: &Story, name: &str) -> WorkerProcess {
    let mut worker = WorkerProcess::new(&story.home, name).with_env("SYNTHETIC_DELAY_MS", "2000");
    worker.join(&story.studio).await;
    worker.run().await;
    story.until_online(&worker).await;
    worker
}

/// The only span of this name below `parent`.
#[track_caller]
fn child<'a>(spans: &'a [Span], name: &str, parent: &[u8]) -> &'a Span {
    let found: Vec<&Span> =
        spans.iter().filter(|span| span.name == name && span.parent_span_id == parent).collect();
    let names: Vec<_> = spans.iter().map(|span| (&span.name, hex::encode(&span.parent_span_id))).collect();
    assert_eq!(found.len(), 1, "`{name}` below {}: {names:?}", hex::encode(parent));
    found[0]
}

#[tokio::test]
async fn one_trace_leads_from_the_request_to_the_engine_also_after_a_lost_worker() {
    let collector = Collector::start().await;
    let story = Story::begin_with(collector.options()).await;
    let mut first = slow_worker(&story, "first").await;
    let job = submit(&story).await;
    story.until(&job, "running").await;
    story
        .until_job(&job, "is drawn", Duration::from_secs(20), |seen| seen["progress"]["stage"] == "running")
        .await;
    first.kill9();
    let _second = slow_worker(&story, "second").await;
    story.api.until_job(&job, "done", LOST).await;

    let spans = collector.trace_with("job").await;
    let request = child(&spans, "request", &hex::decode(CLIENT_SPAN).expect("hex"));
    let whole = child(&spans, "job", &request.span_id);
    child(&spans, "wait", &whole.span_id);
    let tries: Vec<&Span> = spans.iter().filter(|span| span.name == "attempt").collect();
    assert_eq!(tries.len(), 2, "{spans:?}");
    for attempt in &tries {
        assert_eq!(attempt.parent_span_id, whole.span_id);
        child(&spans, "offer", &attempt.span_id);
        let run = child(&spans, "engine run", &attempt.span_id);
        assert!(run.start_time_unix_nano >= attempt.start_time_unix_nano);
        assert!(run.end_time_unix_nano <= attempt.end_time_unix_nano);
    }
    let outcome = |span: &Span| {
        let found = span.attributes.iter().find(|attribute| attribute.key == "studio.outcome");
        format!("{:?}", found.expect("an outcome").value)
    };
    assert!(outcome(tries[0]).contains("lost") && outcome(tries[1]).contains("done"));
    let ids: HashSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
    assert_eq!(ids.len(), spans.len(), "no two spans have one id");
}

#[tokio::test]
async fn a_collector_that_is_gone_harms_nothing() {
    let collector = Collector::start().await;
    let mut options = collector.options();
    // Nobody listens on the port of a listener that is gone.
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let nowhere = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    options.environment[0].1 = nowhere;
    let mut story = Story::begin_with(options).await;
    let _worker = story.worker("attic").await;
    let job = submit(&story).await;
    story.until(&job, "done").await;
    story.studio.sigterm();
    story.studio.exit(Duration::from_secs(15)).await;
    assert!(collector.spans().is_empty());
}

/// A log of JSON, line by line.
fn lines(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

#[tokio::test]
async fn logs_name_jobs_and_tell_no_secrets() {
    let environment = vec![("RUST_LOG".to_owned(), "trace,hyper=debug,h2=info".to_owned())];
    let arguments = vec!["--log-format".to_owned(), "json".to_owned()];
    let options = StudioOptions { environment, arguments, ..StudioOptions::default() };
    let story = Story::begin_with(options).await;
    let code = story.api.join_code(1).await;
    let mut worker =
        WorkerProcess::new(&story.home, "attic").with_env("RUST_LOG", "trace,hyper=debug,h2=info");
    worker.join_with(&story.studio.url(), &code).await;
    worker.run_with(&["--log-format", "json"]).await;
    story.until_online(&worker).await;
    let job = submit(&story).await;
    let done = story.until(&job, "done").await;
    let artefact = done["artefact"]["id"].as_str().expect("an artefact").to_owned();
    let request = story.api.request(Method::GET, &format!("/artefacts/{artefact}"));
    request.header("x-request-id", "mine-1").send().await.expect("an answer").bytes().await.expect("bytes");

    let studio_log = story.home.join("studio.log");
    wait_until("the request is in the log", Duration::from_secs(10), async || {
        std::fs::read_to_string(&studio_log).is_ok_and(|text| text.contains("mine-1"))
    })
    .await;
    let told = std::fs::read_to_string(&studio_log).expect("a log");
    let ends: Vec<Value> =
        lines(&told).into_iter().filter(|line| line["fields"]["job"] == job.as_str()).collect();
    assert!(ends.len() >= 3, "offered, running and ended: {ends:?}");
    for line in &ends {
        let fields = &line["fields"];
        assert_eq!(fields["worker"], id_of(&worker), "{line}");
        assert_eq!((&fields["attempt"], &fields["trace"]), (&json!(1), &json!(TRACE)), "{line}");
    }
    let worker_told = std::fs::read_to_string(story.home.join("attic.log")).expect("a log");
    let of_job = lines(&worker_told).into_iter().find(|line| line["fields"]["job"] == job.as_str());
    let of_job = of_job.expect("the worker names the job");
    assert_eq!(of_job["fields"]["trace"], TRACE, "{of_job}");

    let mut secrets = vec![story.studio.admin_key(), code.clone(), code.replace('-', "")];
    secrets.extend(worker.config_value("auth_token"));
    let signing_key = std::fs::read_dir(story.studio.data_dir()).expect("a folder").flatten();
    secrets.extend(
        signing_key
            .filter(|file| file.path().extension().is_some_and(|ext| ext == "key"))
            .filter_map(|file| Some(std::fs::read_to_string(file.path()).ok()?.trim().to_owned())),
    );
    assert!(secrets.len() >= 4, "{} secrets", secrets.len());
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        assert!(!told.contains(secret.as_str()), "the studio's log has a secret in it");
        assert!(!worker_told.contains(secret.as_str()), "the worker's log has a secret in it");
    }
}
