// Batches and the gallery: how far a batch is, its zip, and pictures to look at and to make again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { A_SECOND, api, followed, launch, named, picture, pictureOf, said, signedIn, silent, until, visit } from "./lib.mjs";

let browser, who, page, scratch;

before(async () => {
  browser = await launch();
  scratch = mkdtempSync(join(tmpdir(), "studio-browser-"));
  await named();
  who = await signedIn(browser);
  page = who.page;
});
after(() => {
  rmSync(scratch, { recursive: true });
  return browser.close();
});

const PROMPTS = ["a harbour at dawn", "terraces in fog", "a road over the pass", "dunes after rain", "a lake in autumn", "cliffs by night"];

test("without results the pages say where they come from", async () => {
  await visit(page, "/batches");
  await page.getByText("No batches").waitFor();
  await picture(page, "batches-empty");
  await visit(page, "/gallery");
  await page.getByText("Pictures, sounds and clips stand here").waitFor();
  await picture(page, "gallery-empty");
  silent(who);
});

test("a batch is followed to its end, with failures and an estimate", async () => {
  await api("PATCH", "/queue", { paused: true });
  const list = await who.tab("/batches");
  const jobs = [
    ...PROMPTS.map((prompt, at) => pictureOf(prompt, { ms: 400, task: { seed: at } })),
    pictureOf("a broken bridge [[fail-for-good]]"),
    pictureOf("another broken bridge [[fail-for-good]]"),
    pictureOf("the last hill", { ms: 5_000 }),
  ];
  let batch;
  await followed("the batch stands in the list", async () => ({ id: batch } = await api("POST", "/batches", { name: "landscapes", jobs })), async () =>
    (await list.getByRole("link", { name: "landscapes" }).count()) === 1);
  await visit(page, `/batches/${batch}`);
  await page.getByText("0 of 9, 0 %").waitFor();
  await api("PATCH", "/queue", { paused: false });
  await page.locator("#batch-progress").getByText(/ left$/).waitFor();
  await page.getByText(/[5-8] of 9/).waitFor();
  await page.locator("#batch-running").getByText("the last hill").waitFor();
  await page.reload();
  await page.getByText(/[5-8] of 9/).waitFor();
  await picture(page, "batch-running");
  await until("it has ended", async () => (await api("GET", `/batches/${batch}`)).finishedAt);
  for (const of of [page, list]) await until("both tabs know", async () => (await of.getByText("9 of 9, 100 %").count()) > 0, A_SECOND);
  await page.getByText("2 ×").waitFor();
  await until("every picture is there", async () => (await page.locator("#batch-made img").count()) === 7);
  await picture(page, "batch", "all");
  await picture(list, "batches");
  await list.close();
  silent(who);
});

test("the zip holds every file", async () => {
  await page.goto("/batches");
  await page.getByRole("link", { name: "landscapes" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download as zip" }).click()]);
  assert.match(download.suggestedFilename(), /\.zip$/);
  const path = join(scratch, "batch.zip");
  await download.saveAs(path);
  const read = "import json,sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(json.dumps([[i.filename, z.read(i)[:4].hex()] for i in z.infolist()]))";
  const files = JSON.parse(execFileSync("python3", ["-c", read, path], { encoding: "utf8" }));
  const pictures = files.filter(([name]) => name.endsWith(".png"));
  assert.equal(pictures.length, 7, JSON.stringify(files));
  for (const [name, magic] of pictures) assert.equal(magic, "89504e47", name);
  silent(who);
});

test("a batch is tried again and cancelled", async () => {
  await page.getByRole("button", { name: "Retry 2" }).click();
  await until("they fail again", async () => (await page.locator("#batch-progress").innerText()).includes("9 of 9"));
  await api("PATCH", "/queue", { paused: true });
  const { id } = await api("POST", "/batches", { name: "never made", jobs: [{ ...pictureOf("a shadow"), count: 5 }] });
  await visit(page, `/batches/${id}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.locator("#confirm").getByText("Cancel 5 jobs").waitFor();
  await page.locator("#confirm").getByRole("button", { name: "Cancel" }).click();
  await page.getByText("5 of 5, 100 %").waitFor();
  await page.getByRole("button", { name: "Retry 5" }).waitFor();
  await api("PATCH", "/queue", { paused: false });
  silent(who);
});

test("thumbnails are loaded when they are seen", async () => {
  await api("POST", "/jobs", { ...pictureOf("a meadow"), count: 45 });
  await until("they are made", async () => (await api("GET", "/artefacts?limit=200")).items.length === 52);
  const asked = [];
  page.on("request", (request) => request.url().includes("/thumbnail") && asked.push(request.url()));
  await page.setViewportSize({ width: 390, height: 400 });
  await page.goto("/gallery");
  const loaded = () => page.locator("#gallery img").evaluateAll((images) => images.filter((image) => image.complete && image.naturalWidth > 0).length);
  await until("the first are there", async () => (await loaded()) >= 4);
  const seen = new Set(asked).size;
  await page.locator("#gallery li").last().scrollIntoViewIfNeeded();
  await until("so is the last", () => page.locator("#gallery img").last().evaluate((image) => image.complete && image.naturalWidth > 0));
  assert.ok(seen < 52, `${seen} of 52 were loaded before anybody scrolled`);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto("/gallery?batch=" + (await api("GET", "/batches")).items.find(({ name }) => name === "landscapes").id);
  await until("the batch's own are there", async () => (await loaded()) === 7);
  await picture(page, "gallery", "all");
  silent(who);
});

test("a picture is looked at, with the keyboard alone", async () => {
  const links = page.locator("#gallery [data-look]");
  await links.first().focus();
  await page.keyboard.press("Enter");
  const box = page.getByRole("dialog");
  await box.getByText("1 of 7").waitFor();
  await until("it is loaded", () => box.locator("img").evaluate((image) => image.naturalWidth === 256));
  await page.keyboard.press("ArrowRight");
  await box.getByText("2 of 7").waitFor();
  await picture(page, "gallery-lightbox");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await box.getByText("1 of 7").waitFor();
  await page.keyboard.press("ArrowLeft");
  await box.getByText("1 of 7").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "hidden" });
  assert.equal(await links.nth(1).evaluate((link) => link === document.activeElement), true, "the focus is at what was looked at last");
  silent(who);
});

test("again with another seed", async () => {
  await visit(page, "/gallery");
  const before = (await api("GET", "/artefacts?limit=200")).items.length;
  await page.locator("#gallery [data-look]").first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Again with another seed" }).click();
  await said(page, "Submitted with seed");
  await page.keyboard.press("Escape");
  await until("it is made", async () => (await api("GET", "/artefacts?limit=200")).items.length === before + 1);
  const [{ id, job }] = (await api("GET", "/artefacts?limit=1")).items;
  await until("it stands first", async () => (await page.locator("#gallery > li").first().getAttribute("id")) === id, 2 * A_SECOND);
  assert.equal(typeof (await api("GET", `/jobs/${job}`)).task.seed, "number");
  silent(who);
});
