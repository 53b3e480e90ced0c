# What the scripts beside this folder share; sourced by bash. docs/operations/dev-loop.md says how they are used.

lib="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# Another workspace with a package `studio-worker` may stand in for this one.
root="${STUDIO_DEV_ROOT:-$(dirname "$(dirname "$lib")")}"
cd "$root" || exit 1
# Where `cargo xtask setup` installs tools.
export PATH="$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/studio-tools/bin"

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# What PM2 is told by `--kill-timeout`, in its own unit; 1600 when it is told nothing.
pm2_kills_after() {
  echo "${kill_timeout:-1600}"
}

# Stands in front of another program, which then is told when PM2 is gone without a word.
owned=()
if [[ -n "${pm_id:-}" ]] && command -v setpriv > /dev/null; then
  owned=(setpriv --pdeathsig HUP)
fi

# PM2 waits so long after `stop`, then kills: the running job must be given back before that.
# Five seconds go to engines and to the last words.
if [[ -n "${pm_id:-}" && -z "${STUDIO_WORKER_SHUTDOWN_GRACE_SECS:-}" ]]; then
  grace=$(( ($(pm2_kills_after) - 5000) / 1000 ))
  if (( grace <= 0 )); then
    grace=0
    echo "PM2 kills $(pm2_kills_after) ms after a stop: a running job is then given back at once." \
      "To let it finish: pm2 start ... --kill-timeout 15000" >&2
  fi
  export STUDIO_WORKER_SHUTDOWN_GRACE_SECS="$grace"
fi
