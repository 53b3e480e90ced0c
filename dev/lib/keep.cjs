// Keeps a program running beside the watcher that builds it: node keep.cjs WATCHER [ARGUMENT...]
//
// The watcher may kill what it runs at every edit, so it runs builds alone: where its `cargo run` would run a program,
// `hand-over` tells this process, which starts it and, when a build has brought a new one, restarts it. A build that
// fails changes nothing.

const { execFile, execFileSync, spawn } = require("node:child_process");
const { existsSync, fstatSync, statSync } = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

/** Exit codes with which a program asks not to be started again: ended as asked, usage, refused, another holds its id. */
const FINAL = [0, 2, 3, 4, 5];
/** How long a running job is waited for at an edit where the program itself has no time after a signal. */
const EDIT_GRACE_MS = 5000;
/** How often the program is asked for its jobs meanwhile, and after how long it surely has told of all. */
const LOOK_MS = 200;
const TOLD_MS = 1500;

const watcherCommand = process.argv.slice(2);
const bound = ["/usr/bin/setpriv", "/bin/setpriv"].find(existsSync);

let watcher;
let worker = null;
let wanted = null;
let ending = null;

function say(text) {
  process.stderr.write(`[keep] ${text}\n`);
}

/** A child that is told when this process is gone, where the system can; it may be told more than once. */
function start(command, signal, options) {
  const [program, ...rest] = bound ? [bound, "--pdeathsig", signal, ...command] : command;
  return spawn(program, rest, options);
}

function startWatcher() {
  const host = execFileSync("rustc", ["-vV"], { encoding: "utf8" }).match(/^host: (.+)$/m)[1];
  const runner = `CARGO_TARGET_${host.toUpperCase().replaceAll("-", "_")}_RUNNER`;
  const env = { ...process.env, [runner]: "hand-over", PATH: `${__dirname}${path.delimiter}${process.env.PATH}` };
  // Meant for the program: cargo and its watcher would log with it too.
  delete env.RUST_LOG;
  watcher = start(watcherCommand, "TERM", { env, stdio: ["ignore", "inherit", "inherit", "pipe"] });
  watcher.on("error", (error) => fail(`${watcherCommand[0]} cannot be started: ${error.message}`));
  watcher.on("exit", (code, signal) => {
    watcher = null;
    if (ending === null) {
      say(`the watcher ended with ${signal ?? code}: ending`);
      end(1, "SIGTERM");
    }
    leave();
  });
  readline.createInterface({ input: watcher.stdio[3] }).on("line", (line) => built(JSON.parse(line)));
}

/** The file behind a path: a linker makes a new one. */
function identity(command) {
  const { ino, mtimeMs, size } = statSync(command[0]);
  return JSON.stringify([command, ino, mtimeMs, size]);
}

function built(command) {
  if (ending !== null) return;
  command[0] = path.resolve(command[0]);
  const next = { command, identity: identity(command) };
  if (worker === null) {
    startWorker(next);
  } else if (next.identity === worker.identity && !worker.asked) {
    // Also when it was to be replaced: the newer edit took the older one back.
    wanted = null;
    say("the build brought nothing new");
  } else {
    wanted = next;
    if (!worker.stopping) replace(worker);
  }
}

function startWorker({ command, identity }) {
  // Its standard input is the pipe by which a daemon knows that this process is there.
  const words = command[1] === "run" ? [...command, "--end-with-parent"] : command;
  const child = start(words, "HUP", { stdio: ["pipe", "inherit", "inherit"] });
  worker = { child, command, identity, stopping: false, asked: false };
  say(`started ${path.basename(command[0])} ${command.slice(1).join(" ")}, pid ${child.pid}`);
  child.on("error", (error) => fail(`${command[0]} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    worker = null;
    if (ending !== null) {
      leave();
    } else if (wanted !== null) {
      const next = wanted;
      wanted = null;
      startWorker(next);
    } else if (FINAL.includes(code)) {
      end(code, "SIGTERM");
    } else {
      say(`it ended with ${signal ?? code}: the next build starts it again`);
    }
  });
}

async function replace(old) {
  say("a new build: asking the running one to end");
  old.stopping = true;
  if (process.env.STUDIO_WORKER_SHUTDOWN_GRACE_SECS === "0") await jobsDone(old);
  // Gone meanwhile, or being stopped for good: whoever did it has said so.
  if (worker !== old || ending !== null) return;
  if (wanted === null) {
    old.stopping = false;
  } else {
    old.asked = true;
    old.child.kill("SIGTERM");
  }
}

/** Waits until the jobs that run now are done, but not for long. */
async function jobsDone(old) {
  const begun = Date.now();
  const seen = new Set();
  while (worker === old && ending === null && wanted !== null) {
    const now = await jobs(old.command);
    const waited = Date.now() - begun;
    if (waited < TOLD_MS) now.forEach((id) => seen.add(id));
    const left = now.some((id) => seen.has(id));
    if (waited >= EDIT_GRACE_MS || (waited >= TOLD_MS && !left)) return;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

/** The ids of what a worker is doing. */
function jobs([program, ...rest]) {
  const config = rest.findIndex((word) => word === "--config");
  const where = config < 0 ? rest.filter((word) => word.startsWith("--config=")) : rest.slice(config, config + 2);
  return new Promise((answer) => {
    execFile(program, ["status", "--json", ...where], (error, stdout) => {
      try {
        const { live, status } = JSON.parse(stdout);
        answer((live ?? status).jobs.map((job) => job.id));
      } catch {
        answer([]);
      }
    });
  });
}

function fail(text) {
  say(text);
  end(1, "SIGTERM");
}

/** Ends both children; the last one to go ends this process. */
function end(code, signal) {
  if (ending === null) {
    ending = code;
    watcher?.kill("SIGTERM");
    worker?.child.kill(signal);
  }
  leave();
}

function leave() {
  if (ending !== null && !watcher && !worker) process.exit(ending);
}

/** Passes a signal on as the other one: a supervisor or a terminal may have sent it to the worker too, where the same
 *  one twice means "at once". Said twice to this process, it does mean that. */
function onSignal(name, other) {
  let told = false;
  process.on(name, () => {
    if (told) worker?.child.kill(other);
    told = true;
    end(0, other);
  });
}

onSignal("SIGINT", "SIGTERM");
onSignal("SIGTERM", "SIGINT");
// From the system, when the parent or the terminal is gone; perhaps more than once.
process.on("SIGHUP", () => end(0, "SIGTERM"));
// PM2 holds the other end.
const input = fstatSync(0);
if (process.env.pm_id !== undefined && (input.isSocket() || input.isFIFO())) {
  process.stdin.on("end", () => end(0, "SIGTERM")).on("error", () => {}).resume();
}

startWatcher();
