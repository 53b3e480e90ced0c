// What every browser test needs: a browser, somebody who is signed in, and eyes for what must never happen.

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const url = process.env.STUDIO_URL;
const adminKey = process.env.STUDIO_ADMIN_KEY;
const pictures = process.env.STUDIO_SCREENSHOTS;

/** A debug build on a busy machine. */
export const SOON = 20_000;
/** What a second tab may take to follow: the promise of the dashboard. */
export const A_SECOND = 1_000;

export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
const LOOKS = [
  ["desk", DESK, "light"],
  ["desk", DESK, "dark"],
  ["phone", PHONE, "light"],
  ["phone", PHONE, "dark"],
];

/** The account that looks and acts in most tests. */
export const ADMIN = { name: "ada", role: "admin", password: "correct horse battery" };
/** Somebody who may only look. */
export const VIEWER = { name: "vera", role: "viewer", password: "only looking around" };

/** The fleet's workers by name: their process ids, and who they are at the studio once they have joined. */
export const workers = JSON.parse(process.env.STUDIO_WORKERS ?? "{}");

/** Asks the studio's own API as its administrator. */
export async function api(method, path, body) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Waits for a condition and returns what it found. */
export async function until(what, holds, limit = SOON) {
  const end = performance.now() + limit;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(performance.now() < end, `not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Tests run as root in a container; the pages are our own.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}

/** A browser profile of its own whose pages may not complain about anything. */
export async function someone(browser, options = {}, complaints = []) {
  const context = await browser.newContext({ baseURL: url, viewport: DESK, ...options });
  context.setDefaultTimeout(SOON);
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.page()?.url()}: ${message.text()}`);
  });
  context.on("weberror", (error) => complaints.push(`${error.page()?.url()}: ${error.error()}`));
  return { context, complaints };
}

/** Fails when a page has said something: an error of a script, a resource that is not there, the content policy. */
export function silent({ complaints }, allowed = []) {
  const heard = complaints.splice(0).filter((text) => !allowed.some((pattern) => pattern.test(text)));
  assert.deepEqual(heard, []);
}

export async function signIn(page, { name, password } = ADMIN) {
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((at) => !at.pathname.startsWith("/sign-in"));
}

/** A browser with somebody in it who has an account: one page, and more tabs when they are asked for. */
export async function signedIn(browser, account = ADMIN, options = {}) {
  const { items } = await api("GET", "/users");
  if (!items.some(({ name }) => name === account.name)) await api("POST", "/users", account);
  const who = await someone(browser, options);
  const page = await who.context.newPage();
  if (options.javaScriptEnabled !== false) await signIn(page, account);
  else await signInPlainly(page, account);
  /** Another window of theirs, which follows the studio already; a tab behind this one would be slowed down. */
  const tab = async (path) => {
    const window = await someone(browser, { storageState: await who.context.storageState() }, who.complaints);
    const other = await window.context.newPage();
    await visit(other, path);
    return other;
  };
  return { ...who, page, tab };
}

async function signInPlainly(page, { name, password }) {
  await page.goto("/sign-in");
  await page.fill("#name", name);
  await page.fill("#password", password);
  await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.click("button[type=submit]")]);
}

/** Opens a page and waits until its event stream has begun: from then on it has to follow. */
export async function visit(page, path) {
  const stream = page.waitForResponse((answer) => answer.url().includes("/api/v1/events?types"));
  await page.goto(path);
  await stream;
}

/** Waits for a message of the page. */
export async function said(page, text) {
  await page.locator(".toast", { hasText: text }).first().waitFor();
}

/** Gives the workers the names that the tests know: each came with that of the machine. */
export async function named() {
  const joined = Object.entries(workers).filter(([, { id }]) => id);
  for (const [name, { id }] of joined) await api("PATCH", `/workers/${id}`, { name });
  return Object.fromEntries(joined.map(([name, { id }]) => [name, id]));
}

