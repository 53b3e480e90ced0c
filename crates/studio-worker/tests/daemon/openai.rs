//! Local programs speak to the worker's engines in OpenAI's shape; the daemon runs the real synthetic engine.

mod jobs;
mod media;
mod refusals;
mod support;
mod text;
