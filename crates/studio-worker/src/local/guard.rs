//! Who is let in: programs of this machine that hold the token, and no web page.
//!
//! A page in the owner's browser can send requests to loopback, and can make a name of its own point there. It cannot read
//! the discovery file, and it cannot hide where it comes from: `Host`, `Origin` and `Sec-Fetch-Site` are the browser's to set.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use worker_local::PREFIX;

use super::Refusal;

/// A body below [`PREFIX`]: settings and names, no files.
const BODY_CAP: usize = 256 * 1024;
/// A body of the OpenAI shape: pictures and recordings travel in it.
const DIALECT_BODY_CAP: usize = 64 * 1024 * 1024;
/// Requests at once, those that wait for news included: a window needs two, a command one.
const MOST_REQUESTS: usize = 64;
/// The whole body, from a program on this very machine.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// Large ones may be made while they are sent.
const DIALECT_BODY_LIMIT: Duration = Duration::from_mins(1);
/// What a browser says of a request that its user typed, or that comes from a page of this very server.
const OWN_FETCH_SITES: [&[u8]; 2] = [b"none", b"same-origin"];

/// What requests are held against.
#[derive(Debug)]
pub(super) struct Guard {
    port: u16,
    token: String,
    room: Arc<Semaphore>,
}

impl Guard {
    pub(super) fn new(port: u16, token: String) -> Self {
        Self { port, token, room: Arc::new(Semaphore::new(MOST_REQUESTS)) }
    }

    /// Everything but the body.
    fn admit(&self, peer: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if !peer.ip().to_canonical().is_loopback() {
            return Err(forbidden("the local API is for this machine only"));
        }
        // A name that a web page made point to this machine is none of these, whatever it resolves to.
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        if hosts.next().is_some() || !host.is_some_and(|host| self.is_ours(host)) {
            return Err(forbidden(format!("`Host` must be 127.0.0.1:{}", self.port)));
        }
        if uri.authority().is_some_and(|authority| !self.is_ours(authority.as_str())) {
            return Err(forbidden("the address names another host"));
        }
        for origin in headers.get_all(ORIGIN) {
            let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            if !origin.is_some_and(|host| self.is_ours(host)) {
                return Err(forbidden("web pages have no access to the local API"));
            }
        }
        if headers.get_all("sec-fetch-site").iter().any(|site| !OWN_FETCH_SITES.contains(&site.as_bytes())) {
            return Err(forbidden("web pages have no access to the local API"));
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        ["127.0.0.1", "localhost", "[::1]"].contains(&name) && port == self.port.to_string()
    }

    /// Takes as long for a wrong token as for the right one.
    fn opens(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else { return false };
        let Some((scheme, token)) = given.to_str().ok().and_then(|given| given.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(token.as_bytes().ct_eq(self.token.as_bytes()))
    }
}

fn forbidden(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "forbidden", detail).closing()
}

/// Puts the guard in front of `app`, `/healthz` beside it.
pub(super) fn protect(app: Router, guard: Guard) -> Router {
    let nothing = |method: Method, uri: Uri| async move {
        Refusal::not_found(format!("there is no {method} {}", uri.path()))
    };
    let no_such_method = |method: Method, uri: Uri| async move {
        let detail = format!("{} does not take {method}", uri.path());
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", detail)
    };
    let app = app
        .route("/healthz", get(|| async { axum::Json(serde_json::json!({"status": "ok"})) }))
        .fallback(nothing)
        .method_not_allowed_fallback(no_such_method);
    app.layer(from_fn_with_state(Arc::new(guard), check))
}

async fn check(
    State(guard): State<Arc<Guard>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Err(refusal) = guard.admit(peer, request.uri(), request.headers()) {
        return refusal.at(&path);
    }
    let is_open = path == "/healthz";
    if !is_open && !guard.opens(request.headers()) {
        let detail =
            "the token is missing or wrong: it is in local-api.json beside the config, and new at each start";
        return Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).closing().at(&path);
    }
    let Ok(permit) = Arc::clone(&guard.room).try_acquire_owned() else {
        return Refusal::busy(format!("{MOST_REQUESTS} requests run already: try again in a moment"))
            .at(&path);
    };
    let request = match read(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal.closing().at(&path),
    };
    // A streamed answer holds its place until its end.
    next.run(request).await.map(|body| Body::new(Held { body, _permit: permit }))
}

