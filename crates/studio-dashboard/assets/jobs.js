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

function picked() {
  return [...form.querySelectorAll("input[name=selected]:checked")].map((box) => box.value);
}

/** @param {HTMLButtonElement} button */
async function act(button) {
  const body = JSON.parse(button.dataset.bulk);
  const isAll = scope.value === "matching";
  const jobs = picked();
  if (!isAll && jobs.length === 0) return toast("No job is selected", true);
  if (isAll) body.matching = JSON.parse(form.dataset.matching);
  else body.jobs = jobs;
  if (body.action === "priority" && body.by === undefined) body.priority = Number(document.getElementById("priority").value);
  const which = isAll ? "all jobs that match" : `${jobs.length} ${jobs.length === 1 ? "job" : "jobs"}`;
  const question = button.dataset.confirm?.replace("{jobs}", which) ?? (isAll ? `${button.textContent.trim()}: ${which}?` : "");
  if (question && !(await ask(question, button.textContent.trim()))) return;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    const { matched, changed } = await call("POST", "/api/v1/jobs/change", body);
    const left = matched - changed;
    toast(`${changed} changed${left > 0 ? `, ${left} could not be` : ""}`);
    document.dispatchEvent(new CustomEvent("studio:acted"));
    recount();
  } catch (problem) {
    toast(problem.detail ?? String(problem), true);
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

form.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-bulk]") : null;
  if (button) act(button);
});
// Enter in the field for the priority must not load the page.
form.addEventListener("submit", (event) => event.preventDefault());
bar?.removeAttribute("hidden");
