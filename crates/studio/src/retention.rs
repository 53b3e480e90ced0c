//! Deletes what has been kept long enough: artefacts, jobs, inputs, and the bytes that nobody names any more.

use crate::state::AppState;
use crate::thumbnails::{SIZES, key_of};

/// Deletes bytes whose rows are gone, with their thumbnails; what cannot be deleted is swept at the next start.
pub async fn delete_bytes(state: &AppState, keys: &[String]) {
    for key in keys {
        let small = SIZES.iter().map(|size| key_of(key, *size));
        for key in small.chain([key.clone()]) {
            if let Err(error) = state.artefacts.delete(&key).await {
                tracing::warn!(key, %error, "deleted bytes are left for the sweep");
            }
        }
    }
}
