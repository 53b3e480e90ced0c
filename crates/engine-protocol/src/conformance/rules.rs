//! The rules, each tried on its own process where the former one could spoil it.

mod jobs;

use std::process::Command as Program;
use std::time::Duration;

use serde_json::json;
use studio_protocol::TaskKind;

use super::peer::Peer;
use super::{Outcome, Report, Settings};
use crate::{CANCEL_GRACE, Command, Description, Event, Hello, Load, PROTOCOLS, Stats, Unload};

/// From the end of standard input, or `shutdown`, to the end of the process.
const END_LIMIT: Duration = Duration::from_secs(2);

pub(super) fn all(program: &dyn Fn() -> Program, settings: &Settings) -> Report {
    let mut trial = Trial { program, settings, report: Report::default() };
    let Some(description) = trial.description() else { return trial.report };
    trial.rule("reads commands that arrive in pieces", Trial::reads_pieces);
    trial.rule("skips commands and keys that it does not know", Trial::skips_the_unknown);
    trial.rule("refuses a protocol version that it does not know", Trial::refuses_versions);
    trial.rule("refuses a model that it does not serve", |trial| trial.refuses_models(&description));
    trial.jobs(&description);
    trial.rule("unloads a model and then refuses its jobs", Trial::unloads);
    trial.rule("ends with code 0 on `shutdown`", Trial::shuts_down);
    trial.rule("ends when standard input ends", Trial::ends_idle);
    trial.report
}

pub(super) struct Trial<'a> {
    program: &'a dyn Fn() -> Program,
    settings: &'a Settings,
    report: Report,
}

/// A broken rule is an error; a rule that does not apply is `Ok(Some(why))`.
type Tried = Result<Option<String>, String>;

