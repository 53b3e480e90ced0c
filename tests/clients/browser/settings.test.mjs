// Settings: people, keys, projects, webhooks, how long things are kept, who did what.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { ADMIN, answer, api, followed, launch, named, picture, pictureOf, reached, said, signedIn, signIn, silent, submit, until, url, visit } from "./lib.mjs";

let browser, who, page;

before(async () => {
  browser = await launch();
  await named();
  who = await signedIn(browser, ADMIN, { permissions: ["clipboard-read", "clipboard-write"] });
  page = who.page;
});
after(() => browser.close());

const row = (of, name) => of.locator("ul.rows > li", { hasText: name });
const save = (dialog) => dialog.getByRole("button", { name: "Save" }).first().click();

/** A secret is shown once: reads it, copies it, and closes the window. */
async function readOnce(dialogName) {
  const dialog = page.getByRole("dialog", { name: dialogName });
  const secret = await dialog.locator("code").textContent();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await said(page, "Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  return { dialog, secret };
}

test("people come with a role, and a password that is shown once", async () => {
  await visit(page, "/settings/users");
  const tab = await who.tab("/settings/users");
  await page.getByRole("button", { name: "Add somebody" }).first().click();
  const add = page.getByRole("dialog", { name: "Add somebody" });
  await add.getByLabel("Name").fill("grace");
  await add.getByLabel("Role").selectOption("viewer");
  await picture(page, "settings-user-add");
  await followed("the other tab has her", () => add.getByRole("button", { name: "Add", exact: true }).click(), async () => (await row(tab, "grace").count()) === 1);
  const { dialog, secret } = await readOnce("Their password");
  await picture(page, "settings-user-password");
  await dialog.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: "Add somebody" }).first().click();
  await add.getByLabel("Name").fill("grace");
  await add.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator(".error, .toast.bad").filter({ hasText: /grace/ }).waitFor();
  await page.keyboard.press("Escape");
  silent(who, [/status of 409/]);

  const grace = await signedIn(browser, { name: "grace", password: secret });
  assert.equal(await grace.page.getByRole("link", { name: "Playground" }).count(), 0);
  await row(page, "grace").getByRole("button", { name: "Change" }).click();
  const change = page.getByRole("dialog", { name: "grace" });
  await change.getByLabel("Role").selectOption("operator");
  await save(change);
  await said(page, "Saved");
  // Another role is another session.
  await grace.page.reload();
  await signIn(grace.page, { name: "grace", password: secret });
  await grace.page.getByRole("link", { name: "Playground", exact: true }).waitFor();
  await picture(page, "settings-users", "all");

  await visit(grace.page, "/workers");
  await row(page, "grace").getByRole("button", { name: "Keep out grace" }).click();
  await followed("the other tab says disabled", () => answer(page, "Keep out"), async () => /disabled/.test(await row(tab, "grace").innerText()));
  await grace.page.goto("/jobs");
  await grace.page.waitForURL(/\/sign-in/);
  silent(grace, [/status of 401|ERR_INCOMPLETE/]);
  await grace.page.getByLabel("Name").fill("grace");
  await grace.page.getByLabel("Password", { exact: true }).fill(secret);
  await grace.page.getByRole("button", { name: "Sign in" }).click();
  await grace.page.getByRole("alert").waitFor();
  await row(page, "grace").getByRole("button", { name: "Let in grace" }).click();
  await until("she may come back", async () => (await api("GET", "/users")).items.some(({ name, disabled }) => name === "grace" && !disabled));
  await signIn(grace.page, { name: "grace", password: secret });
  await row(page, "grace").getByRole("button", { name: "Remove grace" }).click();
  await answer(page, "Remove");
  await until("she is gone", async () => (await row(page, "grace").count()) === 0);
  await grace.context.close();
  await tab.close();
  silent(who);
});

test("a key is shown once, works, and is revoked", async () => {
  await visit(page, "/settings/keys");
  const tab = await who.tab("/settings/keys");
  await page.getByRole("button", { name: "Make a key" }).first().click();
  const make = page.getByRole("dialog", { name: "Make a key" });
  await make.getByLabel("Name").fill("render script");
  await make.getByLabel("Good for").selectOption({ label: "30 days" });
  await picture(page, "settings-key-add");
  await followed("the other tab has it", () => make.getByRole("button", { name: "Make it" }).click(), async () => (await row(tab, "render script").count()) === 1);
  const { dialog, secret } = await readOnce("The key");
  await picture(page, "settings-key-secret");
  await dialog.getByRole("button", { name: "I have it" }).click();
  await page.reload();
  assert.equal((await page.content()).includes(secret), false, "it is shown once");
  const use = () => fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await use()).status, 200);
  await page.reload();
  await row(page, "render script").getByText(/used/).waitFor();
  await picture(page, "settings-keys");
  await page.getByRole("button", { name: "Revoke render script" }).click();
  await followed("the other tab forgets it", () => answer(page, "Revoke"), async () => (await row(tab, "render script").count()) === 0);
  assert.equal((await use()).status, 401);
  await tab.close();
  silent(who);
});

