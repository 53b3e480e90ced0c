// Workers: who asks to join, who works, what an operator makes of them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  answer, api, followed, launch, named, picture, pictureOf, reached, register, said, signedIn, silent, submit, until, url, visit, workers,
} from "./lib.mjs";

let browser, who, page, ids;

before(async () => {
  browser = await launch();
  ids = await named();
  who = await signedIn(browser, undefined, { permissions: ["clipboard-read", "clipboard-write"] });
  page = who.page;
});
after(() => browser.close());

const row = (of, name) => of.locator("#workers li", { has: of.getByRole("link", { name, exact: true }) });

test("a machine that asks is seen everywhere, and approved in one tab", async () => {
  await visit(page, "/workers");
  const home = await who.tab("/");
  const [asked] = (await api("GET", "/registrations?status=pending")).items;
  await page.getByRole("heading", { name: `${asked.machineName} asks to join` }).waitFor();
  assert.equal(await page.locator("#area-Workers").innerText().then((text) => text.includes("1")), true);
  await home.getByText("asks to join").waitFor();
  await picture(page, "workers-pending");
  await picture(home, "home-pending");

  await page.bringToFront();
  await page.getByLabel("Name", { exact: true }).fill("newcomer");
  await followed("home forgets the request", () => page.getByRole("button", { name: "Approve" }).click(), async () =>
    (await home.getByText("asks to join").count()) === 0);
  await said(page, "may work now");
  await row(page, "newcomer").waitFor();
  assert.equal(await page.getByText("asks to join").count(), 0);
  await home.close();
  silent(who);
});

test("a machine that asks may be refused, with a reason that its owner reads", async () => {
  await visit(page, "/workers");
  const tab = await who.tab("/");
  let decided;
  await followed("both tabs tell of the stranger", async () => {
    decided = await register("stranger");
  }, async () => (await page.getByText("stranger asks to join").count()) > 0 && (await tab.getByText("stranger").count()) > 0);
  await page.getByRole("button", { name: "Reject" }).click();
  const dialog = page.getByRole("dialog", { name: "Reject this machine" });
  await dialog.getByLabel("Reason").fill("We do not know this machine");
  await picture(page, "workers-reject");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal((await api("GET", "/registrations?status=pending")).items.length, 1, "Esc refuses nobody");
  await page.getByRole("button", { name: "Reject" }).click();
  await followed("the other tab forgets the stranger", () => dialog.getByRole("button", { name: "Reject" }).click(), async () =>
    (await tab.getByText("stranger").count()) === 0);
  const { status, reason } = await decided();
  assert.deepEqual([status, reason], ["rejected", "We do not know this machine"]);
  await tab.close();
  silent(who);
});

