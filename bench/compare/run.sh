#!/usr/bin/env bash
# No-op jobs per second of graphile-worker (Postgres) and BullMQ (Redis) with durable settings, each three times.
# Starts servers of its own in a temporary folder, on a file system that flushes, and prints one JSON object.
#
#   bench/compare/run.sh [--jobs N] [--runs N] [--chunk N] [--producers N]
#
# --chunk 1 --producers 32 is the story of many clients that submit one job each.
set -euo pipefail
cd "$(dirname "$0")"

jobs=50000 runs=3 chunk=1000 producers=1
while (($#)); do
  case "$1" in
    --jobs) jobs=$2 ;;
    --runs) runs=$2 ;;
    --chunk) chunk=$2 ;;
    --producers) producers=$2 ;;
    *) echo "unknown argument $1; known: --jobs N, --runs N, --chunk N, --producers N" >&2; exit 2 ;;
  esac
  shift 2
done

say() { echo "bench: $*" >&2; }

# What is missing is installed as root on Debian; elsewhere said.
packages=()
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[[ -n "$pg_bin" ]] || packages+=(postgresql)
command -v redis-server >/dev/null || packages+=(redis-server)
command -v npm >/dev/null || packages+=(npm)
if ((${#packages[@]})); then
  if [[ $(id -u) != 0 || ! -e /etc/debian_version ]]; then
    echo "missing programs; on Debian: sudo apt-get install ${packages[*]}" >&2
    exit 1
  fi
  say "apt-get install ${packages[*]}"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
  pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
fi
[[ -d node_modules ]] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
node=$(ls node_modules/node-linux-*/bin/node 2>/dev/null | head -1 || true)
node=${node:-$(command -v node)}

# Not /tmp, which may be memory: there a flush costs nothing.
work=$(mktemp -d /var/tmp/studio-bench.XXXXXX)
redis_pid=
as_postgres() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
cleanup() {
  [[ -z "$redis_pid" ]] || kill "$redis_pid" 2>/dev/null || true
  as_postgres "$pg_bin/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# Postgres as it comes: fsync, synchronous_commit and full_page_writes are on.
mkdir "$work/pg"
[[ $(id -u) != 0 ]] || { chmod 755 "$work"; chown postgres "$work/pg"; }
as_postgres "$pg_bin/initdb" -D "$work/pg/data" -U postgres --auth=trust >/dev/null
as_postgres "$pg_bin/pg_ctl" -D "$work/pg/data" -w -l "$work/pg/log" \
  -o "-c listen_addresses='' -k $work/pg" start >/dev/null

# Redis answers a write after it was flushed.
redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$work" --appendonly yes --appendfsync always \
  --save '' --daemonize no >"$work/redis.log" 2>&1 &
redis_pid=$!
for _ in {1..100}; do redis-cli -s "$work/redis.sock" ping >/dev/null 2>&1 && break; sleep 0.05; done

measure() { # queue, socket, processes, concurrency
  local run
  for ((run = 1; run <= runs; run++)); do
    say "$1, run $run of $runs"
    BENCH_SOCKET=$2 "$node" harness.mjs "$1" --jobs "$jobs" --chunk "$chunk" --producers "$producers" \
      --processes "$3" --concurrency "$4"
  done
}

# The number of processes and the concurrency are the best of those tried on two cores.
graphile=$(measure graphile "$work/pg" "${GRAPHILE_PROCESSES:-2}" "${GRAPHILE_CONCURRENCY:-24}")
bullmq=$(measure bullmq "$work/redis.sock" "${BULLMQ_PROCESSES:-2}" "${BULLMQ_CONCURRENCY:-100}")

setting() { as_postgres "$pg_bin/psql" -h "$work/pg" -U postgres -Atc "show $1"; }
printf '%s\n' "$graphile" "$bullmq" | "$node" -e '
  const runs = require("node:fs").readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const [cores, postgres, fsync, commit, redis, appendfsync] = process.argv.slice(1);
  const version = (name) => require(`./node_modules/${name}/package.json`).version;
  const queues = {};
  for (const { queue, ...run } of runs) (queues[queue] ??= { runs: [] }).runs.push(run);
  for (const queue of Object.values(queues)) {
    const rates = queue.runs.map((run) => run.jobsPerSecond).sort((a, b) => a - b);
    queue.medianJobsPerSecond = rates[Math.floor(rates.length / 2)];
  }
  console.log(JSON.stringify({
    cores: Number(cores), node: process.version,
    postgres, fsync, synchronousCommit: commit, graphileWorker: version("graphile-worker"),
    redis, appendfsync, bullmqVersion: version("bullmq"), ...queues,
  }, null, 2));
' "$(nproc)" "$(setting server_version)" "$(setting fsync)" "$(setting synchronous_commit)" \
  "$(redis-server --version | sed 's/.*v=\([0-9.]*\).*/\1/')" \
  "$(redis-cli -s "$work/redis.sock" config get appendfsync | tail -1)"
