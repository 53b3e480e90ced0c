#!/usr/bin/env bash
# Builds the worker on every edit and restarts it when the build brought a new program: watching.sh ui|run [ARGUMENT...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export RUST_LOG="${RUST_LOG-studio_worker=debug,info}"
export RUST_BACKTRACE="${RUST_BACKTRACE-1}"

command -v node > /dev/null || fail "Node.js is missing: install nodejs, or type: cargo xtask setup"
cargo watch --version > /dev/null 2>&1 || fail "cargo-watch is missing: cargo install --locked cargo-watch"

# Without a shell between: one dies of the signal that its child would have answered.
exec ${owned[@]+"${owned[@]}"} node "$lib/keep.cjs" \
  cargo watch --why --watch crates --watch Cargo.toml --watch Cargo.lock --ignore target --use-shell=none \
  -- cargo run --package studio-worker -- "$@"
