//! The owner changes who this worker is, while it runs.

use std::sync::Arc;

use studio_protocol::ApiBase;
use worker_core::{ExitReason, Input, Secret};
use worker_local::JoinAsk;

use super::Daemon;
use crate::config::Key;
use crate::local::{Refusal, Reply};

impl Daemon {
    /// Forgets who it is, and asks its studio anew.
    pub(super) async fn reset_registration(&mut self, reply: Reply) -> Option<ExitReason> {
        tracing::info!("asked to register anew through the local API");
        let exit = self.step(Input::ResetRegistration).await;
        self.done(exit, reply)
    }

    /// Registers with a code, at another studio if one is named.
    pub(super) async fn join(&mut self, ask: JoinAsk, reply: Reply) -> Option<ExitReason> {
        match self.prepare_join(&ask) {
            Ok(()) => {
                let exit = self.step(Input::Join(Secret::new(ask.code.trim()))).await;
                self.done(exit, reply)
            }
            Err(refusal) => {
                reply.send(Err(refusal));
                None
            }
        }
    }

    fn prepare_join(&mut self, ask: &JoinAsk) -> Result<(), Refusal> {
        if let Some(worker) = self.worker.identity().worker_id() {
            return Err(Refusal::conflict(
                "joined",
                format!(
                    "this worker has joined {} as {worker}: reset the registration first to join anew",
                    self.config.api_base_url
                ),
            ));
        }
        let Some(url) = ask.api_base_url.as_ref().filter(|url| **url != self.config.api_base_url) else {
            return Ok(());
        };
        if let Some(variable) = Key::ApiBaseUrl.overridden_by() {
            let words = format!("the variable {variable} of the worker's environment names another studio");
            return Err(Refusal::conflict("overridden", words));
        }
        let studio = ApiBase::parse(url).map_err(|error| Refusal::invalid(format!("apiBaseUrl: {error}")))?;
        self.file
            .save(Key::ApiBaseUrl, url.as_str())
            .map_err(|error| Refusal::invalid(crate::http::told(&error)))?;
        self.config.api_base_url.clone_from(url);
        self.config.studio = studio;
        self.used.send_replace(Arc::new(self.config.clone()));
        self.use_studio();
        Ok(())
    }
}
