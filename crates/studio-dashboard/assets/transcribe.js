// Recordings to text: a file, or what the microphone hears, goes to `/v1/audio/transcriptions`.

import { canRecord, record } from "./record.js";

const $ = (id) => document.getElementById(id);

/** `1:02.5` @param {number} seconds */
function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

function show({ text, segments = [] }) {
  $("transcript-text").textContent = text ?? "";
  const list = $("transcript-segments");
  list.hidden = segments.length === 0;
  list.replaceChildren(
    ...segments.map((segment) => {
      const [item, time, words] = ["li", "span", "span"].map((tag) => document.createElement(tag));
      time.className = "segment-time";
      time.textContent = `${clock(segment.start)} – ${clock(segment.end)}`;
      words.textContent = segment.text;
      item.append(time, words);
      return item;
    }),
  );
}

/** @param {{ csrf: () => string, fail: (place: HTMLElement, words: string) => void, problemOf: (answer: Response) => Promise<string> }} page */
export function start({ csrf, fail, problemOf }) {
  const [form, error, status] = [$("transcribe-form"), $("transcribe-error"), $("transcribe-status")];
  const [send, stop, button, said] = [$("transcribe-send"), $("transcribe-stop"), $("record"), $("record-status")];
  /** @type {File | null} */
  let recorded = null;
  /** @type {AbortController | null} */
  let asking = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = $("file").files[0] ?? recorded;
    if (!file) return fail(error, "Choose a file, or record something");
    fail(error, "");
    const fields = new FormData();
    for (const name of ["model", "language", "prompt"]) {
      if (form.elements[name].value.trim()) fields.set(name, form.elements[name].value.trim());
    }
    fields.set("response_format", "verbose_json");
    fields.append("timestamp_granularities[]", "segment");
    fields.set("file", file);
    asking = new AbortController();
    [send.hidden, stop.hidden, status.textContent] = [true, false, "Listening …"];
    try {
      const headers = { "X-CSRF-Token": csrf() };
      const answer = await fetch("/v1/audio/transcriptions", { method: "POST", headers, body: fields, signal: asking.signal });
      if (!answer.ok) throw new Error(await problemOf(answer));
      show(await answer.json());
      status.textContent = "Done";
    } catch (problem) {
      status.textContent = problem.name === "AbortError" ? "Stopped" : "";
      if (problem.name !== "AbortError") fail(error, problem.message || "The studio does not answer");
    } finally {
      asking = null;
      [send.hidden, stop.hidden] = [false, true];
    }
  });
  stop.addEventListener("click", () => asking?.abort());

  if (!canRecord()) return;
  button.hidden = false;
  /** @type {{ stop: () => Promise<File> } | null} */
  let recording = null;
  button.addEventListener("click", async () => {
    fail(error, "");
    try {
      if (!recording) {
        recording = await record();
        [button.textContent, said.textContent] = ["Stop recording", "Recording …"];
        return;
      }
      recorded = await recording.stop();
      recording = null;
      [button.textContent, said.textContent] = ["Record again", "Recorded"];
      $("file").value = "";
      $("recorded").src = URL.createObjectURL(recorded);
      $("recorded").hidden = false;
    } catch (problem) {
      recording = null;
      button.textContent = "Record";
      said.textContent = "";
      fail(error, `The microphone cannot be used: ${problem.message}`);
    }
  });
}