test("a join code comes with the command to paste", async () => {
  await visit(page, "/workers");
  await page.getByRole("button", { name: "Add a worker" }).first().click();
  await page.getByRole("spinbutton", { name: "Workers" }).fill("2");
  await picture(page, "join-code-ask");
  await page.getByRole("button", { name: "Make a code" }).click();
  const dialog = page.getByRole("dialog", { name: "Run this on the worker's machine" });
  const command = await dialog.locator("#join-command").textContent();
  assert.match(command, new RegExp(`^studio-worker join ${url} \\S+$`));
  assert.match(await dialog.innerText(), /Good for 2 worker/);
  await picture(page, "join-code");
  await dialog.getByRole("button", { name: "Copy" }).click();
  await said(page, "Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command);
  await dialog.getByRole("button", { name: "Done" }).click();
  const code = command.split(" ").at(-1);
  await followed("the page shows who came with it", async () => (await register("guest", code))(), async () =>
    (await row(page, "guest").count()) === 1);
  silent(who);
});

test("a worker is paused, resumed and drained", async () => {
  await visit(page, `/workers/${ids.attic}`);
  await page.getByRole("heading", { name: "attic", level: 1 }).waitFor();
  const list = await who.tab("/workers");
  await followed("the list says paused", () => page.getByRole("button", { name: "Pause" }).click(), async () =>
    /paused/.test(await row(list, "attic").innerText()));
  await picture(page, "worker-paused");
  await followed("the list says it works again", () => page.getByRole("button", { name: "Resume" }).click(), async () =>
    !/paused/.test(await row(list, "attic").innerText()));
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await list.close();
  silent(who);
});

test("its name and its limits are changed", async () => {
  await visit(page, `/workers/${ids.attic}`);
  const tab = await who.tab(`/workers/${ids.attic}`);
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("dialog", { name: "Rename" }).getByLabel("Name").fill("loft");
  await picture(page, "worker-rename");
  await followed("the other tab has the name", () => page.getByRole("dialog", { name: "Rename" }).getByRole("button", { name: "Rename" }).click(), async () =>
    (await tab.getByRole("heading", { name: "loft", level: 1 }).count()) === 1);
  await named();

  await page.getByRole("button", { name: "Change", exact: true }).click();
  const limits = page.getByRole("dialog", { name: "Limits" });
  await limits.getByLabel("text", { exact: true }).check();
  await limits.getByLabel("Jobs at once").fill("1");
  await limits.getByLabel("Labels").fill("quiet, upstairs");
  await picture(page, "worker-limits");
  await followed("the other tab has the limits", () => limits.getByRole("button", { name: "Save" }).click(), async () =>
    /at most 1 jobs/.test(await tab.locator("#limits").innerText()));
  const { limits: kept } = await api("GET", `/workers/${ids.attic}`);
  assert.deepEqual([kept.kinds, kept.maxJobs, kept.labels], [["llm"], 1, ["quiet", "upstairs"]]);
  await api("PATCH", `/workers/${ids.attic}`, { limits: {} });
  await tab.close();
  silent(who);
});

test("what it does, has and says is there", async () => {
  await api("PATCH", `/workers/${ids.cellar}`, { paused: true });
  await visit(page, `/workers/${ids.attic}`);
  const [job] = await submit(pictureOf("a slow hill", { ms: 60_000 }));
  await page.locator("#jobs").getByRole("link", { name: "a slow hill" }).waitFor();
  await reached(job, "running");
  const bar = page.locator(`[data-job="${job}"] progress`);
  await until("it moves", async () => (await bar.getAttribute("value")) > 0);
  await picture(page, "worker", "all");
  await page.reload();
  assert.ok((await bar.getAttribute("value")) > 0, "a reload knows how far it is");
  await api("POST", `/jobs/${job}/cancel`, {});
  await page.locator(`#jobs [data-job="${job}"]`, { hasText: "cancelled" }).waitFor();
  await api("PATCH", `/workers/${ids.cellar}`, { paused: false });
  silent(who);
});

test("a model is loaded and unloaded from afar", async () => {
  await visit(page, `/workers/${ids.cellar}`);
  const models = page.locator("#models");
  const load = models.getByRole("button", { name: "Load synthetic-tts" });
  if ((await load.count()) === 1) {
    await load.click();
    await said(page, "The worker was asked");
  }
  await models.getByRole("button", { name: "Unload synthetic-tts" }).click();
  await models.getByRole("button", { name: "Load synthetic-tts" }).waitFor();
  silent(who);
});

test("a worker that is killed is offline, at once and everywhere", async () => {
  await visit(page, "/workers");
  const home = await who.tab("/");
  assert.match(await row(page, "cellar").innerText(), /online/);
  await followed("both tabs say so", () => process.kill(workers.cellar.pid, "SIGKILL"), async () =>
    /offline/.test(await row(page, "cellar").innerText()) && /is offline|are offline/.test(await home.locator("#attention").innerText()));
  await picture(page, "workers", "all");
  await home.close();
  silent(who);
});

test("a worker is sent home, and one is removed, when the question is answered", async () => {
  await visit(page, `/workers/${ids.attic}`);
  await page.getByRole("button", { name: "Drain" }).click();
  await page.locator("#confirm").getByText("Send attic home?").waitFor();
  await picture(page, "confirm");
  await page.keyboard.press("Escape");
  assert.equal((await api("GET", `/workers/${ids.attic}`)).draining, false);
  await page.getByRole("button", { name: "Drain" }).click();
  await answer(page, "Drain");
  await page.locator("#head").getByText(/draining|sent home/).waitFor();

  await page.goto(`/workers/${ids.cellar}`);
  const remove = page.getByRole("button", { name: "Remove" });
  await remove.click();
  await answer(page, "Keep it");
  await api("GET", `/workers/${ids.cellar}`);
  await remove.click();
  await answer(page, "Remove");
  await page.waitForURL("**/workers");
  assert.equal(await row(page, "cellar").count(), 0);
  silent(who);
});
