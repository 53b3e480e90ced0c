//! A safe face of stable-diffusion.cpp's C interface: the only place of this crate with unsafe code.
//!
//! Its callbacks belong to the process, so one call at a time is made into it: [`callbacks::listening`] holds a lock.
//! It has no call that stops a generation; whoever wants that ends the process.

#![expect(unsafe_code, reason = "stable-diffusion.cpp is a C library")]

mod callbacks;
mod choices;
mod context;
mod generate;

use std::ffi::{CStr, CString, c_char};
use std::path::Path;

use diffusion_rs_sys as sys;

pub(crate) use callbacks::{Level, Listener};
pub(crate) use choices::{Rng, SAMPLERS, SCHEDULERS, Sampler, Scheduler, WeightType};
pub(crate) use context::{Context, ContextSettings, FileKind};
pub(crate) use generate::{Images, Sampling, Video};

/// Pixels in rows, one byte a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 3, or 1 for masks.
    pub(crate) channels: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A text that cannot be handed over.
#[derive(Debug)]
pub(crate) struct BadText(pub(crate) String);

/// What was built in: the library has no number of its own, the crate that brings it does.
pub(crate) const LIBRARY: &str = "stable-diffusion.cpp of diffusion-rs-sys 0.1.20";

/// Processor features and the like, in one line.
pub(crate) fn system() -> String {
    // SAFETY: takes nothing and returns a static text.
    text(unsafe { sys::sd_get_system_info() }).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cores without their second threads.
pub(crate) fn physical_cores() -> i32 {
    // SAFETY: takes nothing and returns a number.
    unsafe { sys::sd_get_num_physical_cores() }
}

/// What a text of the library says; empty for none.
fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the library's texts are static buffers that always end with a zero; a line of the log may be overwritten
    // by a line of another thread while it is read, which garbles it and does no more.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn c_text(text: &str) -> Result<CString, BadText> {
    CString::new(text).map_err(|_| BadText(format!("`{}` has a zero character in it", text.escape_debug())))
}

fn c_path(path: &Path) -> Result<CString, BadText> {
    let text = path.to_str().ok_or_else(|| BadText(format!("the path {} is not text", path.display())))?;
    c_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_the_one_that_is_named() {
        let version = LIBRARY.rsplit(' ').next().unwrap();
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("diffusion-rs-sys = {{ version = \"={version}\"")));
        assert!(system().contains("AVX") || !cfg!(target_arch = "x86_64"), "{}", system());
        assert!(physical_cores() > 0);
    }
}
