// Every page for everybody: somebody who may only look, somebody without a mouse, somebody without scripts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN, VIEWER, accessible, api, fits, launch, named, picture, pictureOf, reached, signedIn, silent, submit, until, visit } from "./lib.mjs";

let browser, admin, viewer, ids, job, batch;

before(async () => {
  browser = await launch();
  ids = await named();
  admin = await signedIn(browser);
  viewer = await signedIn(browser, VIEWER);
});
after(() => browser.close());

/** Every page, as a path of this fleet; `needs` is the least role. */
function pages() {
  const looks = ["/", "/workers", `/workers/${ids.attic}`, "/jobs", "/batches", "/gallery", "/models", "/models/synthetic", "/settings/account"];
  const works = job ? [`/jobs/${job}`, `/batches/${batch}`] : [];
  const makes = ["picture", "chat", "speak", "transcribe", "task"].map((tab) => `/playground?tab=${tab}`);
  const runs = ["/add-model", ...["users", "keys", "projects", "webhooks", "retention", "audit"].map((tab) => `/settings/${tab}`)];
  return { forViewers: [...looks, ...works], all: [...looks, ...works, ...makes, ...runs] };
}

/** What a press of it would ask of the studio. */
const calls = (page) => page.locator("main [data-api], main [data-each], main [data-bulk], main [data-again], main [data-upload]").evaluateAll((all) => all.map((one) => one.outerHTML.slice(0, 120)));

test("an empty studio: every page for an admin and for a viewer", async () => {
  for (const path of pages().all) {
    await admin.page.goto(path);
    await fits(admin.page);
    await accessible(admin.page);
    assert.equal(await admin.page.locator("h1").count(), 1, path);
    silent(admin);
  }
  for (const path of pages().forViewers) {
    await viewer.page.goto(path);
    await accessible(viewer.page);
    silent(viewer);
  }
});

test("a busy studio: every page at every size and in every colour", async () => {
  const task = { kind: "image", width: 256, height: 256, ext: "png" };
  const jobs = ["a harbour", "a terrace", "a pass", "a dune"].map((prompt) => ({ ...pictureOf(prompt), task: { ...task, prompt } }));
  batch = (await api("POST", "/batches", { name: "views", jobs: [...jobs, pictureOf("a broken bridge [[fail-for-good]]")] })).id;
  await until("the batch has ended", async () => (await api("GET", `/batches/${batch}`)).finishedAt);
  const running = await submit(pictureOf("the slow north face", { ms: 120_000 }), pictureOf("the slow south face", { ms: 120_000 }));
  for (const id of running) await reached(id, "running");
  await api("POST", "/jobs", { ...pictureOf("what waits"), count: 8 });
  [job] = running;
  await visit(admin.page, "/");
  await until("previews are there", async () => (await admin.page.locator("#running [data-job] progress").count()) >= 2);
  await picture(admin.page, "home", "all");
  await admin.page.goto("/jobs");
  await picture(admin.page, "jobs-busy");
  for (const path of pages().all) {
    await admin.page.goto(path);
    await admin.page.setViewportSize({ width: 390, height: 844 });
    await fits(admin.page);
    await admin.page.emulateMedia({ colorScheme: "dark" });
    await accessible(admin.page);
    await admin.page.setViewportSize({ width: 1440, height: 900 });
    await fits(admin.page);
    await admin.page.emulateMedia({ colorScheme: "light" });
    await accessible(admin.page);
    silent(admin);
  }
});

test("who may only look finds nothing to press that would be refused", async () => {
  const { page } = viewer;
  for (const path of pages().forViewers) {
    await page.goto(path);
    assert.equal(await page.locator("h1").count(), 1, path);
    const found = (await calls(page)).filter((html) => !html.includes("/api/v1/session/password"));
    assert.deepEqual(found, [], path);
    for (const href of await page.locator("header a[href], main a[href^='/']").evaluateAll((links) => links.map((link) => link.getAttribute("href")))) {
      assert.equal(/^\/(playground|add-model|settings\/(users|keys|projects|webhooks|retention|audit))/.test(href), false, `${path} leads to ${href}`);
    }
    silent(viewer);
  }
  await page.goto("/");
  await picture(page, "home-viewer");
  for (const path of ["/settings/users", "/add-model", "/playground"]) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 403, path);
  }
  await picture(page, "forbidden");
  silent(viewer, [/status of 403/]);
});

