// Keeps `<time data-ago>` fresh: "5 min ago" becomes "6 min ago" without asking the studio.

const EVERY_MS = 5_000;
const UNITS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];

/** The clocks of the studio and of this machine may differ. @type {number} */
let ahead = 0;

/** @param {number} ms how long ago @returns {string} */
export function ago(ms) {
  if (ms >= 0 && ms < 5_000) return "now";
  const [size, unit] = UNITS.find(([size]) => Math.abs(ms) >= size) ?? [1_000, "s"];
  const text = `${Math.floor(Math.abs(ms) / Number(size))} ${unit}`;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

function refresh() {
  const now = Date.now() + ahead;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(now - Date.parse(time.getAttribute("datetime") ?? ""));
    if (time.textContent !== text) time.textContent = text;
  }
}

/** @param {string | null} date the `Date` header of an answer that has just come */
export function learnClock(date) {
  const theirs = Date.parse(date ?? "");
  // A header counts whole seconds: smaller differences are no differences.
  if (!Number.isNaN(theirs) && Math.abs(theirs - Date.now()) > 2_000) ahead = theirs - Date.now();
}

setInterval(refresh, EVERY_MS);
document.addEventListener("studio:refreshed", refresh);
