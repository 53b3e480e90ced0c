// The list of jobs: acts on the jobs that are ticked or on all that match, and follows a queue in which much more
// happens than the page shows. Rows change in place (live.js); events of other jobs only move the counts.

import { call } from "./actions.js";
import { ask, toast } from "./say.js";

/** The list is fetched again at most this often, however much happens to its rows. */
const LIST_GAP_MS = 1_000;
/** So are the counts of the states. */
const COUNTS_GAP_MS = 1_000;

const form = /** @type {HTMLFormElement} */ (document.getElementById("jobs"));
const bar = document.getElementById("selection");
const scope = /** @type {HTMLSelectElement} */ (document.getElementById("scope"));
const state = form.dataset.state;
const isFirstPage = !("later" in form.dataset);

/** Runs `work` at once, and after that at most every `gap` milliseconds. */
function throttled(gap, work) {
  let timer;
  let last = -gap;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      last = performance.now();
      if (!document.hidden) work();
    }, Math.max(0, last + gap - performance.now()));
  };
}

const refetch = throttled(LIST_GAP_MS, () => document.dispatchEvent(new CustomEvent("studio:acted")));

const recount = throttled(COUNTS_GAP_MS, async () => {
  try {
    const answer = await fetch("/api/v1/status");
    if (answer.ok) requestAnimationFrame(show.bind(null, (await answer.json()).jobs));
  } catch {
    // live.js says that the studio is not there.
  }
});

/** @param {Record<string, number>} jobs */
function show(jobs) {
  const all = Object.values(jobs).reduce((sum, count) => sum + count, 0);
  for (const place of document.querySelectorAll("#job-states[data-global] [data-count]")) {
    const count = place.dataset.count === "all" ? all : (jobs[place.dataset.count] ?? 0);
    const text = String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
    if (place.textContent !== text) place.textContent = text;
  }
}

document.addEventListener("studio:event", ({ detail: event }) => {
  if (event.type !== "job") return;
  recount();
  // What enters the list is at its top, or the first page of a state that jobs come to.
  const enters = isFirstPage && state !== undefined && state === event.state;
  if (enters || document.getElementById(event.id)) refetch();
});

/** Jobs that one call changes: what a page of the list holds at most. */
const CHUNK = 500;
/** How far priorities reach. */
const MAX_PRIORITY = 1_000;

const ticked = () => [...form.querySelectorAll("input[name=selected]:checked")].map((box) => box.closest("[data-job]"));

/** The jobs that are meant, page by page, with their priorities. */
async function* chosen(isAll) {
  if (!isAll) {
    yield ticked().map((row) => ({ id: row.dataset.job, priority: Number(row.dataset.priority) }));
    return;
  }
  const query = new URLSearchParams({ limit: String(CHUNK) });
  const { state: states = ["queued", "offered", "running"], ...filter } = JSON.parse(form.dataset.matching);
  for (const [name, value] of Object.entries({ ...filter, state: states.join(",") })) query.set(name, value);
  for (let cursor = ""; cursor !== null; ) {
    if (cursor) query.set("cursor", cursor);
    const page = await call("GET", `/api/v1/jobs?${query}`);
    if (page.items.length > 0) yield page.items;
    cursor = page.nextCursor;
  }
}

/** Sends those whose priority is to be the same together. */
async function prioritise(jobs, by, to) {
  const groups = Map.groupBy(jobs, (job) => Math.max(-MAX_PRIORITY, Math.min(MAX_PRIORITY, by ? job.priority + by : to)));
  let changed = 0;
  for (const [priority, group] of groups) {
    changed += (await call("POST", "/api/v1/jobs/actions", { action: "priority", priority, ids: group.map((job) => job.id) })).changed;
  }
  return changed;
}

/** One move for each job, the newest first, so that the oldest ends up before all others. */
async function toFront(jobs) {
  if (jobs.length >= CHUNK) throw { detail: `These are ${CHUNK} jobs or more: set their priority instead` };
  let changed = 0;
  for (const { id } of jobs) {
    await call("POST", `/api/v1/jobs/${id}/move`, { to: "front" });
    changed += 1;
  }
  return changed;
}

/** Cancels or retries; of very many, some thousands with each call. */
async function actOn(action, isAll) {
  if (!isAll) {
    const { changed, items } = await call("POST", "/api/v1/jobs/actions", { action, ids: ticked().map((row) => row.dataset.job) });
    const refused = items.filter((item) => item.problem);
    if (refused.length > 0) toast(`${refused.length} could not be changed: ${refused[0].problem}`, true);
    return changed;
  }
  const filter = JSON.parse(form.dataset.matching);
  for (let changed = 0; ; ) {
    const answer = await call("POST", "/api/v1/jobs/actions", { action, filter });
    changed += answer.changed;
    if (!answer.more || answer.changed === 0) return changed;
  }
}

async function perform({ action, by, to }, isAll) {
  if (action) return actOn(action, isAll);
  let changed = 0;
  for await (const jobs of chosen(isAll)) {
    changed += to === "front" ? await toFront(jobs) : await prioritise(jobs, by, Number(document.getElementById("priority").value));
  }
  return changed;
}

/** @param {HTMLButtonElement} button */
async function act(button) {
  const isAll = scope.value === "matching";
  const count = ticked().length;
  if (!isAll && count === 0) return toast("No job is selected", true);
  const which = isAll ? "all jobs that match" : `${count} ${count === 1 ? "job" : "jobs"}`;
  const question = button.dataset.confirm?.replace("{jobs}", which) ?? (isAll ? `${button.textContent.trim()}: ${which}?` : "");
  if (question && !(await ask(question, button.textContent.trim()))) return;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    const changed = await perform(JSON.parse(button.dataset.bulk), isAll);
    toast(`${changed} ${changed === 1 ? "job" : "jobs"} changed`);
  } catch (problem) {
    toast(problem.detail ?? String(problem), true);
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    document.dispatchEvent(new CustomEvent("studio:acted"));
    recount();
  }
}

form.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-bulk]") : null;
  if (button) act(button);
});
// Enter in the field for the priority must not load the page.
form.addEventListener("submit", (event) => event.preventDefault());
bar?.removeAttribute("hidden");
