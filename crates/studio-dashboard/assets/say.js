// What is said to the person at the page: toasts, and questions before something is destroyed.

const GOOD_MS = 5_000;
const BAD_MS = 15_000;

/** @param {string} text @param {boolean} [bad] said at once, and longer */
export function toast(text, bad = false) {
  const place = document.getElementById(bad ? "errors" : "toasts");
  if (!place) return;
  const item = document.createElement("div");
  item.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "icon-button";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  close.addEventListener("click", () => item.remove());
  item.append(words, close);
  place.append(item);
  // A dialog makes the rest of the page unreachable: messages are shown above it.
  if (place.showPopover) {
    place.popover = "manual";
    if (place.matches(":popover-open")) place.hidePopover();
    place.showPopover();
  }
  setTimeout(() => item.remove(), bad ? BAD_MS : GOOD_MS);
}

/** @param {string} question @param {string} yes what the button says @returns {Promise<boolean>} */
export function ask(question, yes) {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("confirm"));
  const text = document.getElementById("confirm-text");
  const button = document.getElementById("confirm-yes");
  if (!dialog || !text || !button) return Promise.resolve(false);
  text.textContent = question;
  button.textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
