// Measures one queue: no-op jobs per second, from the first submission until the last completion is stored.
//
// node harness.mjs graphile|bullmq --jobs N --processes N --concurrency N --chunk N --producers N
// `chunk` jobs are submitted in one call, by `producers` callers at once. The address of the server comes by BENCH_SOCKET. Prints one JSON object.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: "string", default: "50000" },
    processes: { type: "string", default: "1" },
    concurrency: { type: "string", default: "24" },
    chunk: { type: "string", default: "1000" },
    producers: { type: "string", default: "1" },
    worker: { type: "boolean", default: false },
  },
});
const [name] = positionals;
const settings = {
  jobs: Number(values.jobs),
  processes: Number(values.processes),
  concurrency: Number(values.concurrency),
  chunk: Number(values.chunk),
  producers: Number(values.producers),
};
const queue = await import(`./${name}.mjs`);

if (values.worker) await work();
else await measure();

// A worker process: reports how many jobs it completed, a few times a second so that reports cost nothing.
async function work() {
  let completed = 0;
  const stop = await queue.work(settings, () => (completed += 1));
  const reports = setInterval(() => process.send({ completed }), 20);
  process.send({ ready: true });
  process.once("message", async () => {
    clearInterval(reports);
    await stop();
    process.disconnect();
  });
}

async function measure() {
  const producer = await queue.producer(settings);
  const workers = Array.from({ length: settings.processes }, startWorker);
  await Promise.all(workers.map((worker) => worker.ready));

  const started = performance.now();
  let sent = 0;
  const submit = async () => {
    while (sent < settings.jobs) {
      const first = sent;
      sent = Math.min(first + settings.chunk, settings.jobs);
      await producer.submit(first, sent - first);
    }
  };
  await Promise.all(Array.from({ length: settings.producers }, submit));
  const submitted = performance.now();
  while (sum(workers) < settings.jobs || !(await producer.drained())) {
    await new Promise((resume) => setTimeout(resume, 5));
  }
  const done = performance.now();

  const completed = sum(workers);
  if (completed !== settings.jobs) throw new Error(`${completed} completions of ${settings.jobs} jobs`);
  await Promise.all(workers.map((worker) => worker.stop()));
  await producer.close();
  const seconds = (done - started) / 1000;
  console.log(
    JSON.stringify({
      queue: name,
      ...settings,
      jobsPerSecond: Math.round(settings.jobs / seconds),
      submittedPerSecond: Math.round(settings.jobs / ((submitted - started) / 1000)),
      seconds: Number(seconds.toFixed(3)),
    }),
  );
}

function sum(workers) {
  return workers.reduce((total, worker) => total + worker.completed, 0);
}

function startWorker() {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--worker"]);
  const worker = { completed: 0 };
  worker.ready = new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("a worker process ended")));
    child.on("message", (message) => {
      if (message.ready) resolve();
      else worker.completed = message.completed;
    });
  });
  worker.stop = async () => {
    const exit = once(child, "exit");
    child.send("stop");
    await exit;
  };
  return worker;
}
