//! What a model's defaults say about how it is loaded, and what its jobs get where they state nothing.

use engine_protocol::Failure;
use serde_json::{Map, Value};
use studio_protocol::CliDefaults;

use crate::names;
use crate::sd::{self, Rng, Sampler, Scheduler, WeightType};

/// Read from `cliDefaults`; unknown keys are left alone, wrong ones refused.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) threads: i32,
    pub(crate) weight_type: Option<WeightType>,
    pub(crate) rng: Rng,
    pub(crate) maps_files: bool,
    pub(crate) flash_attention: bool,
    pub(crate) zero_cond_t: bool,
    pub(crate) offloads: bool,
    pub(crate) tiles: bool,
    pub(crate) clip_skip: Option<u32>,
    pub(crate) flow_shift: Option<f64>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) steps: u32,
    pub(crate) cfg_scale: f64,
}

/// Threads at most: beyond the cores of any machine they only wait for each other.
const MAX_THREADS: u64 = 512;

impl Settings {
    pub(crate) fn read(defaults: &CliDefaults) -> Result<Self, Failure> {
        let more = Keys(&defaults.more);
        // The library's other way spoils the weights when the LoRAs change from job to job.
        more.word(
            "loraMode",
            |mode| matches!(mode, "auto" | "at_runtime").then_some(()),
            "auto, at_runtime",
        )?;
        Ok(Self {
            threads: more.threads()?.unwrap_or_else(usual_threads),
            weight_type: more.word("weightType", WeightType::named, "f32, f16, bf16, q8_0, q4_K, ...")?,
            rng: more.word("rng", Rng::named, "cpu, cuda, std_default")?.unwrap_or(Rng::CPU),
            maps_files: more.flag("mmap")?,
            flash_attention: more.flag("flashAttention")?,
            zero_cond_t: more.flag("zeroCondT")?,
            offloads: more.flag("offloadToCpu")?,
            tiles: more.flag("vaeTiling")?,
            clip_skip: more.clip_skip()?,
            flow_shift: more.number("flowShift")?,
            sampler: more.name("samplingMethod", names::sampler)?,
            scheduler: more.name("scheduler", names::scheduler)?,
            steps: defaults.steps,
            cfg_scale: defaults.cfg_scale,
        })
    }
}

/// One a physical core: second threads of a core slow matrix products down.
fn usual_threads() -> i32 {
    let allowed = i32::try_from(engine_protocol::harness::threads()).unwrap_or(1);
    sd::physical_cores().min(allowed).clamp(1, MAX_THREADS as i32)
}

struct Keys<'a>(&'a Map<String, Value>);

impl Keys<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, wanted: &str) -> Failure {
        let value = self.get(key).map(ToString::to_string).unwrap_or_default();
        Failure::model(format!("the model's default `{key}` is {}, not {wanted}", names::quoted(&value)))
    }

    fn flag(&self, key: &str) -> Result<bool, Failure> {
        let Some(value) = self.get(key) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.wrong(key, "true or false"))
    }

    fn number(&self, key: &str) -> Result<Option<f64>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong(key, "a number"))
    }

    fn threads(&self) -> Result<Option<i32>, Failure> {
        let Some(value) = self.get("threads") else { return Ok(None) };
        let threads = value.as_u64().filter(|threads| (1..=MAX_THREADS).contains(threads));
        let threads = threads.ok_or_else(|| self.wrong("threads", "a number from 1 to 512"))?;
        Ok(i32::try_from(threads).ok())
    }

    fn clip_skip(&self) -> Result<Option<u32>, Failure> {
        let Some(value) = self.get("clipSkip") else { return Ok(None) };
        let layers = value.as_u64().and_then(|layers| u32::try_from(layers).ok());
        layers.map(Some).ok_or_else(|| self.wrong("clipSkip", "a whole number"))
    }

    fn word<T>(
        &self,
        key: &str,
        named: impl Fn(&str) -> Option<T>,
        known: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = value.as_str().and_then(named);
        found.map(Some).ok_or_else(|| self.wrong(key, &format!("one of {known}")))
    }

    fn name<T>(&self, key: &str, find: impl Fn(&str) -> Result<T, Failure>) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let name = value.as_str().ok_or_else(|| self.wrong(key, "a name"))?;
        find(name)
            .map(Some)
            .map_err(|problem| Failure::model(format!("the model's default `{key}`: {}", problem.message)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: Value) -> Result<Settings, Failure> {
        let Value::Object(more) = more else { panic!("an object") };
        Settings::read(&CliDefaults { cfg_scale: 1.0, steps: 8, width: 64, height: 64, more })
    }

    #[test]
    fn what_is_not_stated_is_the_usual() {
        let settings = read(json!({"contextSize": 4096, "mmap": null})).unwrap();
        assert!(settings.threads >= 1 && !settings.maps_files && settings.sampler.is_none());
        assert_eq!(settings.rng, Rng::CPU);
    }

    #[test]
    fn what_is_stated_is_read() {
        let settings = read(json!({
            "threads": 3, "weightType": "q8_0", "rng": "cuda", "loraMode": "at_runtime", "mmap": true, "clipSkip": 2,
            "flashAttention": true, "zeroCondT": true, "offloadToCpu": true, "vaeTiling": true, "flowShift": 1.5,
            "samplingMethod": "DPM++ 2M", "scheduler": "karras",
        }))
        .unwrap();
        assert_eq!((settings.threads, settings.clip_skip, settings.flow_shift), (3, Some(2), Some(1.5)));
        assert!(settings.maps_files && settings.offloads && settings.tiles && settings.flash_attention);
        assert_eq!(settings.sampler.map(Sampler::name).as_deref(), Some("dpm++2m"));
        assert_eq!(settings.rng, Rng::named("cuda").unwrap());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, value) in [
            ("threads", json!(0)),
            ("threads", json!("2")),
            ("weightType", json!("q99")),
            ("rng", json!(1)),
            ("mmap", json!("yes")),
            ("flowShift", json!("3")),
            ("samplingMethod", json!("quantum")),
            ("scheduler", json!(false)),
            ("clipSkip", json!(-1)),
            ("loraMode", json!("immediately")),
        ] {
            let problem = read(json!({ key: value.clone() })).unwrap_err();
            assert!(problem.message.contains(key), "{key} {value}: {problem}");
        }
    }
}
