//! How fast this worker is with each model, measured on its own jobs.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::{JobId, Task};

/// How much the newest job counts: a few jobs settle it, one odd one does not upset it.
const WEIGHT: f64 = 0.3;
/// Models whose speeds are told: more than any owner uses, few enough for every heartbeat.
const MOST: usize = 64;

/// Units of work a second by model; see [`Task::work`].
#[derive(Debug, Default)]
pub(super) struct Speeds {
    models: BTreeMap<String, f64>,
    /// What each running job has to do, and on which model.
    open: HashMap<JobId, (String, Option<f64>)>,
}

impl Speeds {
    /// A job is about to run.
    pub(super) fn begin(&mut self, job: &JobId, model: &str, task: &Task) {
        self.open.insert(job.clone(), (model.to_owned(), task.work()));
    }

    /// It was done, within `took` of the engine's time; says whether that changed what is known.
    pub(super) fn done(&mut self, job: &JobId, took: Duration, result: Option<&RawValue>) -> bool {
        let Some((model, work)) = self.open.remove(job) else { return false };
        let Some(work) = work.or_else(|| result.and_then(work_of_result)) else { return false };
        let seconds = took.as_secs_f64();
        if seconds <= 0.0 || work <= 0.0 || (self.models.len() >= MOST && !self.models.contains_key(&model)) {
            return false;
        }
        let speed = work / seconds;
        self.models.entry(model).and_modify(|old| *old += WEIGHT * (speed - *old)).or_insert(speed);
        true
    }

    /// It ended without a result.
    pub(super) fn forget(&mut self, job: &JobId) {
        self.open.remove(job);
    }

    /// For the heartbeat; three digits are plenty.
    pub(super) fn told(&self) -> BTreeMap<String, f64> {
        let three_digits = |speed: f64| {
            let scale = 10_f64.powf(2.0 - speed.log10().floor());
            (speed * scale).round() / scale
        };
        self.models.iter().map(|(model, speed)| (model.clone(), three_digits(*speed))).collect()
    }
}

/// Tokens of an answer, seconds of a recording.
fn work_of_result(result: &RawValue) -> Option<f64> {
    let result: Value = serde_json::from_str(result.get()).ok()?;
    let tokens =
        result.pointer("/usage/completion_tokens").and_then(Value::as_f64).filter(|tokens| *tokens > 0.0);
    let read = result.pointer("/usage/total_tokens").and_then(Value::as_f64);
    tokens.or(read).or_else(|| result.get("duration").and_then(Value::as_f64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn speed_after(task: Value, took: &[u64], result: Option<&str>) -> Option<f64> {
        let task: Task = serde_json::from_value(task).unwrap();
        let result = result.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let mut speeds = Speeds::default();
        for millis in took {
            speeds.begin(&"job-1".into(), "m", &task);
            speeds.done(&"job-1".into(), Duration::from_millis(*millis), result.as_deref());
        }
        speeds.told().get("m").copied()
    }

    #[test]
    fn a_picture_counts_its_steps_and_pixels_and_an_answer_its_tokens() {
        let picture = json!({"kind": "image", "prompt": "p", "steps": 8, "width": 1000, "height": 1000});
        assert_eq!(speed_after(picture, &[2_000], None), Some(4.0));
        let chat = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(
            speed_after(chat.clone(), &[500], Some(r#"{"usage": {"completion_tokens": 50}}"#)),
            Some(100.0)
        );
        assert_eq!(speed_after(chat, &[500], Some("{}")), None);
        let speech = json!({"kind": "audio_stt", "inputUrl": "https://h/a"});
        assert_eq!(speed_after(speech, &[1_000], Some(r#"{"duration": 12.34}"#)), Some(12.3));
    }

    #[test]
    fn one_odd_job_does_not_upset_what_is_known() {
        let picture = json!({"kind": "image", "prompt": "p", "steps": 10, "width": 1000, "height": 1000});
        let settled = speed_after(picture.clone(), &[1_000; 9], None).unwrap();
        let upset = speed_after(picture, &[1_000, 1_000, 1_000, 1_000, 100_000], None).unwrap();
        assert!((settled - 10.0).abs() < 1e-9 && upset > 6.9, "{settled} {upset}");
    }
}
