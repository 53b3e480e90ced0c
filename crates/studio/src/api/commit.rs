//! Changes that others have to hear of.
//!
//! A client may hang up while its change is being committed, and its handler is dropped with it. So whoever
//! has to know is told by the store's writer, right after the commit and in the order of commits.

use studio_store::{Db, StoreError};
use tokio::sync::oneshot;

use super::problem::Problem;
use crate::state::AppState;

/// Runs `change`; when it is committed, `tell` runs with its outcome, whether or not somebody still waits here.
pub async fn commit<T: Send + 'static>(
    state: &AppState,
    change: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
    tell: impl FnOnce(&AppState, &T) + Send + 'static,
) -> Result<T, Problem> {
    let (answer, answered) = oneshot::channel();
    let owned = state.clone();
    state.store.write_then(change, move |result| {
        if let Ok(outcome) = &result {
            tell(&owned, outcome);
        }
        // An error says that the client hung up.
        let _ = answer.send(result);
    });
    answered.await.unwrap_or(Err(StoreError::Closed)).map_err(Problem::from)
}
