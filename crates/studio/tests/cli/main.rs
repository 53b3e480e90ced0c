//! The command line against a real studio process.

mod backup;
mod batch;
mod commands;
mod shop;