/** Asks to join as a machine of which there is nothing but the request; `code` is a join code. */
export async function register(machineName, code) {
  const secret = randomBytes(32).toString("hex");
  const capabilities = {
    machineName, username: "", agentVersion: "0.1.0", engine: "multi", vramTotalGb: 8, vramThresholdGb: 8,
    autoEnabled: true, autoStart: false, autoUpdate: false, startMinimised: false, onlyWhenIdle: false,
    supportedModels: ["synthetic"], taskKinds: ["image"], modelEngines: ["synthetic"],
  };
  const body = {
    installId: randomUUID(), registrationSecretHash: createHash("sha256").update(secret).digest("hex"), capabilities,
    userAgent: "studio-worker/0.1.0", joinCode: code,
  };
  const ask = async (path, more) => {
    const answer = await fetch(`${url}/graphics/api/workers/${path}`, more);
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  };
  const headers = { "content-type": "application/json" };
  const { requestId } = await ask("register-request", { method: "POST", headers, body: JSON.stringify(body) });
  /** What was decided. */
  return () => ask(`register-requests/${requestId}`, { headers: { authorization: `Bearer ${secret}` } });
}

/** Answers the question that is asked before something is destroyed. */
export async function answer(page, button) {
  await page.locator("#confirm").getByRole("button", { name: button, exact: true }).click();
}

/** Fails unless something is seen in another tab within a second of the act that causes it. */
export async function followed(what, act, seen) {
  await act();
  const begun = performance.now();
  await until(what, seen, A_SECOND).catch(async (late) => {
    const found = await until(what, seen).then(() => `it came after ${Math.round(performance.now() - begun)} ms`, () => "it never came");
    throw new Error(`${late.message}: ${found}`);
  });
}

/** A picture as a job: small, and slow when `ms` says so. */
export function pictureOf(prompt, { ms = 0, ...more } = {}) {
  const { task, ...rest } = more;
  const delay = ms > 0 ? ` [[delay=${ms}]]` : "";
  return { model: "synthetic", task: { kind: "image", prompt: prompt + delay, width: 256, height: 256, ext: "png", ...task }, assetName: prompt.replace(/ *\[\[.*/, ""), ...rest };
}

/** Submits jobs and returns their ids. */
export async function submit(...jobs) {
  const ids = [];
  for (const job of jobs) ids.push((await api("POST", "/jobs", job)).id);
  return ids;
}

/** Waits until a job is in `state`. */
export function reached(id, state) {
  return until(`${id} is ${state}`, async () => {
    const job = await api("GET", `/jobs/${id}`);
    return job.state === state && job;
  });
}

/** WCAG A and AA, by axe. */
export async function accessible(page) {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const told = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  assert.deepEqual(told, [], page.url());
}

/** Nothing sticks out to the side. */
export async function fits(page) {
  const { wide, inside } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    inside: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= inside, `${page.url()} is ${wide} px wide in ${inside} px`);
}

/**
 * Looks at a state: nothing sticks out, and axe finds nothing, at both sizes and in both colours. Kept as pictures
 * where STUDIO_SCREENSHOTS says: all four of a page as it mostly is, one of other states.
 * @param {"all" | "desk" | "phone"} kept
 */
export async function picture(page, name, kept = "desk", hasScripts = true) {
  for (const [size, viewport, colorScheme] of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await fits(page);
    // Contrast is a matter of colours, names and roles of neither: one look each is enough for a state that is rare.
    const isLookedAt = kept === "all" || (size === "desk") === (colorScheme === "light");
    // axe is a script itself.
    if (hasScripts && isLookedAt) await accessible(page);
    const isKept = kept === "all" || (kept === size && colorScheme === "light");
    if (pictures && isKept) {
      mkdirSync(pictures, { recursive: true });
      const file = kept === "all" ? `${name}-${size}-${colorScheme}.png` : `${name}.png`;
      await page.screenshot({ path: join(pictures, file), animations: "disabled" });
    }
  }
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: "light" });
}
