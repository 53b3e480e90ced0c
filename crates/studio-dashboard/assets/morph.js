// Makes one piece of the page like another, changing only what differs: focus, open details and what somebody is
// typing stay.

/** Makes `old` like `fresh`. @param {Element} old @param {Element} fresh */
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  attributes(old, fresh);
  if (old instanceof HTMLTextAreaElement) {
    if (old.value === old.defaultValue) old.defaultValue = fresh.defaultValue;
  } else {
    children(old, fresh);
  }
}

/** What the page itself changes, and the studio does not know. */
function kept(element) {
  const names = (element.dataset?.keep ?? "").split(" ");
  if (element instanceof HTMLDetailsElement || element instanceof HTMLDialogElement) names.push("open");
  return names;
}

function attributes(old, fresh) {
  const keep = kept(old);
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !keep.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !keep.includes(name)) old.setAttribute(name, value);
  }
}

/** What makes a node the same one wherever it stands. */
function key(node) {
  return node instanceof Element ? node.id || node.dataset.key || node.dataset.job || "" : "";
}

function children(old, fresh) {
  const wanted = new Set([...fresh.children].map(key));
  /** @type {Map<string, Element>} */
  const keyed = new Map();
  for (const child of [...old.children]) {
    const name = key(child);
    if (!name) continue;
    // First, so that what stays does not have to move.
    if (wanted.has(name)) keyed.set(name, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const want of [...fresh.childNodes]) {
    const match = key(want) ? keyed.get(key(want)) : alike(at, want);
    if (!match || match.nodeName !== want.nodeName) {
      old.insertBefore(document.importNode(want, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else move(old, match, at);
    if (match instanceof Element) morph(match, /** @type {Element} */ (want));
    else if (match.data !== want.data) match.data = want.data;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** The next node from `at` on that can become `want`. */
function alike(at, want) {
  let node = at;
  while (node && (key(node) || node.nodeName !== want.nodeName)) node = node.nextSibling;
  return node;
}

function move(parent, node, before) {
  // Keeps the focus, where the browser can.
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}
