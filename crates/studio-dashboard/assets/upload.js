// Files of models go to the studio as they are, with a bar that says how far they are.

import { call } from "./actions.js";
import { blame, forgive } from "./fields.js";
import { toast } from "./say.js";

/** As `studio models add` guesses: caches and buffers beside the weights. */
const VRAM_FACTOR = 1.15;
const VRAM_BASE_GB = 0.5;

/**
 * @param {string} path @param {File} file @param {HTMLProgressElement} bar
 * @returns {Promise<void>}
 */
function send(path, file, bar) {
  bar.hidden = false;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = total ? loaded / total : 0));
    request.addEventListener("error", () => reject({ detail: "The connection broke: upload the file again" }));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(problemOf(request));
    });
    request.send(file);
  }).finally(() => (bar.hidden = true));
}

function problemOf(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return { detail: `The studio answered ${request.status}` };
  }
}

async function add(form) {
  const { id, kind, engine, role, vramGb, file: { files: [file] } } = form.elements;
  const name = encodeURIComponent(id.value);
  const memory = Number(vramGb.value) || Math.ceil((file.size / 2 ** 30 * VRAM_FACTOR + VRAM_BASE_GB) * 10) / 10;
  const entry = {
    kind: kind.value,
    vramGb: memory,
    // Jobs would be offered to workers that cannot fetch it yet.
    enabled: false,
    source: {
      engine: engine.value,
      files: [{ role: role.value, url: `studio:///models/${name}/${encodeURIComponent(file.name)}`, filename: file.name, approxBytes: file.size }],
      cliDefaults: { cfgScale: 1, steps: 20, width: 512, height: 512 },
    },
  };
  await call("PUT", `/api/v1/models/${name}`, entry);
  await send(`/api/v1/models/${name}/files/${encodeURIComponent(file.name)}`, file, form.querySelector("progress"));
  await call("PATCH", `/api/v1/models/${name}`, { enabled: true });
  location.assign(`/models/${name}`);
}

async function bring(form) {
  const file = form.querySelector("input[type=file]").files[0];
  await send(form.dataset.upload, file, form.querySelector("progress"));
  toast(`${file.name} is at the studio`);
  document.dispatchEvent(new CustomEvent("studio:acted", { detail: { element: form } }));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const work = "addModelFile" in form.dataset ? add : "upload" in form.dataset ? bring : null;
  if (!work) return;
  event.preventDefault();
  forgive(form);
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await work(form);
  } catch (problem) {
    const detail = problem.detail ?? String(problem);
    if (!blame(form, problem.field, detail)) toast(detail, true);
  } finally {
    button.disabled = false;
  }
});
