// Jobs: the list and what is done in it, one job while it runs and after it.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { A_SECOND, answer, api, followed, launch, named, picture, pictureOf, reached, said, signedIn, silent, submit, until, visit, workers } from "./lib.mjs";

let browser, who, page, ids;

before(async () => {
  browser = await launch();
  ids = await named();
  who = await signedIn(browser);
  page = who.page;
});
after(() => browser.close());
afterEach(() => api("PATCH", "/queue", { paused: false }));

const row = (of, id) => of.locator(`#jobs-list [data-job="${id}"]`);
const state = (of, id) => of.locator(`[data-job="${id}"] [data-job-state]`).first();
const count = async (of, name) => Number((await of.locator(`[data-count="${name}"]`).innerText()).replace(/\D/g, ""));

test("a list without jobs says where they come from", async () => {
  await visit(page, "/jobs");
  await page.getByText("Jobs come from the").waitFor();
  await picture(page, "jobs-empty");
  silent(who);
});

test("the list follows: a job appears, runs and ends in every tab", async () => {
  await visit(page, "/jobs");
  const tab = await who.tab("/jobs");
  let id;
  await followed("the job stands in both", async () => ([id] = await submit(pictureOf("a fox in snow", { ms: 2_500 }))), async () =>
    (await row(page, id).count()) > 0 && (await row(tab, id).count()) > 0);
  await reached(id, "running");
  await until("it runs in both", async () => (await state(page, id).innerText()) === "running" && (await state(tab, id).innerText()) === "running", A_SECOND);
  const bar = row(tab, id).locator("progress");
  await until("the bar moves", async () => (await bar.getAttribute("value")) > 0.2);
  await reached(id, "done");
  await until("it is done in both", async () => (await state(page, id).innerText()) === "done" && (await state(tab, id).innerText()) === "done", A_SECOND);
  await until("the counts follow", async () => (await count(tab, "done")) === 1 && (await count(tab, "running")) === 0);
  await tab.close();
  silent(who);
});

test("failures say why, and are tried again", async () => {
  const [failed, crashed] = await submit(
    pictureOf("a bridge [[fail-for-good]]"),
    pictureOf("a tower [[crash]]", { maxAttempts: 2 }),
  );
  for (const id of [failed, crashed]) await reached(id, "failed");
  await page.goto("/jobs");
  await row(page, crashed).locator(".job-error").waitFor();
  await page.getByRole("link", { name: /^failed/ }).click();
  await page.waitForURL("**/jobs?state=failed");
  assert.equal(await page.locator("#jobs-list .job-row").count(), 2);
  await row(page, crashed).getByRole("link").click();
  await page.getByRole("heading", { name: "a tower" }).waitFor();
  assert.equal(await page.locator("#job-attempts li").count(), 2, "every try is there");
  await page.locator("#job-log").getByText("crashes, as it was asked to").first().waitFor();
  await picture(page, "job-failed");
  await visit(page, `/jobs/${failed}`);
  await page.locator("#job-stage .job-error").waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await until("it fails again", async () => (await page.locator("#job-attempts li").count()) === 2 && (await page.locator("#job-stage").getAttribute("data-state")) === "failed");
  await page.goto("/");
  await page.getByText("2 jobs failed since yesterday").waitFor();
  silent(who);
});

