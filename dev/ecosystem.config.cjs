// A development fleet under PM2: `pm2 start dev/ecosystem.config.cjs`. docs/operations/dev-loop.md says more.
//
// PM2 builds on an edit, and restarts a program when its file changes: what runs ends its job first, however long
// that takes, and a build that fails changes nothing.
//
// STUDIO_DEV_WORKER=ui|run|none   with a window (the default), without one, or none
// STUDIO_DEV_STUDIO=serve|none    a studio beside it (the default), or none
// STUDIO_DEV_LISTEN=ADDRESS:PORT  where that studio listens, if not at its usual address
// STUDIO_DEV_DATA=FOLDER          logs and the studio's data; `.dev` in the repository
// STUDIO_WORKER_SHUTDOWN_GRACE_SECS=SECONDS   the longest that a running job is waited for; 600

const { existsSync } = require("node:fs");
const path = require("node:path");

const root = process.env.STUDIO_DEV_ROOT ?? path.dirname(__dirname);
const data = path.resolve(root, process.env.STUDIO_DEV_DATA ?? ".dev");
const programs = path.resolve(root, process.env.CARGO_TARGET_DIR ?? "target", "debug");
const grace = Number(process.env.STUDIO_WORKER_SHUTDOWN_GRACE_SECS || 600);
/** Engines and last words, after the grace. */
const LAST_WORDS_MS = 10_000;
/** Asks the system for the end of a program whose PM2 is gone. */
const bound = ["/usr/bin/setpriv", "/bin/setpriv"].find(existsSync);
function interpreter(signal) {
  return bound ? { interpreter: bound, interpreter_args: `--pdeathsig ${signal}` } : { interpreter: "none" };
}

const worker = process.env.STUDIO_DEV_WORKER ?? "ui";
const studio = process.env.STUDIO_DEV_STUDIO ?? "serve";
for (const [name, value, choices] of [
  ["STUDIO_DEV_WORKER", worker, ["ui", "run", "none"]],
  ["STUDIO_DEV_STUDIO", studio, ["serve", "none"]],
]) {
  if (!choices.includes(value)) throw new Error(`${name}=${value}: one of ${choices.join(", ")}`);
}

const listen = process.env.STUDIO_DEV_LISTEN ? ["--listen", process.env.STUDIO_DEV_LISTEN] : [];

/** What every app has. */
function app(name, rest) {
  const log = path.join(data, "logs", `${name}.log`);
  return { name, cwd: root, out_file: log, error_file: log, merge_logs: true, treekill: false, ...rest };
}

/** A program that was built, restarted when its file changes. */
function program(name, file, args, rest) {
  const script = path.join(programs, file);
  return app(name, {
    script,
    args,
    watch: [script],
    // PM2 would else ignore whatever lies below a folder with a dot.
    ignore_watch: [],
    watch_delay: 500,
    ...rest,
  });
}

const apps = [
  app("studio-build", {
    script: "cargo",
    args: "build --package studio --package studio-worker",
    interpreter: "none",
    watch: ["crates", "Cargo.toml", "Cargo.lock"],
    ignore_watch: ["**/node_modules/**", "**/*~", "**/.*.sw?"],
    watch_delay: 300,
    autorestart: false,
  }),
];
if (worker !== "none") {
  const env = {
    RUST_LOG: process.env.RUST_LOG ?? "studio_worker=debug,info",
    RUST_BACKTRACE: process.env.RUST_BACKTRACE ?? "1",
    STUDIO_WORKER_SHUTDOWN_GRACE_SECS: String(grace),
  };
  // A daemon whose standard input PM2 holds ends with PM2.
  const words = worker === "ui" ? ["ui"] : ["run", "--end-with-parent"];
  if (worker === "ui") env.DISPLAY = process.env.DISPLAY ?? ":0";
  apps.push(
    program(worker === "ui" ? "studio-worker-ui" : "studio-worker", "studio-worker", words, {
      env,
      ...interpreter("HUP"),
      kill_timeout: grace * 1000 + LAST_WORDS_MS,
      // Ended as asked, or another worker runs; usage; refused by the studio; another holds its id.
      stop_exit_codes: [0, 2, 3, 4, 5],
    }),
  );
}
if (studio === "serve") {
  apps.push(
    program("studio", "studio", ["serve", "--data-dir", path.join(data, "studio"), ...listen], {
      ...interpreter("TERM"),
      env: { RUST_LOG: process.env.STUDIO_DEV_STUDIO_LOG ?? "info" },
      kill_timeout: LAST_WORDS_MS,
    }),
  );
}

module.exports = { apps };