impl Trial<'_> {
    fn rule(&mut self, name: impl Into<String>, try_it: impl FnOnce(&Self) -> Tried) {
        let outcome = match try_it(self) {
            Ok(None) => Outcome::Kept,
            Ok(Some(why)) => Outcome::Skipped(why),
            Err(how) => Outcome::Broken(how),
        };
        self.report.rules.push((name.into(), outcome));
    }

    fn greeted(&self) -> Result<Peer, String> {
        Ok(Peer::greeted(self.program, self.settings.limit)?.0)
    }

    fn loaded(&self) -> Result<Peer, String> {
        let mut peer = self.greeted()?;
        self.load(&mut peer, &self.settings.model)?;
        Ok(peer)
    }

    fn load(&self, peer: &mut Peer, model: &str) -> Result<(), String> {
        let (source, dir) = (self.settings.source.clone(), self.settings.model_dir.clone());
        peer.say(&Command::Load(Box::new(Load { model: model.to_owned(), source, dir })))?;
        peer.expect(&format!("`loaded` of {model}"), |event| {
            if let Event::Loaded(loaded) = event {
                return (loaded.model == model).then_some(Ok(()));
            }
            let Event::Failed(failed) = event else { return None };
            (failed.model.as_deref() == Some(model)).then_some(Err(failed.message))
        })?
    }

    fn description(&mut self) -> Option<Description> {
        let mut found = None;
        self.rule("answers `hello` with `ready`", |trial| {
            let (_, ready) = Peer::greeted(trial.program, trial.settings.limit)?;
            check_description(ready.protocol, &ready.engine, &trial.settings.source.engine)?;
            found = Some(ready.engine);
            Ok(None)
        });
        found
    }

    fn reads_pieces(&self) -> Tried {
        let mut peer = Peer::start(self.program, self.settings.limit)?;
        let hello = Command::Hello(Hello {
            protocols: PROTOCOLS.to_vec(),
            host: "conformance, in pieces".to_owned(),
        });
        for byte in crate::encode_frame(&hello).map_err(|e| e.to_string())? {
            peer.raw(&[byte])?;
        }
        peer.expect("`ready`", |event| matches!(event, Event::Ready(_)).then_some(None))
    }

    fn skips_the_unknown(&self) -> Tried {
        let mut peer = Peer::start(self.program, self.settings.limit)?;
        let future = [
            json!({"type": "hello", "protocols": [PROTOCOLS[0], 4_000_000], "host": "conformance", "futureKey": {"a": [1]}}),
            json!({"type": "commandOfTheFuture", "jobId": "job-none", "depth": [[[1]]]}),
            json!({"type": "cancel", "jobId": "job-that-is-not-there"}),
            json!({"type": "stats", "futureKey": null}),
        ];
        for message in &future {
            peer.raw(&crate::encode_frame(message).map_err(|e| e.to_string())?)?;
        }
        stats(&peer).map(|_| None)
    }

    fn refuses_versions(&self) -> Tried {
        let mut peer = Peer::start(self.program, self.settings.limit)?;
        peer.say(&Command::Hello(Hello { protocols: vec![4_000_000], host: "conformance".to_owned() }))?;
        let status = peer.ends_within(END_LIMIT)?;
        if status.success() { Err("it ended as if all was well".to_owned()) } else { Ok(None) }
    }

    fn refuses_models(&self, description: &Description) -> Tried {
        const NOBODYS: &str = "a-model-that-nobody-has";
        if description.serves_model(NOBODYS) {
            return Ok(Some("it takes any model".to_owned()));
        }
        let mut peer = self.greeted()?;
        match self.load(&mut peer, NOBODYS) {
            Ok(()) => Err(format!("it says that it loaded `{NOBODYS}`")),
            Err(message) if message.contains(NOBODYS) => Ok(None),
            Err(message) => Err(format!("its message does not name the model: {message}")),
        }
    }

    fn unloads(&self) -> Tried {
        let mut peer = self.loaded()?;
        let model = &self.settings.model;
        peer.say(&Command::Unload(Unload { model: model.clone() }))?;
        peer.expect("`unloaded`", |event| {
            matches!(event, Event::Unloaded(unloaded) if unloaded.model == *model).then_some(())
        })?;
        let Some(task) = self.settings.tasks.first() else { return Ok(Some("no task was given".to_owned())) };
        match self.run(&mut peer, "after-unload", task)? {
            jobs::End::Failed(_) => Ok(None),
            jobs::End::Done(_) => Err("it did a job of a model that is not loaded".to_owned()),
        }
    }

    fn shuts_down(&self) -> Tried {
        let mut peer = self.loaded()?;
        peer.say(&Command::Shutdown)?;
        let status = peer.ends_within(END_LIMIT)?;
        if status.success() { Ok(None) } else { Err(format!("{status}")) }
    }

    fn ends_idle(&self) -> Tried {
        let mut peer = self.loaded()?;
        peer.hang_up();
        peer.ends_within(END_LIMIT).map(|_| None)
    }
}

fn stats(peer: &Peer) -> Result<Stats, String> {
    peer.expect("`stats`", |event| if let Event::Stats(stats) = event { Some(stats) } else { None })
}

fn check_description(protocol: u32, engine: &Description, name: &str) -> Result<(), String> {
    if !PROTOCOLS.contains(&protocol) {
        return Err(format!("it picked protocol {protocol}, which was not offered"));
    }
    if engine.name != name {
        return Err(format!("it calls itself `{}`, not `{name}`", engine.name));
    }
    if engine.kinds.is_empty() || engine.slots == 0 {
        return Err("it serves no kind, or has no slot".to_owned());
    }
    for kind in engine.kinds.iter().filter_map(|kind| kind.parse::<TaskKind>().ok()) {
        let formats = engine.formats.get(kind.as_str()).map_or(0, Vec::len);
        if !kind.result_is_json() && formats == 0 {
            return Err(format!("it serves {kind} but says no format for it"));
        }
    }
    Ok(())
}

/// For the answer to a cancel: the daemon's own patience, and what a busy machine adds.
const CANCEL_LIMIT: Duration = CANCEL_GRACE.saturating_mul(2);