test("the queue is held and resumed, and reordered", async () => {
  await visit(page, "/jobs");
  const tab = await who.tab("/jobs?state=queued");
  await page.getByRole("button", { name: "Hold queue" }).click();
  await followed("the other tab says held", () => answer(page, "Hold queue"), async () => (await tab.locator("#queue-state").getByText("held").count()) === 1);
  const waiting = await submit(...["one", "two", "three", "four"].map((name) => pictureOf(name)));
  for (const id of waiting) await row(page, id).waitFor();
  await until("they stand in the list of what waits", async () => (await tab.locator("#jobs-list .job-row").count()) === 4);

  const pick = async (...picked) => {
    for (const id of waiting) await row(page, id).getByRole("checkbox").setChecked(picked.includes(id));
  };
  await pick(waiting[0], waiting[1]);
  await page.getByText("2 selected").waitFor();
  await page.getByLabel("Priority", { exact: true }).fill("7");
  await picture(page, "jobs-selected");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await said(page, "2 jobs changed");
  for (const id of waiting.slice(0, 2)) assert.equal((await api("GET", `/jobs/${id}`)).priority, 7);
  await pick(waiting[0]);
  await page.getByRole("button", { name: "Up", exact: true }).click();
  await said(page, "1 job changed");
  assert.equal((await api("GET", `/jobs/${waiting[0]}`)).priority, 8);

  await pick(waiting[2], waiting[3]);
  await page.locator("#selection").getByRole("button", { name: "Cancel" }).click();
  await page.locator("#confirm").getByText("Cancel 2 jobs?").waitFor();
  await followed("the other tab loses them", () => answer(page, "Cancel"), async () => (await tab.locator("#jobs-list .job-row").count()) === 2);
  for (const id of waiting.slice(2)) await reached(id, "cancelled");
  await until("they are cancelled here", async () => (await state(page, waiting[3]).innerText()) === "cancelled");

  await pick(waiting[3]);
  await page.locator("#selection").getByRole("button", { name: "Retry" }).click();
  await reached(waiting[3], "queued");
  await picture(page, "jobs-held");
  await page.getByRole("button", { name: "Resume queue" }).click();
  for (const id of [waiting[0], waiting[1], waiting[3]]) await reached(id, "done");
  await until("the queue is empty", async () => (await tab.locator("#jobs-list .job-row").count()) === 0);
  await tab.close();
  silent(who);
});

test("a job that runs: progress, preview, a reload in the middle, the end", async () => {
  const [id] = await submit(pictureOf("a lighthouse at dusk", { ms: 6_000 }));
  await visit(page, `/jobs/${id}`);
  const tab = await who.tab(`/jobs/${id}`);
  await reached(id, "running");
  const bar = (of) => of.locator("#job-stage progress");
  const value = async (of) => Number(await bar(of).getAttribute("value"));
  await until("it moves in both tabs", async () => (await value(page)) > 0.1 && (await value(tab)) > 0.1);
  const before = await value(page);
  await page.reload();
  assert.ok((await value(page)) >= before, "the page comes back with what the studio knows");
  await picture(page, "job-running");
  await reached(id, "done");
  await until("the picture is in both tabs", async () => {
    const sizes = await Promise.all([page, tab].map((of) => of.locator("#job-stage .made img").evaluateAll((images) => images.map((image) => image.naturalWidth))));
    return sizes.every(([width]) => width === 256);
  });
  assert.equal(await page.getByRole("button", { name: "Cancel" }).count(), 0);
  await picture(page, "job", "all");
  await tab.close();

  await page.getByRole("link", { name: "Edit and run again" }).click();
  await page.waitForURL("**/playground?from=*");
  assert.match(await page.getByLabel("Prompt", { exact: true }).inputValue(), /lighthouse/);
  silent(who);
});

