// A studio of its own in a temporary folder, with very many jobs and no worker.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new studio writes its key within a second; a slow disk gets more. */
const READY_MS = 20_000;
/** Copies that one entry of a submission may stand for. */
const COUNT = 1_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts `program serve`; `stop` ends it and removes its folder. */
export async function start(program) {
  const folder = await mkdtemp(join(tmpdir(), "studio-bench-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const data = join(folder, "data");
  const listen = url.replace("http://", "");
  const child = spawn(program, ["serve", "--listen", listen, "--data-dir", data, "--no-starter-model"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const until = Date.now() + READY_MS;
  while (!(await fetch(`${url}/healthz`).then((answer) => answer.ok, () => false))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${program} serve did not answer at ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const key = (await readFile(join(data, "admin.key"), "utf8")).trim();
  const call = async (method, path, body) => {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const value = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.detail}`);
    return value;
  };
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
  return { url, key, call, stop };
}

/** Submits `total` pictures and returns their ids, the oldest first. */
export async function fill(studio, total) {
  const ids = [];
  while (ids.length < total) {
    const count = Math.min(COUNT, total - ids.length);
    const task = { kind: "image", prompt: `a landscape, ${ids.length}`, seed: ids.length };
    const made = await studio.call("POST", "/api/v1/jobs", { model: "synthetic", assetName: `landscape ${ids.length}`, count, task });
    ids.push(...made.jobs.map((job) => job.id));
  }
  return ids;
}