test("projects have weights and quotas", async () => {
  await visit(page, "/settings/projects");
  const tab = await who.tab("/settings/projects");
  await page.getByRole("button", { name: "Add a project" }).first().click();
  const add = page.getByRole("dialog", { name: "Add a project" });
  await add.getByLabel("Name").fill("film");
  await add.getByLabel("Weight").fill("2");
  await followed("the other tab has it", () => add.getByRole("button", { name: "Add", exact: true }).click(), async () => (await row(tab, "film").count()) === 1);
  await row(page, "film").getByRole("button", { name: "Change" }).click();
  const change = page.getByRole("dialog", { name: "film" });
  await change.getByLabel("Weight").fill("3.5");
  await change.getByLabel("Jobs that may wait").fill("1");
  await change.getByLabel("Jobs that may run at once").fill("1");
  await picture(page, "settings-project");
  await followed("the other tab has the numbers", () => save(change), async () => /weight 3.5[^]*at most 1[^]*at most 1/.test(await row(tab, "film").innerText()));
  await submit(pictureOf("a long scene", { ms: 30_000, project: "film" }));
  const running = await until("one runs", async () => (await api("GET", "/jobs?project=film&state=running")).items[0]);
  await submit(pictureOf("the next scene", { project: "film" }));
  await assert.rejects(submit(pictureOf("one too many", { project: "film" })), /429/);
  await until("the page counts them", async () => /1 wait[^]*1 run/.test(await row(page, "film").innerText()));
  await picture(page, "settings-projects");
  await api("POST", `/jobs/${running.id}/cancel`, {});
  await tab.close();
  silent(who);
});

test("a webhook is told, and its log says so", async () => {
  const heard = [];
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      heard.push({ signature: request.headers["webhook-signature"], body: JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${receiver.address().port}/told`;
  await visit(page, "/settings/webhooks");
  await page.getByText("No webhooks").waitFor();
  await page.getByRole("button", { name: "Add a webhook" }).first().click();
  const add = page.getByRole("dialog", { name: "Add a webhook" });
  await add.getByLabel("Address").fill("ftp://example.com");
  await add.getByRole("button", { name: "Add", exact: true }).click();
  await add.locator(".error").waitFor();
  await picture(page, "settings-webhook-problem");
  await add.getByLabel("Address").fill(address);
  await add.getByRole("button", { name: "Add", exact: true }).click();
  const { dialog, secret } = await readOnce("Its secret");
  assert.match(secret, /^whsec_/);
  await dialog.getByRole("button", { name: "I have it" }).click();
  silent(who, [/status of 4\d\d/]);

  await page.getByRole("button", { name: `Test ${address}` }).click();
  await until("the test arrives", () => heard.length === 1);
  await page.getByRole("link", { name: address }).click();
  await page.waitForURL(/webhooks\/hook-/);
  await page.locator("#deliveries").getByText("delivered").waitFor();
  const [id] = await submit(pictureOf("a told hill"));
  await reached(id, "done");
  await until("the end of the job arrives", () => heard.find(({ body }) => body.type === "job.done"));
  assert.ok(heard.every(({ signature }) => signature?.startsWith("v1,")));
  await until("the log says so", async () => (await page.locator("#deliveries li").count()) === 2 && (await page.locator("#deliveries").getByText("delivered").count()) === 2);
  await picture(page, "settings-deliveries");
  await page.goto("/settings/webhooks");
  await page.getByRole("button", { name: `Disable ${address}` }).click();
  await row(page, address).getByText("disabled").waitFor();
  await picture(page, "settings-webhooks");
  await page.getByRole("button", { name: `Remove ${address}` }).click();
  await answer(page, "Remove");
  await page.getByText("No webhooks").waitFor();
  receiver.close();
  silent(who);
});

test("retention is set, after a question", async () => {
  await visit(page, "/settings/retention");
  const tab = await who.tab("/settings/retention");
  await row(page, "film").getByRole("button", { name: "Change" }).click();
  const change = page.getByRole("dialog", { name: "film" });
  await change.getByLabel("Days for results").fill("30");
  await save(change);
  await page.locator("#confirm").getByText("Delete what is older").waitFor();
  await answer(page, "Keep it");
  assert.equal((await api("GET", "/projects/film")).keepArtefactsDays ?? null, null);
  await save(change);
  await followed("the other tab has it", () => answer(page, "Save"), async () => /30 days/.test(await row(tab, "film").innerText()));
  await picture(page, "settings-retention");
  await tab.close();
  silent(who);
});

test("one's own password", async () => {
  const person = await signedIn(browser, { name: "lin", role: "submitter", password: "the first of two" });
  const { page: own } = person;
  await own.goto("/settings/account");
  await picture(own, "settings-account");
  await own.getByLabel("The one you have").fill("not the first");
  await own.getByLabel("The new one").fill("the second of two");
  await own.getByRole("button", { name: "Change", exact: true }).click();
  await own.locator(".error, .toast.bad").first().waitFor();
  await own.getByLabel("The one you have").fill("the first of two");
  await own.getByLabel("The new one").fill("the second of two");
  await own.getByRole("button", { name: "Change", exact: true }).click();
  await said(own, "Your password is changed");
  await own.goto("/jobs");
  assert.equal(new URL(own.url()).pathname, "/jobs", "the session goes on");
  silent(person, [/status of 4\d\d/]);
  const again = await signedIn(browser, { name: "lin", password: "the second of two" });
  await again.context.close();
  await person.context.close();
});

test("the audit log says who did what", async () => {
  await page.goto("/settings/audit");
  const log = page.locator("#audit");
  await log.locator("li", { hasText: "lin" }).filter({ hasText: "sign-in" }).first().waitFor();
  for (const what of [/\/users/, /\/keys/, /\/projects\/film|film/, /\/webhooks/]) {
    assert.ok((await log.locator("li", { hasText: ADMIN.name }).filter({ hasText: what }).count()) > 0, `${what}`);
  }
  assert.equal(/whsec_|correct horse|sk-studio/.test(await log.innerText()), false, "no secrets");
  await picture(page, "settings-audit");
  await page.getByLabel("Who").fill("lin");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/actor=lin/);
  const actors = await log.locator("li strong").allInnerTexts();
  assert.ok(actors.length > 0 && actors.every((actor) => actor === "lin"), actors.join());
  silent(who);
});
