//! `/v1`: what programs written for other services speak.
//!
//! A request becomes a job that a client waits for, see [`run`]; how requests and answers look is the business of
//! the crate `studio-dialects`, which this is the shell of.

pub mod run;
