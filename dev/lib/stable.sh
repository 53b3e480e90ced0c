#!/usr/bin/env bash
# Runs the worker as it was built last, whatever is built meanwhile: stable.sh ui|run [ARGUMENT...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export RUST_LOG="${RUST_LOG-studio_worker=info,warn}"

built="${CARGO_TARGET_DIR:-target}/debug"
[[ -x "$built/studio-worker" ]] || fail "$built/studio-worker is not there: cargo build --package studio-worker"

# A worker starts its engines by their path, again and again: links of its own keep them as they are now.
own="$built/stable/$$"
for folder in "$built"/stable/*; do
  if [[ -d "$folder" ]] && ! kill -0 "$(basename "$folder")" 2> /dev/null; then rm -rf "$folder"; fi
done
rm -rf "$own"
mkdir -p "$own"
for program in "$built"/studio-worker "$built"/studio-engine-*; do
  if [[ -f "$program" && -x "$program" ]]; then ln "$program" "$own/"; fi
done
# PM2 holds the other end of its standard input.
if [[ -n "${pm_id:-}" && "$1" == run ]]; then set -- "$@" --end-with-parent; fi
exec ${owned[@]+"${owned[@]}"} "$own/studio-worker" "$@"
