// Forms and buttons with `data-api="METHOD /address"` call the API; `{name}` in the address is a field's value.

import { blame, FieldProblem, fieldsOf, forgive } from "./fields.js";
import { ask, toast } from "./say.js";

/** Calls at once when many things are selected: the studio commits them one after another anyway. */
const AT_ONCE = 4;

/**
 * One call of the API.
 * @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>} the answer; a problem is thrown as it came
 */
export async function call(method, path, body) {
  const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw { status: 0, detail: "The studio does not answer: check the connection, then try again" };
  }
  const isJson = /json/.test(answer.headers.get("Content-Type") ?? "");
  const value = isJson ? await answer.json() : await answer.text();
  if (answer.ok) return value;
  if (answer.status === 401 && document.querySelector("meta[name=csrf]")) location.reload();
  throw isJson ? value : { status: answer.status, detail: `The studio answered ${answer.status}` };
}

/** @param {string} api @param {Record<string, unknown>} [values] taken out when they are used in the address */
function target(api, values = {}) {
  const [method, path] = api.split(" ", 2);
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = encodeURIComponent(String(values[name] ?? ""));
    delete values[name];
    return value;
  });
  return { method, path: filled };
}

/** Asks, calls, and says what came of it. @param {HTMLElement} element a form or a button */
async function act(element, pressed) {
  const isForm = element instanceof HTMLFormElement;
  const { api = "", confirm, done, then, show } = element.dataset;
  if (isForm) forgive(element);
  try {
    let body = element.dataset.body ? JSON.parse(element.dataset.body) : undefined;
    if (isForm) body = { ...body, ...fieldsOf(element) };
    const { method, path } = target(api, body);
    if (confirm && !(await ask(confirm, element.dataset.yes ?? pressed.textContent.trim()))) return;
    // What this page shows may be gone before the answer is here: live.js does not look for it any more.
    if (then) document.body.dataset.leaving = "";
    const answer = await busy(pressed, () => call(method, path, method === "DELETE" ? undefined : body));
    if (isForm) element.reset();
    element.closest("dialog")?.close();
    if (done) toast(done);
    if (show) reveal(show, answer);
    document.dispatchEvent(new CustomEvent("studio:acted", { detail: { element, answer } }));
    if (then === "reload") location.reload();
    else if (then) location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
  } catch (problem) {
    delete document.body.dataset.leaving;
    complain(isForm ? element : null, problem);
  }
}

function complain(form, problem) {
  const known = problem instanceof FieldProblem || problem?.detail;
  if (!known) console.error(problem);
  const detail = problem.detail ?? problem.message ?? "Something went wrong";
  if (form && blame(form, problem.field, detail)) return;
  const isNamed = !problem.field || detail.includes(problem.field);
  toast(isNamed ? detail : `${problem.field}: ${detail}`, true);
}

async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

/** Opens a dialog with parts of an answer that is shown once. */
function reveal(id, answer) {
  const dialog = document.getElementById(id);
  for (const place of dialog?.querySelectorAll("[data-answer]") ?? []) {
    place.textContent = place.dataset.answer.replace(/\{(\w+)\}/g, (_, name) => readable(name, answer[name]));
  }
  dialog?.showModal();
}

function readable(name, value) {
  return name.endsWith("At") ? new Date(value).toLocaleString() : String(value ?? "");
}

/** The same call for everything that is ticked. */
async function actOnEach(button) {
  const form = button.closest("form");
  const ids = [...form.querySelectorAll("input[name=selected]:checked")].map((box) => box.value);
  const question = (button.dataset.confirm ?? "").replace("{count}", String(ids.length));
  if (ids.length === 0 || (question && !(await ask(question, button.textContent.trim())))) return;
  const body = button.dataset.body ? JSON.parse(button.dataset.body) : undefined;
  const waiting = [...ids];
  const failed = [];
  const worker = async () => {
    for (let id = waiting.shift(); id; id = waiting.shift()) {
      const { method, path } = target(button.dataset.each, { id });
      await call(method, path, body).catch((problem) => failed.push(problem.detail));
    }
  };
  await busy(button, () => Promise.all(Array.from({ length: AT_ONCE }, worker)));
  if (ids.length > failed.length) toast(`${ids.length - failed.length} of ${ids.length} done`);
  if (failed.length > 0) toast(`${failed.length} refused: ${failed[0]}`, true);
  form.reset();
  selected(form);
  document.dispatchEvent(new CustomEvent("studio:acted", { detail: { element: button } }));
}

function selected(form) {
  const boxes = [...form.querySelectorAll("input[name=selected]")];
  const count = boxes.filter((box) => box.checked).length;
  for (const place of form.querySelectorAll("[data-selected-count]")) place.textContent = String(count);
  for (const bar of form.querySelectorAll("[data-selected-bar]")) bar.hidden = count === 0;
  const all = form.querySelector("input[data-select-all]");
  if (all) [all.checked, all.indeterminate] = [count > 0 && count === boxes.length, count > 0 && count < boxes.length];
}

async function copy(button) {
  const text = document.querySelector(button.dataset.copy)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    // Without https the clipboard is closed: the text is marked, for the person to copy.
    getSelection()?.selectAllChildren(document.querySelector(button.dataset.copy));
    toast("Marked: press Ctrl+C to copy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("api" in form.dataset)) return;
  event.preventDefault();
  act(form, event.submitter ?? form.querySelector("button"));
});

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (!button) return;
  if ("api" in button.dataset) act(button, button);
  else if ("each" in button.dataset) actOnEach(button);
  else if ("copy" in button.dataset) copy(button);
  else if ("open" in button.dataset) document.getElementById(button.dataset.open)?.showModal();
  else if ("close" in button.dataset) button.closest("dialog")?.close();
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("input[data-select-all]")) {
    for (const other of box.form.querySelectorAll("input[name=selected]")) other.checked = box.checked;
  }
  if (box.matches("input[data-select-all], input[name=selected]")) selected(box.form);
  // A form of filters works with its button, and without waiting for it.
  if (box.form?.matches("form[data-filter]")) box.form.requestSubmit();
});

document.addEventListener("studio:refreshed", () => {
  for (const form of document.querySelectorAll("form[data-select]")) selected(form);
});
