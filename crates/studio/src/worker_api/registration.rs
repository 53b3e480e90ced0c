//! Workers ask to join, and ask for the decision (protocol sections 2.1 and 2.2).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use studio_protocol::{
    MAX_REGISTRATION_BYTES, RegisterRequest, RegisterResponse, RegistrationStatus, RequestId, Timestamp,
    WorkerId,
};
use studio_store::{NewRegistration, Poll, SecretHash};

use super::auth::bearer;
use crate::access::Peer;
use crate::api::body;
use crate::api::problem::Problem;
use crate::events::StudioEvent;
use crate::rate::{RateLimit, network};
use crate::state::AppState;
use crate::{ids, secrets};

/// A SHA-256 in hex.
const HASH_CHARS: usize = 64;
/// A UUID's text is 36; others may have longer ones.
const MAX_INSTALL_ID_CHARS: usize = 128;
/// `studio-worker/1.2.3`, with room for others.
const MAX_USER_AGENT_CHARS: usize = 256;

pub async fn register(
    State((state, limit)): State<(AppState, Arc<RateLimit<IpAddr>>)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let address = Peer::of(&state.settings, Some(peer), &headers).address;
    if let Err(wait) = limit.admit(network(address), Instant::now()) {
        let seconds = wait.as_secs() + 1;
        let detail = format!("too many registrations from {address}: wait {seconds} s");
        return Err(Problem::too_many_requests(detail).after(seconds));
    }
    let bytes = body::limited(&headers, body, MAX_REGISTRATION_BYTES).await?;
    let request: RegisterRequest = body::parse(&bytes)?;
    check(&request)?;
    let registration = NewRegistration {
        request_id: ids::request(),
        install_id: request.install_id,
        secret_hash: SecretHash::from(request.registration_secret_hash),
        capabilities_json: serde_json::to_string(&request.capabilities)
            .map_err(|error| Problem::internal(&error))?,
        user_agent: request.user_agent,
        source_addr: address.to_string(),
    };
    let join = request.join_code.as_deref().map(secrets::join_code_hash);
    let now = Timestamp::now();
    let registered =
        state.store.write(move |db| db.request_registration(&registration, join.as_ref(), now)).await?;
    let request_id = registered.request_id;
    tracing::info!(%request_id, %address, approved = registered.approved, "a worker asks to join");
    state.events.publish(StudioEvent::Registration { id: request_id.clone() });
    let answer = RegisterResponse { request_id, status: "pending".to_owned() };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn check(request: &RegisterRequest) -> Result<(), Problem> {
    let hash = &request.registration_secret_hash;
    let is_hash = hash.len() == HASH_CHARS && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        let problem = format!("is not {HASH_CHARS} lowercase hex characters");
        return Err(Problem::invalid("registrationSecretHash", problem));
    }
    check_text("installId", &request.install_id, MAX_INSTALL_ID_CHARS)?;
    check_text("userAgent", &request.user_agent, MAX_USER_AGENT_CHARS)
}

fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), Problem> {
    let fits = !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("is not 1 to {most} printable characters")))
    }
}

pub async fn poll(
    State(state): State<AppState>,
    Path(request): Path<RequestId>,
    headers: HeaderMap,
) -> Result<Json<RegistrationStatus>, Problem> {
    let secret = bearer(&headers).map(secrets::hash).ok_or_else(Problem::unauthorized_worker)?;
    let (fresh_worker, token): (WorkerId, String) = (ids::worker(), secrets::token());
    let token_hash = secrets::hash(&token);
    let asked = request.clone();
    let now = Timestamp::now();
    let poll = state
        .store
        .write(move |db| db.poll_registration(&asked, &secret, &fresh_worker, &token_hash, now))
        .await?;
    match poll {
        Poll::Unknown => Err(Problem::not_found("registration", request.as_str())),
        Poll::WrongSecret => Err(Problem::unauthorized_worker()),
        Poll::Pending => Ok(Json(RegistrationStatus::Pending)),
        Poll::Rejected { reason } => Ok(Json(RegistrationStatus::Rejected { reason })),
        Poll::Approved { worker_id } => {
            tracing::info!(worker = %worker_id, "a worker fetched its token");
            // From now on it stands in the list of workers.
            state.events.publish(StudioEvent::Registration { id: request });
            Ok(Json(RegistrationStatus::Approved { worker_id, auth_token: token }))
        }
    }
}
