// Follows the studio. Regions with `data-live` are fetched again when an event of their words comes; what shows a
// job (`data-job`) changes in place. One stream for a tab, and none while nobody looks at it.

import { morph } from "./morph.js";
import { learnClock } from "./times.js";

/** Regions are fetched at once, and after that at most this often. */
const GAP_MS = 500;
/** A stream that the studio refused is tried again after this long. */
const AGAIN_MS = 3_000;
/** How often regions with `data-poll` are fetched. */
const POLL_MS = 2_000;
/** Interruptions shorter than this are not worth a word. */
const SILENT_MS = 2_500;
const TONES = {
  queued: "idle", cancelled: "idle", offered: "busy", running: "busy", done: "good", failed: "bad", quarantined: "warn",
};

/** @type {EventSource | null} */
let source = null;
let listening = "";
let fetching = false;
let lastFetch = -GAP_MS;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer, retry, offline;
/** Ids of regions that have to be fetched. @type {Set<string>} */
const stale = new Set();
/** What happened to jobs since the last frame. @type {Map<string, { state?: string, progress?: any }>} */
const news = new Map();

const regions = () => [...document.querySelectorAll("[data-live]")];
const wordsOf = (region) => (region.dataset.live ?? "").split(" ");

/** Whether something was done here that leads to another page. */
const isLeaving = () => "leaving" in document.body.dataset;

/** The types of events that this page shows. */
function types() {
  // A page that says what is wrong has nothing to follow, and to fetch it again would say so again.
  if (document.querySelector("[data-problem]")) return "";
  const found = new Set(regions().flatMap(wordsOf).map((word) => word.split(":")[0]));
  if (document.querySelector("[data-job]")) found.add("job").add("progress");
  if (document.querySelector("[data-preview]")) found.add("preview");
  return [...found].filter(Boolean).sort().join(",");
}

function open() {
  clearTimeout(retry);
  source?.close();
  source = null;
  listening = types();
  if (document.hidden || !listening) return;
  source = new EventSource(`/api/v1/events?types=${listening}`);
  for (const name of listening.split(",")) source.addEventListener(name, heard);
  source.addEventListener("ready", caughtUp);
  source.addEventListener("lagged", caughtUp);
  source.addEventListener("error", lost);
}

function close() {
  source?.close();
  source = null;
  clearTimeout(retry);
}

/** Whatever happened before this moment was not told. */
function caughtUp() {
  clearTimeout(offline);
  offline = undefined;
  document.getElementById("offline")?.setAttribute("hidden", "");
  everything();
}

function lost() {
  offline ??= setTimeout(() => document.getElementById("offline")?.removeAttribute("hidden"), SILENT_MS);
  if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, AGAIN_MS);
}

/** @param {MessageEvent} message */
function heard(message) {
  const event = JSON.parse(message.data);
  document.dispatchEvent(new CustomEvent("studio:event", { detail: event }));
  if (event.type === "job") jobNews(event.id, { state: event.state });
  else if (event.type === "progress") jobNews(event.jobId, { progress: event });
  else if (event.type === "preview") preview(event);
  const { type, what, state, id, jobId } = event;
  const words = [type, ...[what, state, id ?? jobId].map((one) => `${type}:${one}`)];
  for (const region of regions()) {
    if (wordsOf(region).some((word) => words.includes(word))) stale.add(region.id);
  }
  schedule();
}

function everything() {
  for (const region of regions()) stale.add(region.id);
  schedule();
}

function schedule() {
  if (stale.size === 0 || fetching || timer || document.hidden || isLeaving()) return;
  timer = setTimeout(refresh, Math.max(0, lastFetch + GAP_MS - performance.now()));
}

async function refresh() {
  timer = undefined;
  fetching = true;
  lastFetch = performance.now();
  const ids = [...stale];
  stale.clear();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (isLeaving()) return;
    // Signed out, or what the page shows is gone.
    if (answer.redirected || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
    learnClock(answer.headers.get("Date"));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) {
      const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (old && fresh) morph(old, fresh);
    }
    document.dispatchEvent(new CustomEvent("studio:refreshed"));
    if (types() !== listening) open();
  } catch {
    // The next event or the next connection asks again.
    if (source?.readyState === EventSource.OPEN) for (const id of ids) stale.add(id);
  } finally {
    fetching = false;
    schedule();
  }
}

function jobNews(id, change) {
  if (news.size === 0) requestAnimationFrame(show);
  news.set(id, { ...news.get(id), ...change });
}

function show() {
  for (const place of document.querySelectorAll("[data-job]")) {
    const { state, progress } = news.get(place.dataset.job) ?? {};
    if (state) showState(place, state);
    if (progress) showProgress(place, progress);
  }
  news.clear();
}

function showState(place, state) {
  for (const badge of place.querySelectorAll("[data-job-state]")) {
    badge.dataset.jobState = state;
    badge.className = `badge ${TONES[state] ?? "idle"}`;
    badge.textContent = state;
  }
  for (const bar of place.querySelectorAll("[data-job-progress]")) bar.hidden = state !== "running";
}

function showProgress(place, progress) {
  const moves = progress.stage === "downloading" || progress.stage === "uploading";
  const [part, whole] = moves && progress.totalBytes ? [progress.bytes, progress.totalBytes] : [progress.step, progress.steps];
  for (const bar of place.querySelectorAll("[data-job-progress] progress")) {
    if (whole > 0) bar.value = part / whole;
    else bar.removeAttribute("value");
  }
  for (const text of place.querySelectorAll("[data-job-stage]")) text.textContent = words(progress);
}

function words({ stage, step, steps, etaMs }) {
  const known = { queued: "waits for the engine", downloading: "downloads", loading: "loads the model", uploading: "uploads" };
  const what = known[stage] ?? (steps > 0 ? `step ${step} of ${steps}` : "runs");
  return etaMs ? `${what}, ${etaMs < 60_000 ? `${(etaMs / 1_000).toFixed(1)} s` : `${Math.round(etaMs / 60_000)} min`} left` : what;
}

function preview({ jobId, mime, data }) {
  for (const image of document.querySelectorAll(`img[data-preview="${CSS.escape(jobId)}"]`)) {
    image.src = `data:${mime};base64,${data}`;
    image.hidden = false;
  }
}

/** What moves without events, like the fetch of a model's files, says so with `data-poll`. */
function poll() {
  for (const region of document.querySelectorAll("[data-live][data-poll]")) stale.add(region.id);
  schedule();
}

setInterval(poll, POLL_MS);
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  delete document.body.dataset.leaving;
  open();
});
// What one has changed oneself is shown without waiting for the event.
document.addEventListener("studio:acted", everything);
open();
