//! The owner's settings: what they are, and a change that is made as a whole or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::Value;
use worker_local::{ConfigChange, ConfigView};

use super::body::Body;
use super::{Local, Refusal, Routes};
use crate::config::{ChangeError, ConfigError};
use crate::daemon::Ask;
use crate::http::told;

pub(super) fn routes() -> Routes {
    Routes::new().route("/config", get(config).put(change))
}

async fn config(State(local): State<Arc<Local>>) -> Result<Json<ConfigView>, Refusal> {
    view(&local).map(Json)
}

async fn change(
    State(local): State<Arc<Local>>,
    Body(change): Body<ConfigChange>,
) -> Result<Json<ConfigView>, Refusal> {
    local.change_settings(&change.changes).await?;
    view(&local).map(Json)
}

/// The file is a few kilobytes: reading it takes less than handing it to another thread.
fn view(local: &Local) -> Result<ConfigView, Refusal> {
    let desk = &local.desk;
    desk.file.view(&desk.home, Some(&desk.used())).map_err(|error| broken(&error))
}

impl Local {
    /// Writes settings, and has the daemon go by them before it returns.
    pub(super) async fn change_settings(&self, changes: &BTreeMap<String, Value>) -> Result<(), Refusal> {
        self.desk.file.change(changes).map_err(refused)?;
        let config = self.desk.file.load().map_err(|error| broken(&error))?;
        self.ask(|reply| Ask::Config { config: Box::new(config), reply }).await.map(drop)
    }
}

fn refused(error: ChangeError) -> Refusal {
    let words = error.to_string();
    match error {
        ChangeError::Refused(problems) => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidSettings", words).with_problems(problems)
        }
        ChangeError::File(error) => Refusal::conflict("configFile", told(&error)),
    }
}

fn broken(error: &ConfigError) -> Refusal {
    Refusal::conflict("configFile", told(error))
}
