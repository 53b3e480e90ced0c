//! The upgrade to a session (protocol section 3).

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use studio_protocol::{MAX_FRAME_BYTES, SUBPROTOCOL, WorkerId};

use super::offers::Offers;
use super::{auth, session};
use crate::api::problem::Problem;
use crate::state::AppState;

/// Ten thousand sessions are mostly silent: their buffers start small and grow with their frames.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// What is read of a frame before the connection is dropped: one that is just above the protocol's limit is read
/// to its end, so that its sender gets to read why it was refused.
const MAX_READ_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// Frames that wait for a session leave together, when it is flushed: one packet for an acknowledgement and the next
/// offer. The buffer grows only when it is used.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

pub async fn connect(
    State(state): State<AppState>,
    Path(worker): Path<WorkerId>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let record = auth::worker(&state, &worker, &headers).await?;
    let offers = Offers::new(&state, worker, &headers);
    let upgrade = upgrade.map_err(|rejection| Problem::invalid("Upgrade", rejection.body_text()))?;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(MAX_READ_BYTES)
        .max_frame_size(MAX_READ_BYTES);
    Ok(upgrade.on_upgrade(move |socket| {
        let tasks = state.tasks.clone();
        tasks.spawn(session::run(state, record, socket, offers));
        std::future::ready(())
    }))
}
