//! Files that come with a request, as inputs of its jobs.

use bytes::Bytes;
use futures_util::Stream;
use studio_dialects::media::Media;
use studio_dialects::{Failure, Kind};
use studio_protocol::Timestamp;

use crate::api::auth::Caller;
use crate::api::inputs::keep;
use crate::api::problem::Problem;
use crate::api::submit::project_of;
use crate::inputs::{InputKind, address};
use crate::state::AppState;

/// Stores a file for the jobs of a request; the address under which workers find it.
pub(super) async fn store(
    state: &AppState,
    caller: &Caller,
    name: &str,
    media: Media,
    announced: Option<u64>,
    bytes: impl Stream<Item = Result<Bytes, String>> + Send,
) -> Result<String, Failure> {
    let kind = InputKind::of(media.mime)
        .ok_or_else(|| Failure::invalid(name, format!("files of {} are not taken", media.mime)))?;
    // The jobs are of this project too: an input is good for its own only.
    let project = project_of(caller, None, "project")?;
    let kept =
        keep(state, project, kind, announced.map(|all| all.min(kind.max_bytes)), bytes, Timestamp::now())
            .await;
    let kept = kept.map_err(|problem| told(problem, name, &kind))?;
    Ok(address(&kept.id))
}

fn told(problem: Problem, name: &str, kind: &InputKind) -> Failure {
    let failure = Failure::from(problem);
    if failure.kind == Kind::TooLarge { too_large(name, kind.max_bytes) } else { failure }
}

/// The file is more than a worker fetches.
pub(super) fn too_large(name: &str, most: u64) -> Failure {
    let why = format!("{name}: the file has more than {most} bytes: send a smaller one");
    Failure { param: Some(name.to_owned()), ..Failure::new(Kind::TooLarge, why) }
}
