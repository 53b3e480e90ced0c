// The list of jobs with a long queue, while jobs change all the time: how soon it shows, and how smoothly it runs.
//
//   cargo build --release -p studio
//   cd bench/browser && npm ci && node jobs.mjs ../../target/release/studio
//
// Changes are priorities, cancels and submissions over the API; the page hears of each by its event stream. "far":
// anywhere in the queue, as a busy fleet would; "near": on the rows that the page shows, the worst that can be.

import { chromium } from "playwright-core";
import { fill, start } from "./studio.mjs";

const JOBS = Number(process.env.JOBS ?? 50_000);
const CHANGES_PER_SECOND = Number(process.env.CHANGES ?? 200);
const SECONDS = Number(process.env.DURATION ?? 20);
/** Loads of the page, of which the median counts. */
const LOADS = 5;
/** Where Debian has its chromium. */
const BROWSER = process.env.BROWSER ?? "/usr/bin/chromium";
/** What must hold. */
const MOST_FIRST_CONTENT_MS = 1_500;
const LEAST_FPS = 40;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const quantile = (numbers, part) => numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))];

/** Milliseconds from the begin of the navigation to the first content, and to the rows being there. */
async function load(context, url) {
  const page = await context.newPage();
  await page.goto(`${url}/jobs`, { waitUntil: "load" });
  await page.locator(".job-row").first().waitFor();
  const times = await page.evaluate(() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN;
    const [navigation] = performance.getEntriesByType("navigation");
    return { paint, loaded: navigation.domContentLoadedEventEnd, bytes: navigation.transferSize };
  });
  await page.close();
  return times;
}

/** Counts frames and what the page hears, until `stop`. */
async function watch(page) {
  await page.evaluate(() => {
    const seen = { frames: [], events: 0, long: [] };
    globalThis.seen = seen;
    document.addEventListener("studio:event", () => (seen.events += 1));
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    const frame = (now) => {
      seen.frames.push(now);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  return () => page.evaluate(() => globalThis.seen);
}

/** So many changes a second, whatever each of them takes. */
async function change(studio, seconds, pick) {
  const open = new Set();
  /** Cancelled, and not retried yet. */
  const cancelled = [];
  let [made, refused] = [0, 0];
  const next = (number) => {
    if (number % 20 === 0) {
      const id = pick();
      return studio.call("POST", `/api/v1/jobs/${id}/cancel`, {}).then(() => cancelled.push(id));
    }
    if (number % 20 === 10 && cancelled.length > 0) return studio.call("POST", `/api/v1/jobs/${cancelled.shift()}/retry`);
    if (number % 20 === 15) return studio.call("POST", "/api/v1/jobs", { model: "synthetic", task: { kind: "image", prompt: "new" } });
    return studio.call("PATCH", `/api/v1/jobs/${pick()}`, { priority: number % 1_000 });
  };
  const begun = performance.now();
  while (performance.now() - begun < seconds * 1_000) {
    const due = Math.floor(((performance.now() - begun) / 1_000) * CHANGES_PER_SECOND);
    for (; made < due; made += 1) {
      // Some meet a job that is cancelled just then: that is no change.
      const settled = next(made).catch(() => (refused += 1)).finally(() => open.delete(settled));
      open.add(settled);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(open);
  return (made - refused) / ((performance.now() - begun) / 1_000);
}

async function run(studio, context, ids, where) {
  const page = await context.newPage();
  await page.goto(`${studio.url}/jobs`);
  await page.locator(".job-row").first().waitFor();
  const stop = await watch(page);
  const near = ids.slice(-100);
  const random = (list) => list[Math.floor(Math.random() * list.length)];
  const rate = await change(studio, SECONDS, () => random(where === "near" ? near : ids));
  const { frames, events, long } = await stop();
  await page.close();
  const gaps = frames.slice(1).map((now, at) => now - frames[at]);
  const seconds = (frames.at(-1) - frames[0]) / 1_000;
  return {
    where,
    changesPerSecond: Math.round(rate),
    eventsPerSecond: Math.round(events / seconds),
    fps: Math.round((gaps.length / seconds) * 10) / 10,
    frameP95Ms: Math.round(quantile(gaps, 0.95) * 10) / 10,
    frameMaxMs: Math.round(Math.max(...gaps)),
    longTasks: long.length,
  };
}

const studio = await start(process.argv[2] ?? "../../target/release/studio");
let failed = false;
try {
  const ids = await fill(studio, JOBS);
  const browser = await chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: { Authorization: `Bearer ${studio.key}` } });
  const loads = [];
  for (let at = 0; at < LOADS; at += 1) loads.push(await load(context, studio.url));
  const first = median(loads.map((one) => one.paint));
  console.log(`jobs ${JOBS}  first content ${Math.round(first)} ms  document ready ${Math.round(median(loads.map((one) => one.loaded)))} ms  page ${Math.round(loads[0].bytes / 1_000)} kB`);
  failed ||= !(first <= MOST_FIRST_CONTENT_MS);
  for (const where of ["far", "near"]) {
    const told = await run(studio, context, ids, where);
    console.log(Object.entries(told).map(([name, value]) => `${name} ${value}`).join("  "));
    failed ||= !(told.fps >= LEAST_FPS);
  }
  await browser.close();
} finally {
  await studio.stop();
}
if (failed) {
  console.error(`not within: first content <= ${MOST_FIRST_CONTENT_MS} ms, >= ${LEAST_FPS} fps`);
  process.exitCode = 1;
}