test("everything is reached by Tab, visibly, and dialogs keep and give back the focus", async () => {
  const { page } = admin;
  for (const path of ["/", "/workers", `/workers/${ids.attic}`, "/jobs", `/jobs/${job}`, "/gallery", "/models/synthetic", "/playground?tab=picture", "/settings/users"]) {
    await page.goto(path);
    const { missed, unseen } = await tabThrough(page);
    assert.deepEqual({ missed, unseen }, { missed: [], unseen: [] }, path);
  }
  await page.goto("/workers");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  assert.equal(await skip.evaluate((link) => link === document.activeElement), true, "the first stop skips the navigation");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");

  const opener = page.getByRole("button", { name: "Add a worker" }).first();
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Add a worker" });
  await dialog.waitFor();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null);
    assert.ok(inside, `the focus left the dialog at step ${step}`);
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await opener.evaluate((button) => button === document.activeElement), true, "the focus is back");
  silent(admin);
});

/** Presses Tab through the whole page: what can be focused and never was, and what was focused without a sign of it. */
async function tabThrough(page) {
  await page.evaluate(() => {
    const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0'], audio[controls], video[controls]";
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: false }) && !one.closest("dialog:not([open]), details:not([open]) > :not(summary)");
    window.wanted = new Set([...document.querySelectorAll(wanted)].filter((one) => isSeen(one) && !one.disabled && one.type !== "hidden"));
    window.unseen = [];
  });
  for (let step = 0; step < 400; step += 1) {
    await page.keyboard.press("Tab");
    const isOver = await page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return true;
      const again = window.seen?.has(at) ?? false;
      (window.seen ??= new Set()).add(at);
      window.wanted.delete(at);
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
      if ((outlineStyle === "none" || outlineWidth === "0px") && boxShadow === "none") window.unseen.push(at.outerHTML.slice(0, 100));
      return again;
    });
    if (isOver) break;
  }
  return page.evaluate(() => ({ missed: [...window.wanted].filter((one) => one.isConnected).map((one) => one.outerHTML.slice(0, 100)), unseen: window.unseen }));
}

test("colours are chosen by hand, and stay", async () => {
  const { page } = admin;
  await page.goto("/");
  await page.getByRole("button", { name: /Change colours/ }).click();
  await page.goto("/jobs");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByRole("button", { name: "Change colours: dark" }).click();
  const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.notEqual(dark, light);
  await page.getByRole("button", { name: "Change colours: light" }).click();
});

test("reading works without scripts: content, pages and filters", async () => {
  const plain = await signedIn(browser, ADMIN, { javaScriptEnabled: false });
  const { page } = plain;
  const has = async (path, ...texts) => {
    await page.goto(path);
    assert.equal(await page.locator("h1").count(), 1, path);
    const content = await page.locator("main").innerText();
    for (const text of texts) assert.ok(content.includes(text), `${path} without \`${text}\`: ${content}`);
  };
  await has("/", "the slow north face", "Workers online");
  await has("/workers", "attic", "cellar", "online");
  await has(`/workers/${ids.attic}`, "attic", "synthetic");
  await has("/jobs", "what waits", "a broken bridge");
  await picture(page, "jobs-without-scripts", "desk", false);
  await has(`/jobs/${job}`, "the slow north face", "running");
  await has("/batches", "views");
  await has(`/batches/${batch}`, "5 of 5, 100 %", "fails for good");
  await has("/models", "synthetic-chat");
  await has("/models/synthetic", "synthetic");
  for (const tab of ["users", "keys", "projects", "webhooks", "retention", "audit", "account"]) await has(`/settings/${tab}`);
  await has("/settings/users", ADMIN.name, VIEWER.name);
  await has("/gallery");
  assert.equal(await page.locator("#gallery img").count(), 4);
  await page.locator("#gallery [data-look]").first().click();
  await page.waitForURL("**/jobs/job-*");

  await page.goto("/jobs?limit=50");
  await page.fill("#q", "bridge");
  await Promise.all([page.waitForURL(/q=bridge/), page.click("form[role=search] button[type=submit]")]);
  assert.equal(await page.locator("#jobs-list .job-row").count(), 1);
  await api("POST", "/jobs", { ...pictureOf("the long line"), count: 60 });
  await page.goto("/jobs?limit=50");
  await Promise.all([page.waitForURL(/cursor=/), page.click("a[rel=next]")]);
  assert.ok((await page.locator("#jobs-list .job-row").count()) > 10);
  await page.locator("details.menu > summary").click();
  await Promise.all([page.waitForURL("**/sign-in"), page.click("form[action='/sign-out'] button")]);
  silent(plain);
  await plain.context.close();
});
