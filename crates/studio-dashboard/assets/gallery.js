// Shows what the gallery has large, one after another, and makes it again with another seed.

import { call } from "./actions.js";
import { toast } from "./say.js";

/** Seeds that every engine takes and JavaScript keeps exactly. */
const SEEDS = 2 ** 32;

const box = /** @type {HTMLDialogElement} */ (document.getElementById("lightbox"));
const media = document.getElementById("lightbox-media");
const facts = document.getElementById("lightbox-facts");
const title = document.getElementById("lightbox-title");
const place = document.getElementById("lightbox-place");
const steps = { previous: document.getElementById("lightbox-previous"), next: document.getElementById("lightbox-next") };

/** The id of the one that is shown: the list may change behind it. */
let shown = "";

const items = () => [...document.querySelectorAll("#gallery > [data-item]")];

/** @param {HTMLElement} item */
function show(item) {
  shown = item.id;
  const all = items();
  const at = all.indexOf(item);
  title.textContent = item.querySelector(".prompt")?.textContent ?? "";
  place.textContent = `${at + 1} of ${all.length}`;
  media.replaceChildren(player(item.dataset.src, item.dataset.mime, title.textContent));
  facts.replaceChildren(...[...item.querySelector(".item-facts").children].slice(1).map((child) => child.cloneNode(true)));
  steps.previous.disabled = at <= 0;
  steps.next.disabled = at >= all.length - 1;
  if (!box.open) box.showModal();
}

function player(src, mime, words) {
  const kind = mime.split("/")[0];
  const tag = { image: "img", audio: "audio", video: "video" }[kind];
  if (!tag || mime === "image/svg+xml") {
    const note = document.createElement("p");
    note.textContent = "This file has no preview: download it.";
    return note;
  }
  const made = document.createElement(tag);
  made.src = src;
  if (tag === "img") made.alt = words;
  else {
    made.controls = true;
    made.setAttribute("aria-label", words);
  }
  return made;
}

/** @param {number} by */
function step(by) {
  const all = items();
  const next = all[all.findIndex((item) => item.id === shown) + by];
  if (next) show(next);
}

async function again(button) {
  button.disabled = true;
  try {
    const job = await call("GET", `/api/v1/jobs/${button.dataset.again}`);
    const task = { ...job.task, seed: Math.floor(Math.random() * SEEDS) };
    const { model, project } = job;
    const made = await call("POST", "/api/v1/jobs", { model, project, task, assetName: job.assetName });
    toast(`Submitted with seed ${task.seed}: it appears here when it is done`);
    document.dispatchEvent(new CustomEvent("studio:acted", { detail: { answer: made } }));
  } catch (problem) {
    toast(problem.detail ?? String(problem), true);
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const link = event.target.closest("[data-look]");
  const button = event.target.closest("button[data-again]");
  // With a key held, a link is a link.
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    show(link.closest("[data-item]"));
  } else if (button) again(button);
  else if (event.target === box) box.close();
});
steps.previous.addEventListener("click", () => step(-1));
steps.next.addEventListener("click", () => step(1));
box.addEventListener("keydown", (event) => {
  // A player moves by the arrows itself.
  if (event.target instanceof HTMLMediaElement) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
});
// Nothing plays on behind a closed window, and the focus goes back to what was shown last.
box.addEventListener("close", () => {
  media.replaceChildren();
  document.getElementById(shown)?.querySelector("[data-look]")?.focus();
});
