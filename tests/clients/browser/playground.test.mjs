// The playground: everything that can be made by hand, and what is said when it cannot be made.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, launch, named, picture, reached, signedIn, silent, until } from "./lib.mjs";

let browser, who, page;

before(async () => {
  browser = await launch();
  await named();
  who = await signedIn(browser);
  page = who.page;
});
after(() => browser.close());

const jobOf = (address) => new URL(address).searchParams.get("job");
const choose = (model) => page.getByLabel("Model", { exact: true }).selectOption(model);

test("a picture grows, survives a reload, and is there", async () => {
  await page.goto("/playground?tab=picture");
  await page.getByText("Nothing made yet").waitFor();
  await picture(page, "playground", "all");
  await choose("synthetic");
  await page.getByLabel("Prompt", { exact: true }).fill("a castle on a hill [[delay=4000]]");
  for (const side of ["Width", "Height"]) await page.getByLabel(side).fill("256");
  await page.getByLabel("Seed").fill("7");
  await page.getByRole("button", { name: "Make" }).click();
  await page.waitForURL(/job=/);
  const id = jobOf(page.url());
  await reached(id, "running");
  const bar = page.locator("#job-stage progress");
  await until("it moves", async () => Number(await bar.getAttribute("value")) > 0.2);
  await page.reload();
  assert.ok(Number(await bar.getAttribute("value")) >= 0.2);
  assert.match(await page.getByLabel("Prompt", { exact: true }).inputValue(), /a castle/);
  await picture(page, "playground-running");
  await until("the picture is there", () => page.locator("#job-stage .made img").evaluateAll(([image]) => image?.naturalWidth === 256));
  assert.equal((await api("GET", `/jobs/${id}`)).task.seed, 7);
  await picture(page, "playground-picture");
  silent(who);
});

test("a picture is called off", async () => {
  await page.goto("/playground?tab=picture");
  await choose("synthetic");
  await page.getByLabel("Prompt", { exact: true }).fill("an endless plain [[delay=60000]]");
  await page.getByRole("button", { name: "Make" }).click();
  await page.waitForURL(/job=/);
  const id = jobOf(page.url());
  await reached(id, "running");
  await page.getByRole("button", { name: "Cancel" }).click();
  await reached(id, "cancelled");
  await page.locator("#job-stage").getByText("cancelled").waitFor();
  await until("nothing is left to cancel", async () => (await page.getByRole("button", { name: "Cancel" }).count()) === 0);
  silent(who);
});

test("a chat streams, remembers, and is stopped with its job", async () => {
  await page.goto("/playground?tab=chat");
  await choose("synthetic-chat");
  const answers = page.locator("#chat-log .turn.assistant");
  await page.getByLabel("Message", { exact: true }).fill("Tell me of the sea [[pace=60]]");
  await page.keyboard.press("Enter");
  await until("some of it is there", async () => (await answers.count()) === 1 && (await answers.first().locator(".prose").last().innerText()).length > 10);
  const some = await answers.first().innerText();
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await until("more of it comes", async () => (await answers.first().innerText()).length > some.length);
  await page.getByRole("button", { name: "Send" }).waitFor();
  const whole = await answers.first().innerText();
  await picture(page, "playground-chat");
  await page.reload();
  assert.equal(await answers.first().innerText(), whole, "a reload keeps the talk");

  await page.getByLabel("Message", { exact: true }).fill("And now at length [[pace=1000]]");
  await page.getByRole("button", { name: "Send" }).click();
  const job = await until("its job runs", async () => (await api("GET", "/jobs?state=running&kind=llm")).items[0]);
  await until("a word is there", async () => (await answers.count()) === 2 && (await answers.last().locator(".prose").last().innerText()) !== "");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stopped").waitFor();
  await reached(job.id, "cancelled");
  await page.getByRole("button", { name: "New conversation" }).click();
  assert.equal(await page.locator("#chat-log .turn").count(), 0);
  silent(who);
});

