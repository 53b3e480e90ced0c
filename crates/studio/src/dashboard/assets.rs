//! `/assets/{build}/{name}`: styles and scripts, kept by browsers for as long as they are of this build.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use studio_dashboard::assets;

use crate::api::Problem;

/// A year: the address changes with the bytes.
const KEEP: &str = "public, max-age=31536000, immutable";
/// A page of another build asks for these: it gets what there is, and asks again the next time.
const ASK: &str = "no-cache";

pub async fn serve(Path((build, name)): Path<(String, String)>) -> Response {
    let Some(asset) = assets::find(&name) else {
        return Problem::not_found("asset", &name).into_response();
    };
    let cache = if build == *assets::BUILD { KEEP } else { ASK };
    ([(header::CONTENT_TYPE, asset.mime), (header::CACHE_CONTROL, cache)], asset.bytes).into_response()
}
