//! How an offer is answered (protocol section 5, first match wins).

use studio_protocol::{Capabilities, OfferClaim, RejectCode, UserPresence};

/// What an offer is weighed against.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) paused: bool,
    /// Why no new job is taken although the worker is not paused: a shutdown, a drain, results that pile up, a full disk.
    pub(crate) closed: Option<&'a str>,
    /// The rule of the owner that keeps jobs away.
    pub(crate) held: Option<&'a str>,
    pub(crate) presence: Option<UserPresence>,
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) free_vram_gb: Option<f64>,
    pub(crate) vram_reserve_gb: f64,
    pub(crate) slot_free: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Accept,
    Reject { code: RejectCode, reason: String },
    Fail { error: String, retryable: bool },
}

impl Gate<'_> {
    pub(crate) fn answer(&self, claim: &OfferClaim) -> Answer {
        if self.paused {
            return reject(RejectCode::Paused, "the worker is paused");
        }
        if let Some(reason) = self.closed {
            return reject(RejectCode::Busy, reason);
        }
        if let Some(reason) = self.held {
            return reject(RejectCode::Paused, reason);
        }
        if self.capabilities.only_when_idle && self.presence != Some(UserPresence::Idle) {
            return reject(RejectCode::Paused, "the worker takes jobs only while nobody uses the machine");
        }
        if let Some(reason) = self.lacks_memory(claim.vram_gb_estimate) {
            return Answer::Reject { code: RejectCode::InsufficientMemory, reason };
        }
        if !self.slot_free {
            return reject(RejectCode::Busy, "worker already has an in-flight job");
        }
        self.routing_problem(claim).unwrap_or(Answer::Accept)
    }

    /// Skipped without a readable GPU.
    fn lacks_memory(&self, needed: f64) -> Option<String> {
        let free = self.free_vram_gb?;
        let usable = (free - self.vram_reserve_gb).max(0.0);
        (needed > usable).then(|| {
            format!(
                "the job needs {needed:.1} GiB of device memory, {usable:.1} GiB are free \
                 ({:.1} GiB stay reserved)",
                self.vram_reserve_gb
            )
        })
    }

    /// What would fail on this build whatever happens is said before an engine starts.
    fn routing_problem(&self, claim: &OfferClaim) -> Option<Answer> {
        let engine = &claim.model_source.engine;
        if !self.capabilities.model_engines.iter().any(|known| known == engine) {
            let error = format!("engine `{}` is not part of this worker", engine.escape_debug());
            return Some(Answer::Fail { error, retryable: true });
        }
        if let Err(problem) = claim.task.check() {
            return Some(Answer::Fail { error: format!("task {problem}"), retryable: false });
        }
        let file = claim.model_source.files.iter().find(|file| !file.has_plain_name())?;
        let error = format!("model file name `{}` is not a plain name", file.filename.escape_debug());
        Some(Answer::Fail { error, retryable: false })
    }
}

fn reject(code: RejectCode, reason: &str) -> Answer {
    Answer::Reject { code, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> Capabilities {
        Capabilities { model_engines: vec!["synthetic".into()], ..Capabilities::default() }
    }

    fn gate(capabilities: &Capabilities) -> Gate<'_> {
        Gate {
            paused: false,
            closed: None,
            held: None,
            presence: None,
            capabilities,
            free_vram_gb: Some(8.0),
            vram_reserve_gb: 1.0,
            slot_free: true,
        }
    }

    fn claim(vram: f64, engine: &str) -> OfferClaim {
        serde_json::from_value(serde_json::json!({
            "jobId": "j", "gameId": "g", "assetName": "a", "model": "m", "vramGbEstimate": vram,
            "task": {"kind": "image", "prompt": "p"},
            "modelSource": {"engine": engine, "files": [],
                "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 1, "height": 1}},
        }))
        .unwrap()
    }

    fn code(answer: &Answer) -> Option<RejectCode> {
        match answer {
            Answer::Reject { code, .. } => Some(*code),
            Answer::Accept | Answer::Fail { .. } => None,
        }
    }

    /// Everything speaks against the offer at first; each step takes the reason away that won.
    #[test]
    fn the_first_reason_wins_in_the_order_of_the_protocol() {
        let mut caps = capabilities();
        caps.only_when_idle = true;
        let offer = claim(7.5, "absent");
        let mut paused = Gate { paused: true, closed: Some("stopping"), slot_free: false, ..gate(&caps) };
        assert_eq!(code(&paused.answer(&offer)), Some(RejectCode::Paused));
        paused.paused = false;
        assert_eq!(paused.answer(&offer), reject(RejectCode::Busy, "stopping"));
        paused.closed = None;
        assert_eq!(
            code(&paused.answer(&offer)),
            Some(RejectCode::Paused),
            "nobody knows whether the user is there"
        );
        paused.held = Some("a program fills the screen");
        assert_eq!(paused.answer(&offer), reject(RejectCode::Paused, "a program fills the screen"));
        let mut gate = Gate { slot_free: false, presence: Some(UserPresence::Idle), ..gate(&caps) };
        assert_eq!(code(&gate.answer(&offer)), Some(RejectCode::InsufficientMemory));
        let offer = claim(7.0, "absent");
        assert_eq!(code(&gate.answer(&offer)), Some(RejectCode::Busy));
        gate.slot_free = true;
        assert!(
            matches!(gate.answer(&offer), Answer::Fail { error, retryable: true } if error.contains("`absent`"))
        );
        assert_eq!(gate.answer(&claim(7.0, "synthetic")), Answer::Accept);
    }

    #[test]
    fn a_refusal_for_memory_names_both_amounts() {
        let caps = capabilities();
        match gate(&caps).answer(&claim(7.5, "synthetic")) {
            Answer::Reject { reason, .. } => {
                assert!(reason.contains("7.5 GiB") && reason.contains("7.0 GiB"), "{reason}");
            }
            answer @ (Answer::Accept | Answer::Fail { .. }) => panic!("{answer:?}"),
        }
    }

    #[test]
    fn without_a_readable_gpu_memory_is_not_checked() {
        let caps = capabilities();
        let gate = Gate { free_vram_gb: None, ..gate(&caps) };
        assert_eq!(gate.answer(&claim(640.0, "synthetic")), Answer::Accept);
    }

    #[test]
    fn what_no_engine_may_touch_fails_for_good() {
        let caps = capabilities();
        let mut offer = claim(0.0, "synthetic");
        offer.model_source.files.push(
            serde_json::from_value(
                serde_json::json!({"role": "model", "url": "https://h/x", "filename": "../x"}),
            )
            .unwrap(),
        );
        assert!(
            matches!(gate(&caps).answer(&offer), Answer::Fail { error, retryable: false } if error.contains("../x"))
        );
        let mut offer = claim(0.0, "synthetic");
        if let studio_protocol::Task::Image(task) = &mut offer.task {
            task.ext = "../../webp".into();
        }
        assert!(
            matches!(gate(&caps).answer(&offer), Answer::Fail { error, retryable: false } if error.contains("ext"))
        );
    }
}
