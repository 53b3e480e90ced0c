//! The library's lists of names.

use diffusion_rs_sys as sys;

use super::{c_text, text};

/// How noise is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sampler(pub(super) sys::sample_method_t);

/// How much noise is left at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scheduler(pub(super) sys::scheduler_t);

/// The format that weights are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightType(pub(super) sys::sd_type_t);

/// Where noise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rng(pub(super) sys::rng_type_t);

/// Every sampler.
pub(crate) const SAMPLERS: [Sampler; 18] = {
    use sys::sample_method_t as method;
    [
        Sampler(method::EULER_SAMPLE_METHOD),
        Sampler(method::EULER_A_SAMPLE_METHOD),
        Sampler(method::HEUN_SAMPLE_METHOD),
        Sampler(method::DPM2_SAMPLE_METHOD),
        Sampler(method::DPMPP2S_A_SAMPLE_METHOD),
        Sampler(method::DPMPP2M_SAMPLE_METHOD),
        Sampler(method::DPMPP2Mv2_SAMPLE_METHOD),
        Sampler(method::IPNDM_SAMPLE_METHOD),
        Sampler(method::IPNDM_V_SAMPLE_METHOD),
        Sampler(method::LCM_SAMPLE_METHOD),
        Sampler(method::DDIM_TRAILING_SAMPLE_METHOD),
        Sampler(method::TCD_SAMPLE_METHOD),
        Sampler(method::RES_MULTISTEP_SAMPLE_METHOD),
        Sampler(method::RES_2S_SAMPLE_METHOD),
        Sampler(method::ER_SDE_SAMPLE_METHOD),
        Sampler(method::EULER_CFG_PP_SAMPLE_METHOD),
        Sampler(method::EULER_A_CFG_PP_SAMPLE_METHOD),
        Sampler(method::EULER_GE_SAMPLE_METHOD),
    ]
};

/// Every schedule.
pub(crate) const SCHEDULERS: [Scheduler; 12] = {
    use sys::scheduler_t as scheduler;
    [
        Scheduler(scheduler::DISCRETE_SCHEDULER),
        Scheduler(scheduler::KARRAS_SCHEDULER),
        Scheduler(scheduler::EXPONENTIAL_SCHEDULER),
        Scheduler(scheduler::AYS_SCHEDULER),
        Scheduler(scheduler::GITS_SCHEDULER),
        Scheduler(scheduler::SGM_UNIFORM_SCHEDULER),
        Scheduler(scheduler::SIMPLE_SCHEDULER),
        Scheduler(scheduler::SMOOTHSTEP_SCHEDULER),
        Scheduler(scheduler::KL_OPTIMAL_SCHEDULER),
        Scheduler(scheduler::LCM_SCHEDULER),
        Scheduler(scheduler::BONG_TANGENT_SCHEDULER),
        Scheduler(scheduler::LTX2_SCHEDULER),
    ]
};

impl Sampler {
    pub(crate) fn name(self) -> String {
        // SAFETY: returns a static text for any value.
        text(unsafe { sys::sd_sample_method_name(self.0) })
    }
}

impl Scheduler {
    pub(crate) fn name(self) -> String {
        // SAFETY: returns a static text for any value.
        text(unsafe { sys::sd_scheduler_name(self.0) })
    }
}

impl WeightType {
    /// `f16`, `q8_0`, `q4_K`, ...
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = c_text(name).ok()?;
        // SAFETY: reads a text that ends with a zero.
        let found = unsafe { sys::str_to_sd_type(name.as_ptr()) };
        (found != sys::sd_type_t::SD_TYPE_COUNT).then_some(Self(found))
    }
}

impl Rng {
    /// `cpu` (as PyTorch on a processor), `cuda` (as PyTorch on a GPU), `std_default`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = c_text(name).ok()?;
        // SAFETY: reads a text that ends with a zero.
        let found = unsafe { sys::str_to_rng_type(name.as_ptr()) };
        (found != sys::rng_type_t::RNG_TYPE_COUNT).then_some(Self(found))
    }

    /// `cpu`: the same seed gives the same noise on every machine.
    pub(crate) const CPU: Self = Self(sys::rng_type_t::CPU_RNG);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_listed() {
        assert_eq!(SAMPLERS.len(), sys::sample_method_t::SAMPLE_METHOD_COUNT as usize);
        assert_eq!(SCHEDULERS.len(), sys::scheduler_t::SCHEDULER_COUNT as usize);
    }

    #[test]
    fn names_are_found() {
        assert_eq!(WeightType::named("q8_0"), Some(WeightType(sys::sd_type_t::SD_TYPE_Q8_0)));
        assert_eq!(WeightType::named("q8"), None);
        assert_eq!(Rng::named("cpu"), Some(Rng::CPU));
    }
}
