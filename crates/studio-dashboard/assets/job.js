// One job while it runs: its preview and its growing text, from a stream of its own that ends with the job.
// Everything else of the page follows by live.js.

import { call } from "./actions.js";
import { render } from "./markdown.js";
import { toast } from "./say.js";

const OPEN = ["queued", "offered", "running"];

/** @type {EventSource | null} */
let source = null;
let watched = "";
let text = "";
let reasoning = "";
let isPlanned = false;

const stage = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-stage]"));

/** Follows the job of the page for as long as it is open. */
function watch() {
  const place = stage();
  const id = place && OPEN.includes(place.dataset.state) && !document.hidden ? place.dataset.stage : "";
  if (id !== watched) {
    source?.close();
    source = null;
    [watched, text, reasoning] = [id, "", ""];
    if (id) {
      source = new EventSource(`/api/v1/events?job=${encodeURIComponent(id)}&types=preview,delta`);
      source.addEventListener("preview", (message) => picture(JSON.parse(message.data)));
      source.addEventListener("delta", (message) => grow(JSON.parse(message.data)));
      // A stream that begins anew tells the text from its begin.
      source.addEventListener("lagged", () => ([text, reasoning] = ["", ""]));
    }
  }
  plan();
  for (const answer of document.querySelectorAll("[data-markdown]:not([data-rendered])")) {
    const source = answer.textContent;
    answer.replaceChildren(render(source));
    answer.dataset.rendered = "";
  }
}

function picture({ mime, data }) {
  const image = stage()?.querySelector("[data-picture]");
  if (!(image instanceof HTMLImageElement)) return;
  image.src = `data:${mime};base64,${data}`;
  image.hidden = false;
}

function grow(delta) {
  if (delta.reset) [text, reasoning] = ["", ""];
  if (delta.truncated) text += "… ";
  text += delta.text;
  reasoning += delta.reasoning ?? "";
  plan();
}

/** At most once a frame. */
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => {
    isPlanned = false;
    put("[data-text]", text);
    put("[data-reasoning]", reasoning);
    const thoughts = stage()?.querySelector("[data-thoughts]");
    if (thoughts) thoughts.hidden = reasoning === "";
  });
}

function put(selector, words) {
  const place = stage()?.querySelector(selector);
  if (place && place.textContent !== words) place.textContent = words;
}

document.addEventListener("studio:refreshed", watch);
document.addEventListener("visibilitychange", watch);
addEventListener("pagehide", () => source?.close());

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-link]") : null;
  if (!button) return;
  try {
    const { url, expiresAt } = await call("POST", button.dataset.link, {});
    const until = new Date(expiresAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    try {
      await navigator.clipboard.writeText(url);
      toast(`Copied a link that opens without signing in until ${until}`);
    } catch {
      toast(`Opens without signing in until ${until}: ${url}`);
    }
  } catch (problem) {
    toast(problem.detail ?? String(problem), true);
  }
});

watch();
