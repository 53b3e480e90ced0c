//! Tells a worker where to fetch what the studio itself has: files of models, and inputs that clients brought.

use axum::http::HeaderMap;
use serde_json::value::to_raw_value;
use studio_protocol::{StudioFrame, Timestamp, WorkerId};

use crate::inputs;
use crate::model_files::{ModelFiles, base};
use crate::signing::Signer;
use crate::state::AppState;

/// What is put into the offers of one session.
pub struct Offers {
    files: ModelFiles,
    signer: Signer,
    worker: WorkerId,
    base: String,
}

impl Offers {
    /// `headers` are those of the worker's upgrade: they tell how it reaches the studio.
    pub fn new(state: &AppState, worker: WorkerId, headers: &HeaderMap) -> Self {
        let base = base(&state.settings, headers);
        Self { files: state.model_files.clone(), signer: state.signer.clone(), worker, base }
    }

    /// Puts addresses into an offer; other frames stay as they are.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other frame carries a model's source")]
    pub fn address(&self, frame: &mut StudioFrame) {
        match frame {
            StudioFrame::OfferRaw(offer) => {
                let claim = &mut offer.claim;
                let source =
                    self.files.for_worker(&claim.model, &claim.model_source, &self.worker, &self.base);
                if let Some(source) = source {
                    claim.model_source = source;
                }
                let now = Timestamp::now();
                if let Some(task) = inputs::for_worker(&self.signer, &claim.task, &self.base, now) {
                    claim.task = task;
                }
            }
            StudioFrame::LoadModel(command) => {
                let raw = command.model_source.as_ref().and_then(|source| to_raw_value(source).ok());
                let source =
                    raw.and_then(|raw| self.files.for_worker(&command.model, &raw, &self.worker, &self.base));
                if let Some(source) = source.and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                    command.model_source = Some(source);
                }
            }
            _ => {}
        }
    }
}