test("a job is cancelled on its page, after a question", async () => {
  const [id] = await submit(pictureOf("a very slow road", { ms: 60_000 }));
  await reached(id, "running");
  await visit(page, `/jobs/${id}`);
  const tab = await who.tab(`/jobs/${id}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.keyboard.press("Escape");
  assert.equal((await api("GET", `/jobs/${id}`)).state, "running");
  await page.getByRole("button", { name: "Cancel" }).click();
  await answer(page, "Cancel");
  await reached(id, "cancelled");
  for (const one of [page, tab]) await one.getByRole("button", { name: "Retry" }).waitFor();
  await tab.close();
  silent(who);
});

test("filters, search and pages, with the keyboard alone", async () => {
  await api("POST", "/jobs", { ...pictureOf("a wave"), count: 120, project: "seaside" });
  await until("the waves are done", async () => (await api("GET", "/jobs?project=seaside&state=done&limit=200")).items.length === 120);
  await page.goto("/jobs");
  await page.getByLabel("Search").focus();
  await page.keyboard.type("fox");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=fox/);
  assert.equal(await page.locator("#jobs-list .job-row").count(), 1);
  await page.getByRole("link", { name: "Clear" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL((at) => !at.search.includes("q="));

  await page.getByLabel("Project").selectOption("seaside");
  await page.getByLabel("Per page").selectOption("50");
  await page.getByRole("button", { name: "Filter" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/project=seaside/);
  const shown = async () => page.locator("#jobs-list .job-row").evaluateAll((rows) => rows.map((row) => row.id));
  const pages = [await shown()];
  for (const many of [50, 20]) {
    await page.getByRole("link", { name: "Older" }).focus();
    await Promise.all([page.waitForURL(/cursor=/), page.waitForEvent("load"), page.keyboard.press("Enter")]);
    pages.push(await shown());
    assert.equal(pages.at(-1).length, many);
  }
  assert.equal(new Set(pages.flat()).size, 120, "every job on one page");
  assert.equal(await page.getByRole("link", { name: "Older" }).count(), 0);
  await page.getByRole("link", { name: "Newer" }).focus();
  await Promise.all([page.waitForURL(/newer=/), page.keyboard.press("Enter")]);
  assert.deepEqual(await shown(), pages[1]);
  await page.goto("/jobs?worker=nobody&kind=llm");
  await page.getByText("Nothing matches.").waitFor();
  await picture(page, "jobs-no-match");
  await page.goto("/jobs?limit=50");
  await picture(page, "jobs", "all");
  silent(who);
});

test("whatever matches is acted on at once", async () => {
  await api("PATCH", "/queue", { paused: true });
  await api("POST", "/jobs", { ...pictureOf("a cloud"), count: 150, project: "sky" });
  await visit(page, "/jobs?state=queued&project=sky&limit=50");
  await page.getByLabel("Act on").selectOption("matching");
  await page.locator("#selection").getByRole("button", { name: "Cancel" }).click();
  await answer(page, "Cancel");
  await said(page, "150 jobs changed");
  await until("the page is empty", async () => (await page.locator("#jobs-list .job-row").count()) === 0);
  await api("PATCH", "/queue", { paused: false });
  silent(who);
});

test("a job that takes two workers down is kept apart, until somebody lets it go", async () => {
  await api("PATCH", `/workers/${ids.cellar}`, { paused: true });
  const [id] = await submit(pictureOf("a heavy mountain", { ms: 60_000 }));
  await visit(page, "/");
  await reached(id, "running");
  await api("PATCH", `/workers/${ids.cellar}`, { paused: false });
  await api("PATCH", `/workers/${ids.attic}`, { paused: true });
  process.kill(workers.attic.pid, "SIGKILL");
  await until("the other worker has it", async () => {
    const job = await api("GET", `/jobs/${id}`);
    return job.state === "running" && job.worker === ids.cellar;
  });
  process.kill(workers.cellar.pid, "SIGKILL");
  await reached(id, "quarantined");
  await page.getByText("took workers down").waitFor();
  await picture(page, "home-troubled");
  await page.getByRole("link", { name: "all in quarantine" }).click();
  await row(page, id).waitFor();
  await row(page, id).getByRole("link").click();
  await page.locator("#job-attempts").getByText("lost").first().waitFor();
  await picture(page, "job-quarantined");
  await page.getByRole("button", { name: "Retry" }).click();
  await reached(id, "running");
  await page.getByRole("button", { name: "Cancel" }).click();
  await answer(page, "Cancel");
  await reached(id, "cancelled");
  await api("PATCH", `/workers/${ids.attic}`, { paused: false });
  silent(who);
});
