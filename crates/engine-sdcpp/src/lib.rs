//! The stable-diffusion.cpp engine: pictures and clips from Z-Image, Flux, Qwen-Image, Stable Diffusion, Wan and others.
//!
//! With the feature `sdcpp` it is the program `studio-engine-sdcpp`; without it there is only what reads and writes the
//! parameters inside of pictures, and nothing of C++ is built.

mod parameters;

#[cfg(feature = "sdcpp")]
mod asked;
#[cfg(feature = "sdcpp")]
mod check;
#[cfg(feature = "sdcpp")]
mod clip;
#[cfg(feature = "sdcpp")]
mod engine;
#[cfg(feature = "sdcpp")]
mod files;
#[cfg(feature = "sdcpp")]
mod image_job;
#[cfg(feature = "sdcpp")]
mod inputs;
#[cfg(feature = "sdcpp")]
mod limits;
#[cfg(feature = "sdcpp")]
mod names;
#[cfg(feature = "sdcpp")]
mod output;
#[cfg(feature = "sdcpp")]
mod sd;
#[cfg(feature = "sdcpp")]
mod settings;
#[cfg(feature = "sdcpp")]
mod video_job;
#[cfg(feature = "sdcpp")]
mod watch;

pub use parameters::{EmbedError, LoraWeight, Parameters, embed_parameters, read_parameters, read_text};

#[cfg(feature = "sdcpp")]
pub use engine::{NAME, main};
