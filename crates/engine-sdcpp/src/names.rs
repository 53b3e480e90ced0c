//! Samplers and schedules by the names that people use.

use engine_protocol::Failure;

use crate::sd::{SAMPLERS, SCHEDULERS, Sampler, Scheduler};

/// Other spellings of samplers, reduced as by [`plain`]; the second is stable-diffusion.cpp's name.
const SAMPLER_ALIASES: &[(&str, &str)] = &[
    ("eulera", "euler_a"),
    ("eulerancestral", "euler_a"),
    ("dpmpp2sa", "dpm++2s_a"),
    ("dpmpp2sancestral", "dpm++2s_a"),
    ("dpmpp2m", "dpm++2m"),
    ("dpmpp2mv2", "dpm++2mv2"),
    ("ddim", "ddim_trailing"),
    ("eulercfgpp", "euler_cfg_pp"),
    ("eulerancestralcfgpp", "euler_a_cfg_pp"),
    ("eulergradientestimation", "euler_ge"),
    ("gradientestimation", "euler_ge"),
];

/// Other spellings of schedules.
const SCHEDULER_ALIASES: &[(&str, &str)] = &[
    ("normal", "discrete"),
    ("default", "discrete"),
    ("alignyoursteps", "ays"),
    ("alignyourstepsgits", "gits"),
    ("sgm", "sgm_uniform"),
    ("kl", "kl_optimal"),
];

/// The sampler of a name; one that is not known is refused with the known ones.
pub(crate) fn sampler(name: &str) -> Result<Sampler, Failure> {
    find(name, &SAMPLERS, Sampler::name, SAMPLER_ALIASES).ok_or_else(|| {
        Failure::bad_input(format!("unknown sampler `{}`: use one of {}", quoted(name), all_samplers()))
    })
}

/// The schedule of a name; one that is not known is refused with the known ones.
pub(crate) fn scheduler(name: &str) -> Result<Scheduler, Failure> {
    find(name, &SCHEDULERS, Scheduler::name, SCHEDULER_ALIASES).ok_or_else(|| {
        Failure::bad_input(format!("unknown scheduler `{}`: use one of {}", quoted(name), all_schedulers()))
    })
}

/// Every sampler's name.
pub(crate) fn all_samplers() -> String {
    SAMPLERS.map(Sampler::name).join(", ")
}

/// Every schedule's name.
pub(crate) fn all_schedulers() -> String {
    SCHEDULERS.map(Scheduler::name).join(", ")
}

/// Characters of an unknown name that a failure quotes.
const QUOTED_CHARS: usize = 40;

pub(crate) fn quoted(name: &str) -> String {
    name.chars().take(QUOTED_CHARS).flat_map(char::escape_debug).collect()
}

fn find<T: Copy>(
    name: &str,
    all: &[T],
    name_of: impl Fn(T) -> String,
    aliases: &[(&str, &str)],
) -> Option<T> {
    let wanted = plain(name);
    let alias = aliases.iter().find(|(alias, _)| *alias == wanted).map(|(_, name)| plain(name));
    let wanted = alias.unwrap_or(wanted);
    all.iter().copied().find(|one| plain(&name_of(*one)) == wanted)
}

/// Small letters and digits only: `DPM++ 2M` and `dpmpp_2m` are one name.
fn plain(name: &str) -> String {
    let name = name.to_lowercase().replace('+', "p");
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    name.strip_prefix("sample").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_library_and_common_ones_are_found() {
        for one in SAMPLERS {
            assert_eq!(sampler(&one.name()).unwrap(), one);
        }
        for one in SCHEDULERS {
            assert_eq!(scheduler(&one.name()).unwrap(), one);
        }
        for (alias, name) in [
            ("Euler a", "euler_a"),
            ("euler_ancestral", "euler_a"),
            ("DPM++ 2M", "dpm++2m"),
            ("dpmpp_2m", "dpm++2m"),
            ("DPM++ 2S a", "dpm++2s_a"),
            ("DDIM", "ddim_trailing"),
        ] {
            assert_eq!(sampler(alias).unwrap().name(), name, "{alias}");
        }
        for (alias, name) in [("SGM Uniform", "sgm_uniform"), ("normal", "discrete"), ("Karras", "karras")] {
            assert_eq!(scheduler(alias).unwrap().name(), name, "{alias}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let problem = sampler("quantum\n").unwrap_err().message;
        assert!(problem.contains("`quantum\\n`") && problem.contains("euler_a, heun"), "{problem}");
        let problem = scheduler("linear").unwrap_err().message;
        assert!(problem.contains("`linear`") && problem.contains("sgm_uniform"), "{problem}");
        assert!(sampler("").is_err());
    }

    #[test]
    fn every_alias_leads_somewhere() {
        for (alias, _) in SAMPLER_ALIASES {
            assert!(sampler(alias).is_ok(), "{alias}");
        }
        for (alias, _) in SCHEDULER_ALIASES {
            assert!(scheduler(alias).is_ok(), "{alias}");
        }
    }
}