/// The request with its whole body, which came in time and is not too large.
async fn read(request: Request) -> Result<Request, Refusal> {
    let (cap, limit) = if request.uri().path().starts_with(PREFIX) {
        (BODY_CAP, BODY_LIMIT)
    } else {
        (DIALECT_BODY_CAP, DIALECT_BODY_LIMIT)
    };
    let too_large = || {
        let detail = format!("the body is larger than {cap} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", detail)
    };
    let told = request.headers().get(CONTENT_LENGTH).and_then(|told| told.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > cap as u64) {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    let read = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::invalid("the body ended early"))?;
            if bytes.len() + chunk.len() > cap {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    tokio::time::timeout(limit, read).await.unwrap_or_else(|_| {
        let detail = format!("the body did not come within {} s", limit.as_secs());
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
    })?;
    // What a form of a web page can send without being asked is never taken for JSON.
    if cap == BODY_CAP && !bytes.is_empty() && !is_json(&parts.headers) {
        let detail = "the body's type must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType", detail));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A body that gives its place back when it was sent, or nobody wants it any more.
struct Held {
    body: Body,
    _permit: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(peer: &str, uri: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let guard = Guard::new(4787, "secret".into());
        guard.admit(peer.parse().unwrap(), &uri.parse().unwrap(), &headers).is_ok()
    }

    #[test]
    fn only_this_machine_under_its_own_names() {
        let host = |host| admits("127.0.0.1:9", "/", &[("host", host)]);
        assert!(host("127.0.0.1:4787") && host("localhost:4787") && host("[::1]:4787"));
        for foreign in [
            "evil.example:4787",
            "localhost.evil.example:4787",
            "127.0.0.1.nip.io:4787",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:4787.evil.example",
            "user@127.0.0.1:4787",
            "0.0.0.0:4787",
            "2130706433:4787",
            "LOCALHOST:4787",
            "",
        ] {
            assert!(!host(foreign), "{foreign}");
        }
        assert!(!admits("127.0.0.1:9", "/", &[]), "without a host");
        assert!(!admits("127.0.0.1:9", "http://evil.example/", &[("host", "127.0.0.1:4787")]));
        assert!(!admits("192.168.1.9:9", "/", &[("host", "127.0.0.1:4787")]));
        assert!(admits("[::ffff:127.0.0.1]:9", "/", &[("host", "127.0.0.1:4787")]));
    }

    #[test]
    fn no_page_of_another_origin() {
        let from = |name, value| admits("127.0.0.1:9", "/", &[("host", "127.0.0.1:4787"), (name, value)]);
        assert!(from("origin", "http://127.0.0.1:4787") && from("origin", "http://localhost:4787"));
        for foreign in ["null", "https://127.0.0.1:4787", "http://evil.example", "http://127.0.0.1:80", ""] {
            assert!(!from("origin", foreign), "{foreign}");
        }
        assert!(from("sec-fetch-site", "none") && from("sec-fetch-site", "same-origin"));
        assert!(!from("sec-fetch-site", "cross-site") && !from("sec-fetch-site", "same-site"));
    }

    #[test]
    fn one_token_and_only_as_a_bearer() {
        let opens = |values: &[&str]| {
            let guard = Guard::new(4787, "secret".into());
            guard.opens(&values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect())
        };
        assert!(opens(&["Bearer secret"]) && opens(&["bearer secret"]));
        for wrong in ["Bearer secre", "Bearer secrets", "Bearer ", "Basic secret", "secret", "Bearer  secret"]
        {
            assert!(!opens(&[wrong]), "{wrong}");
        }
        assert!(!opens(&[]) && !opens(&["Bearer secret", "Bearer secret"]));
    }
}