test("leaving a chat ends its job too", async () => {
  await page.goto("/playground?tab=chat");
  await choose("synthetic-chat");
  await page.getByLabel("Message", { exact: true }).fill("Nobody will hear this [[pace=1000]]");
  await page.keyboard.press("Enter");
  const job = await until("its job runs", async () => (await api("GET", "/jobs?state=running&kind=llm")).items[0]);
  await page.goto("/playground?tab=speak");
  await reached(job.id, "cancelled");
  silent(who, [/ERR_ABORTED|network error/]);
});

test("a text is spoken", async () => {
  await page.goto("/playground?tab=speak");
  await choose("synthetic-tts");
  await page.getByLabel("Text", { exact: true }).fill("Good evening, and welcome to the fleet");
  await page.getByRole("button", { name: "Make" }).click();
  await page.waitForURL(/job=/);
  await reached(jobOf(page.url()), "done");
  const player = page.locator("#job-stage audio");
  await player.waitFor();
  const length = await until("it can be played", () => player.evaluate(async (audio) => {
    if (audio.readyState < 1) return 0;
    audio.muted = true;
    await audio.play();
    return audio.currentTime > 0.05 && audio.duration;
  }));
  assert.ok(length > 1 && length < 10, `${length} s`);
  await picture(page, "playground-speech");
  silent(who);
});

test("a recording is written down", async () => {
  await page.goto("/playground?tab=transcribe");
  await choose("synthetic-stt");
  await page.getByRole("button", { name: "Transcribe" }).click();
  await page.getByRole("alert").getByText("Choose a file").waitFor();
  await page.getByLabel("Recording").setInputFiles({ name: "note.wav", mimeType: "audio/wav", buffer: silence() });
  await page.getByRole("button", { name: "Transcribe" }).click();
  await page.locator("#transcript-segments li").first().waitFor();
  const text = await page.locator("#transcript-text").innerText();
  assert.match(text, /\w+ \w+/);
  await picture(page, "playground-transcript");
  silent(who);
});

test("any task at all, as JSON, with problems at their fields", async () => {
  await page.goto("/playground?tab=task");
  await choose("synthetic");
  const task = page.getByLabel("Task", { exact: true });
  await task.fill("{ nothing");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("This is not JSON").waitFor();
  assert.equal(await task.getAttribute("aria-invalid"), "true");
  await picture(page, "playground-wrong-json");
  await task.fill(JSON.stringify({ kind: "image", prompt: "x", width: -5 }));
  await page.getByRole("button", { name: "Make" }).click();
  await page.locator(".error").filter({ hasText: "task.width: " }).waitFor();
  await task.fill(JSON.stringify({ kind: "image", prompt: "a ford", width: 64, height: 64 }));
  await page.getByRole("button", { name: "Make" }).click();
  await page.waitForURL(/job=/);
  await reached(jobOf(page.url()), "done");
  silent(who, [/status of 4\d\d/]);
});

test("what no worker can do is said in words", async () => {
  await page.goto("/playground?tab=chat");
  await choose("nobody-runs-this");
  assert.match(await page.getByLabel("Model", { exact: true }).locator("option:checked").innerText(), /no worker for it is online/);
  await page.getByLabel("Message", { exact: true }).fill("Is anybody there?");
  await page.getByRole("button", { name: "Send" }).click();
  const told = page.locator("#chat-error");
  await told.waitFor();
  assert.match(await told.innerText(), /no connected worker has the engine/);
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "Is anybody there?", "the question can be sent again");
  await picture(page, "playground-nobody");
  silent(who, [/status of 503/]);
});

/** A second of it, as a wav file. */
function silence() {
  const [rate, header] = [8_000, 44];
  const wav = Buffer.alloc(header + 2 * rate);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(2 * rate, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(2 * rate, 40);
  return wav;
}
