// A studio without any account: the link, the first account, signing in and out, and who is kept out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN, api, launch, picture, silent, someone, until, url } from "./lib.mjs";

let browser, who, page, link;

before(async () => {
  browser = await launch();
  who = await someone(browser);
  page = await who.context.newPage();
  link = (await api("POST", "/set-up/link", {})).path;
});
after(() => browser.close());

test("without the link nobody gets in", async () => {
  await page.goto("/workers");
  await page.waitForURL("**/set-up");
  await page.getByText("studio users set-up-link").waitFor();
  await picture(page, "set-up-without-link");
  await page.goto("/set-up?token=made-up");
  await page.getByRole("alert").filter({ hasText: "This link is not good" }).waitFor();
  assert.equal(await page.locator("input[name=password]").count(), 0);
  silent(who, [/status of 403/]);
});

test("the link makes the first account, once", async () => {
  await page.goto(link);
  await picture(page, "set-up");
  await page.getByLabel("Name").fill(ADMIN.name);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Make the account" }).click();
  // The browser asks for ten characters; nothing was sent.
  assert.equal(await page.locator("#password:invalid").count(), 1);
  await page.getByLabel("Password").fill("passwordpassword");
  await page.getByRole("button", { name: "Make the account" }).click();
  const refused = page.getByRole("alert").first();
  await refused.waitFor();
  assert.equal(await page.getByLabel("Name").inputValue(), ADMIN.name, "what was typed is there again");
  await picture(page, "set-up-refused");
  silent(who, [/status of 4\d\d/]);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.waitForURL(`${url}/`);
  await page.getByRole("heading", { name: "Three steps to the first picture" }).waitFor();
  await picture(page, "home-new");
  silent(who);

  const other = await someone(browser);
  const late = await other.context.newPage();
  await late.goto(link);
  await late.waitForURL("**/sign-in");
  await other.context.close();
});

test("signing out and in", async () => {
  await page.locator("details.menu > summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await picture(page, "sign-in");
  await page.goBack();
  await page.goto("/jobs?state=failed");
  await page.waitForURL((at) => at.pathname === "/sign-in" && at.searchParams.get("next") === "/jobs?state=failed");
  await page.getByLabel("Name").fill(ADMIN.name);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: /password/ }).waitFor();
  await picture(page, "sign-in-refused");
  silent(who, [/status of 401/]);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/jobs?state=failed");
  silent(who);
});

test("a session that ended elsewhere leads to the sign-in, and back", async () => {
  await page.goto("/models");
  const tab = await who.context.newPage();
  await tab.goto("/settings/account");
  await tab.locator("details.menu > summary").click();
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.waitForURL("**/sign-in");
  await tab.close();
  // Whatever is done next finds out.
  await page.getByRole("button", { name: "Disable synthetic-chat" }).click();
  await page.waitForURL((at) => at.pathname === "/sign-in" && at.searchParams.get("next") === "/models");
  await page.getByLabel("Name").fill(ADMIN.name);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/models");
  await page.getByRole("button", { name: "Disable synthetic-chat" }).waitFor();
  silent(who, [/status of 401/]);
});

test("an address that nobody has says so, inside and outside", async () => {
  await page.goto("/no-such-page");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await picture(page, "not-found");
  await page.goto("/jobs/job-nobody");
  await page.getByText("job-nobody").first().waitFor();
  silent(who, [/status of 404/]);
  const stranger = await someone(browser);
  const outside = await stranger.context.newPage();
  await outside.goto("/no-such-page");
  await outside.waitForURL(/\/sign-in/);
  await stranger.context.close();
});

test("who guesses passwords has to wait", async () => {
  const stranger = await someone(browser);
  const guess = await stranger.context.newPage();
  await guess.goto("/sign-in");
  const told = guess.getByRole("alert").filter({ hasText: "wait" });
  await until("the studio asks to wait", async () => {
    await guess.getByLabel("Name").fill("mallory");
    await guess.getByLabel("Password").fill("another guess of many");
    await guess.getByRole("button", { name: "Sign in" }).click();
    await guess.getByRole("alert").first().waitFor();
    return (await told.count()) > 0;
  });
  assert.match(await told.textContent(), /wait \d+ s/);
  await picture(guess, "sign-in-wait");
  silent(stranger, [/status of 4(01|29)/]);
  // Who is in stays in.
  await page.goto("/");
  await page.getByRole("heading", { name: "Home" }).waitFor();
  silent(who);
});
