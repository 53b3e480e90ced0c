//! Those who use the studio: somebody submits until it is acknowledged, somebody changes their mind.

use std::time::Duration;

use serde_json::json;
use studio_protocol::{JobId, TaskKind, states_options};
use studio_store::NewJob;

use super::requests::{Answer, Body, From, ReqId};
use super::{Event, World};
use crate::checker::{Fate, Spec};
use crate::trace::note;

/// How long the client waits before it submits once more what was not acknowledged.
const AGAIN: Duration = Duration::from_secs(3);
/// Jobs that state what only our workers understand.
const OPTIONS_SHARE: f64 = 0.2;
/// Models: name, kind, engine, memory.
pub(super) const MODELS: [(&str, TaskKind, &str, f64); 4] = [
    ("synthetic-chat", TaskKind::Llm, "synthetic", 0.0),
    ("synthetic-chat-b", TaskKind::Llm, "synthetic", 1.0),
    ("synthetic", TaskKind::Image, "synthetic", 0.0),
    ("painter", TaskKind::Image, "special", 6.0),
];

/// Jobs that are submitted together.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub specs: Vec<Spec>,
    /// What the first commit of it made.
    pub committed: Option<Vec<JobId>>,
    is_acknowledged: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Client {
    pub orders: Vec<Order>,
}

impl Client {
    pub fn restless(&self) -> Vec<String> {
        let waiting = self.orders.iter().enumerate().filter(|(_, order)| !order.is_acknowledged);
        waiting.map(|(index, _)| format!("order {index} is not acknowledged")).collect()
    }
}

impl World {
    pub(super) fn plan_submissions(&mut self) {
        let orders = 4 + self.dice.below(16);
        let trouble_share = self.dice.unit() * 0.3;
        for index in 0..orders {
            let jobs = 1 + self.dice.below(5);
            let specs = (0..jobs).map(|_| self.draw_spec(trouble_share)).collect();
            self.client.orders.push(Order { specs, ..Order::default() });
            let at = self.climate.storm.mul_f64(0.85 * self.dice.unit());
            self.at(at, Event::Submit { index });
        }
    }

    fn draw_spec(&mut self, trouble_share: f64) -> Spec {
        let (model, kind, engine, vram_gb) = *self.dice.pick(&MODELS).unwrap_or(&MODELS[0]);
        let fate = if self.dice.chance(trouble_share) {
            match self.dice.below(3) {
                0 => Fate::Flaky(u32::try_from(1 + self.dice.below(3)).unwrap_or(1)),
                1 => Fate::Hopeless,
                _ => Fate::Poison,
            }
        } else {
            Fate::Good
        };
        let needs_options = self.dice.chance(OPTIONS_SHARE);
        Spec { kind, engine, model, vram_gb, needs_options, max_attempts: 5, fate }
    }

    pub(super) fn submit(&mut self, index: usize) {
        if !self.client.orders[index].is_acknowledged {
            self.request(From::Client, Body::Submit { index });
        }
    }

    pub(super) fn new_job(req: ReqId, index: usize, number: usize, spec: &Spec) -> NewJob {
        let mut task = if spec.kind == TaskKind::Llm {
            json!({"kind": "llm", "messages": [{"role": "user", "content": "a tale"}]})
        } else {
            json!({"kind": "image", "prompt": "a fox"})
        };
        if spec.needs_options {
            let option = if spec.kind == TaskKind::Llm { "topK" } else { "clipSkip" };
            task[option] = json!(2);
        }
        NewJob {
            id: JobId::from(format!("job-{index}.{number}-{}", req.0)),
            project: if index.is_multiple_of(3) { "big" } else { "small" }.into(),
            asset_name: format!("thing {index}.{number}"),
            model: spec.model.to_owned(),
            kind: spec.kind,
            needs_options: states_options(&task),
            task_json: task.to_string(),
            priority: if index.is_multiple_of(5) { 5 } else { 0 },
            max_attempts: spec.max_attempts,
        }
    }

    pub(super) fn client_hears(&mut self, body: &Body, answer: Answer) {
        let Body::Submit { index } = body else { return };
        match answer {
            Answer::Jobs(jobs) => {
                note!(self, "client: order {index} is acknowledged: {jobs:?}");
                self.client.orders[*index].is_acknowledged = true;
                self.checker.submission_acknowledged(&jobs);
            }
            Answer::Status(_) | Answer::Registered(_) | Answer::Polled(_) | Answer::Lost => {
                self.after(AGAIN, Event::Submit { index: *index });
            }
        }
    }

    /// A job that exists, at random.
    pub(super) fn some_job(&mut self, test: impl Fn(&crate::checker::Entry) -> bool) -> Option<JobId> {
        let fitting = self.checker.ledger.0.iter().filter(|(_, entry)| test(entry));
        let jobs: Vec<&JobId> = fitting.map(|(job, _)| job).collect();
        self.dice.pick(&jobs).map(|job| (*job).clone())
    }
}
