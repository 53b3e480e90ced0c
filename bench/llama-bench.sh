#!/bin/sh
# Our llama.cpp engine beside bare llama.cpp, from the same build, in one run, on the same model.
#
#   bench/llama-bench.sh [MODEL.gguf] [THREADS] [TOKENS]
#
# Without a model it writes one of 100 MB with random weights: how fast it is does not depend on what it says.
# Bare is the loop that llama-bench (1 stream) and llama-batched-bench (8 streams) time; the package of llama.cpp that
# the engine is built from leaves the source of those two programs out. Where they are installed, and LLAMA_BENCH_DIR
# names their folder, they are run as well.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
threads=${2:-2}
tokens=${3:-128}

cargo build --quiet --package engine-llama --package tiny-models --features engine-llama/all --bins --examples
model=${1:-$target/bench.gguf}
[ -f "$model" ] || "$target/debug/examples/tiny_gguf" "$model" bench

"$target/debug/examples/bench" "$model" "$threads" "$tokens"
if [ -n "${LLAMA_BENCH_DIR:-}" ]; then
  "$LLAMA_BENCH_DIR/llama-bench" -m "$model" -t "$threads" -p 0 -n "$tokens" -r 5
  "$LLAMA_BENCH_DIR/llama-batched-bench" -m "$model" -t "$threads" -tb "$threads" -c 8192 -npp 16 -ntg "$tokens" -npl 1,8 -kvu
fi
