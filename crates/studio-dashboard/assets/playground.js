// Chats and transcripts of the playground, through `/v1` like any client's. Pictures, speech and tasks are forms
// that submit jobs (actions.js) and are followed by job.js.

import { render } from "./markdown.js";
import { start as transcribe } from "./transcribe.js";

const KEPT = "studio-chat";
const csrf = () => document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "";
const $ = (id) => document.getElementById(id);

function fail(place, words) {
  place.textContent = words;
  place.hidden = words === "";
}

/** What the studio says that is wrong, in words; errors of `/v1` have OpenAI's shape. @param {Response} answer */
async function problemOf(answer) {
  const text = await answer.text();
  try {
    const json = JSON.parse(text);
    return json.error?.message ?? json.detail ?? text;
  } catch {
    return text || `The studio answered ${answer.status}`;
  }
}

/** The events of a stream, as parsed JSON; comments are handed to `told`. */
async function* events(answer, told) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (line.startsWith(":")) told(line.slice(1).trim());
      else if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

function chat() {
  const [log, message, error, status] = [$("chat-log"), $("message"), $("chat-error"), $("chat-status")];
  const [send, stop] = [$("chat-send"), $("chat-stop")];
  /** @type {{ role: string, content: string, reasoning?: string }[]} */
  let turns = [];
  /** @type {AbortController | null} */
  let asking = null;

  const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(turns));

  /** One turn of the talk, and how to put text into it. */
  function turn({ role, content, reasoning }) {
    const item = document.createElement("div");
    item.className = `turn ${role}`;
    const who = document.createElement("strong");
    who.textContent = role === "user" ? "You" : "Model";
    const thoughts = document.createElement("details");
    thoughts.className = "thoughts";
    const summary = document.createElement("summary");
    summary.textContent = "Reasoning";
    const thinking = document.createElement("div");
    thinking.className = "prose";
    thoughts.append(summary, thinking);
    const said = document.createElement("div");
    said.className = "prose";
    item.append(who, thoughts, said);
    const put = (text, thought) => {
      thinking.textContent = thought ?? "";
      thoughts.hidden = !thought;
      if (role === "user") said.textContent = text;
      else said.replaceChildren(render(text));
    };
    put(content, reasoning);
    log.append(item);
    log.scrollTop = log.scrollHeight;
    return { item, put };
  }

  function body() {
    const fields = Object.fromEntries(new FormData($("chat-form")));
    const system = fields.system.trim();
    const asked = turns.map(({ role, content }) => ({ role, content }));
    const messages = system ? [{ role: "system", content: system }, ...asked] : asked;
    const number = (name) => (fields[name] ? { [name]: Number(fields[name]) } : {});
    return { model: fields.model, messages, stream: true, ...number("temperature"), ...number("max_tokens") };
  }

  async function answer() {
    const mine = { role: "assistant", content: "", reasoning: "" };
    const shown = turn(mine);
    let planned = false;
    const draw = () => {
      planned = false;
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
      shown.put(mine.content, mine.reasoning);
      if (atEnd) log.scrollTop = log.scrollHeight;
    };
    asking = new AbortController();
    busy(true);
    try {
      const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf() };
      const reply = await fetch("/v1/chat/completions", { method: "POST", headers, body: JSON.stringify(body()), signal: asking.signal });
      if (!reply.ok) throw new Error(await problemOf(reply));
      for await (const chunk of events(reply, (words) => (status.textContent = words))) {
        if (chunk.error) throw new Error(chunk.error.message);
        status.textContent = "";
        const delta = chunk.choices?.[0]?.delta ?? {};
        mine.content += delta.content ?? "";
        mine.reasoning += delta.reasoning_content ?? delta.reasoning ?? "";
        if (!planned) requestAnimationFrame(draw);
        planned = true;
      }
    } catch (problem) {
      if (problem.name === "AbortError") status.textContent = "Stopped";
      else fail(error, problem.message || "The studio does not answer");
    } finally {
      asking = null;
      busy(false);
      draw();
    }
    if (mine.content || mine.reasoning) turns.push(mine);
    else {
      // Nothing was said: the question goes back to where it can be sent again.
      shown.item.remove();
      log.lastElementChild?.remove();
      message.value = turns.pop()?.content ?? "";
    }
    keep();
  }

  function busy(is) {
    send.hidden = is;
    stop.hidden = !is;
    if (is) status.textContent = "Asking …";
    else if (status.textContent !== "Stopped") status.textContent = "";
  }

  $("chat-say").addEventListener("submit", (event) => {
    event.preventDefault();
    const content = message.value.trim();
    if (!content || asking) return;
    fail(error, "");
    turns.push({ role: "user", content });
    turn(turns.at(-1));
    message.value = "";
    keep();
    answer();
  });
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("chat-say").requestSubmit();
  });
  stop.addEventListener("click", () => asking?.abort());
  $("chat-clear").addEventListener("click", () => {
    asking?.abort();
    turns = [];
    keep();
    log.replaceChildren();
    fail(error, "");
    message.focus();
  });
  turns = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  for (const one of turns) turn(one);
}

if (document.querySelector("[data-chat]")) chat();
if (document.querySelector("[data-transcribe]")) transcribe({ csrf, fail, problemOf });
