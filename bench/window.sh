#!/usr/bin/env bash
# What the worker's window and its daemon cost while nothing happens: bench/window.sh [PROGRAM] [SECONDS]
# Draws under Xvfb, with Mesa's software renderer unless there is a better one; the worker knows no studio.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-${CARGO_TARGET_DIR:-target}/release/studio-worker}
seconds=${2:-30}
[[ -x $program ]] || { echo "no program at $program: cargo build --release -p studio-worker" >&2; exit 1; }
command -v Xvfb >/dev/null || { echo "Xvfb is not here: cargo xtask setup" >&2; exit 1; }

home=$(mktemp -d)
display_file=$home/display
Xvfb -displayfd 3 -screen 0 1600x1000x24 -nolisten tcp 3>"$display_file" 2>/dev/null &
server=$!
ui=
finish() {
    [[ -z $ui ]] || { kill "$ui" 2>/dev/null && wait "$ui" || true; }
    kill "$server" 2>/dev/null || true
    rm -rf "$home"
}
trap finish EXIT
until [[ -s $display_file ]]; do sleep 0.05; done

# Nobody listens on the discard port: the worker goes on trying to register, as one does whose studio is off.
printf 'api_base_url = "http://127.0.0.1:9"\nlocal_api_port = 0\n' >"$home/config.toml"
env -u WAYLAND_DISPLAY DISPLAY=":$(<"$display_file")" STUDIO_WORKER_ENGINES=synthetic \
    RUST_LOG=worker_ui=debug,info "$program" --config "$home/config.toml" ui >"$home/log" 2>&1 &
ui=$!
for _ in $(seq 600); do grep -q 'first frame after' "$home/log" && break; sleep 0.05; done
grep -o 'first frame after .*' "$home/log" || { cat "$home/log" >&2; exit 1; }
# What the first seconds bring is not idleness.
sleep 5

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
declare -A before
children=$(cat "/proc/$ui/task/$ui/children")
for pid in $ui $children; do before[$pid]=$(ticks "$pid"); done
sleep "$seconds"
hertz=$(getconf CLK_TCK)
for pid in $ui $children; do
    used=$(($(ticks "$pid") - before[$pid]))
    words=$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed "s#^[^ ]*/##; s# --config [^ ]*##")
    awk -v words="$words" -v share="$(awk "BEGIN { print 100 * $used / $hertz / $seconds }")" '
        /^VmRSS/ { rss = $2 } /^RssAnon/ { anon = $2 }
        END { printf "%-40s %5.2f %% of a core, %6.1f MiB, of it %5.1f its own\n", words, share, rss / 1024, anon / 1024 }
    ' "/proc/$pid/status"
done
