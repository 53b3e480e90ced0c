// The registry: what jobs may name, and how models come and go.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer, api, followed, launch, named, picture, said, signedIn, silent, until, visit } from "./lib.mjs";

let browser, who, page;

before(async () => {
  browser = await launch();
  await named();
  who = await signedIn(browser);
  page = who.page;
});
after(() => browser.close());

const row = (of, id) => of.locator("#models li", { has: of.getByRole("link", { name: id, exact: true }) });

const entry = (vramGb) =>
  JSON.stringify({ kind: "image", vramGb, source: { engine: "synthetic", files: [], cliDefaults: { cfgScale: 1, steps: 8, width: 256, height: 256 } } });

test("the list says what there is, and follows", async () => {
  await visit(page, "/models");
  const tab = await who.tab("/models");
  await row(page, "synthetic").getByText("enabled").waitFor();
  await picture(page, "models", "all");
  await followed("the other tab says disabled", () => page.getByRole("button", { name: "Disable synthetic-tts" }).click(), async () =>
    /disabled/.test(await row(tab, "synthetic-tts").innerText()));
  await said(page, "Jobs cannot name it any more");
  const refused = await fetch(`${new URL(page.url()).origin}/api/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.STUDIO_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "synthetic-tts", task: { kind: "audio_tts", text: "no" } }),
  });
  assert.ok(refused.status >= 400 && refused.status < 500, `${refused.status}`);
  await followed("the other tab says enabled", () => page.getByRole("button", { name: "Enable synthetic-tts" }).click(), async () =>
    /enabled/.test(await row(tab, "synthetic-tts").innerText()));
  await tab.close();
  silent(who);
});

test("defaults are changed, and hold for jobs that do not say otherwise", async () => {
  await visit(page, "/models/synthetic");
  const tab = await who.tab("/models/synthetic");
  await picture(page, "model");
  await page.getByLabel("Width").fill("0");
  await page.getByRole("button", { name: "Save" }).first().click();
  assert.equal(await page.getByLabel("Width").evaluate((field) => field.validity.valid), false);
  await page.getByLabel("Width").fill("320");
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Save" }).first().click()]);
  assert.equal(await page.getByLabel("Width").inputValue(), "320");
  assert.equal((await api("GET", "/models/synthetic")).source.cliDefaults.width, 320);
  await tab.close();
  silent(who);
});

test("a model comes as JSON, with problems at their fields, and goes after a question", async () => {
  await page.goto("/models");
  await page.getByRole("link", { name: "Add a model" }).click();
  await page.waitForURL("**/add-model");
  await picture(page, "add-model");
  const list = await who.tab("/models");
  await page.getByText("As JSON", { exact: true }).click();
  const part = page.locator("#as-json");
  await part.getByLabel("Name").fill("by-hand");
  await part.getByLabel("Entry").fill("{ nothing");
  await part.getByRole("button", { name: "Add" }).click();
  await part.getByText("This is not JSON").waitFor();
  await part.getByLabel("Entry").fill(entry(-1));
  await part.getByRole("button", { name: "Add" }).click();
  await page.locator(".error, .toast.bad").filter({ hasText: "vramGb: -1 is not an amount" }).waitFor();
  await picture(page, "add-model-problem");
  silent(who, [/status of 4\d\d/]);
  await part.getByLabel("Entry").fill(entry(1));
  await followed("the list has it", () => part.getByRole("button", { name: "Add" }).click(), async () => (await row(list, "by-hand").count()) === 1);
  await page.waitForURL("**/models/by-hand");
  await page.getByText("It needs no files.").waitFor();

  await page.getByRole("button", { name: "Remove" }).click();
  await page.locator("#confirm").getByText("Remove by-hand").waitFor();
  await picture(page, "model-remove");
  await answer(page, "Keep it");
  await api("GET", "/models/by-hand");
  await page.getByRole("button", { name: "Remove" }).click();
  await followed("the list forgets it", () => answer(page, "Remove"), async () => (await row(list, "by-hand").count()) === 0);
  await page.waitForURL("**/models");
  await list.close();
  silent(who);
});

test("a file of this machine becomes a model", async () => {
  await page.goto("/add-model");
  const part = page.getByRole("region", { name: "From a file of this machine" });
  const buffer = Buffer.alloc(300_000, "weights");
  await part.getByLabel("File", { exact: true }).setInputFiles({ name: "tiny.gguf", mimeType: "application/octet-stream", buffer });
  await part.getByLabel("Name").fill("tiny");
  await part.getByRole("button", { name: "Upload and add" }).click();
  await page.waitForURL("**/models/tiny");
  await page.locator("#files").getByText("at the studio").waitFor();
  const model = await api("GET", "/models/tiny");
  assert.deepEqual([model.enabled, model.files[0].present, model.files[0].bytes], [true, true, 300_000]);
  await picture(page, "model-uploaded");
  await page.getByRole("button", { name: "Disable tiny" }).click();
  await page.locator("#head").getByText("disabled").waitFor();
  silent(who);
});

test("what a hub does not have is said at its field", async () => {
  await page.goto("/add-model");
  const part = page.getByRole("region", { name: "From Hugging Face" });
  await part.getByLabel("Addresses").fill("not an address");
  await part.getByRole("button", { name: "Add" }).click();
  await part.locator(".error").waitFor();
  assert.equal(await part.getByLabel("Addresses").getAttribute("aria-invalid"), "true");
  assert.match(await part.locator(".error").innerText(), /not an address|hf:/);
  silent(who, [/status of 4\d\d/]);
});

test("an entry is changed as a whole", async () => {
  await page.goto("/models/tiny");
  await page.getByText("The whole entry as JSON").click();
  const field = page.getByLabel("Entry");
  const kept = JSON.parse(await field.inputValue());
  await field.fill(JSON.stringify({ ...kept, vramGb: 2.5 }));
  await Promise.all([page.waitForEvent("load"), page.locator("#whole").getByRole("button", { name: "Save" }).click()]);
  await until("it has changed", async () => (await api("GET", "/models/tiny")).vramGb === 2.5);
  assert.match(await page.locator("#about").innerText(), /2.5 GiB/);
  silent(who);
});
