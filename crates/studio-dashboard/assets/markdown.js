// Markdown as models write it, made of elements and text nodes: what a model says can never become markup.

/** Links lead to the web and nowhere else. */
const LINK = /^https?:\/\//i;
/** In the order in which they are tried: code, bold, italics, links. */
const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s][^*]*?)\*|\[([^\]]+)\]\(([^)\s]+)\)/;

/** @param {string} tag @param {...(Node | string)} children */
function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

/** @param {string} text @returns {(Node | string)[]} */
function inline(text) {
  const parts = [];
  let rest = text;
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    if (found.index > 0) parts.push(rest.slice(0, found.index));
    parts.push(span(found));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) parts.push(rest);
  return parts;
}

function span([whole, , code, bold, alsoBold, italic, words, href]) {
  if (code !== undefined) return element("code", code);
  if (bold ?? alsoBold) return element("strong", ...inline(bold ?? alsoBold));
  if (italic !== undefined) return element("em", ...inline(italic));
  if (!LINK.test(href)) return whole;
  const link = /** @type {HTMLAnchorElement} */ (element("a", words));
  link.href = href;
  link.rel = "noopener noreferrer nofollow";
  link.target = "_blank";
  return link;
}

/** Lines of one paragraph keep their ends. */
function lines(texts) {
  return texts.flatMap((text, at) => (at > 0 ? [element("br"), ...inline(text)] : inline(text)));
}

const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^(#{1,6})\s+(.*)/;
const BULLET = /^\s*[-*+]\s+(.*)/;
const NUMBER = /^\s*(\d+)[.)]\s+(.*)/;
const QUOTE = /^\s*>\s?(.*)/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const ROW_RULE = /^\s*\|[\s:|-]+\|\s*$/;

/** @param {string} text @returns {DocumentFragment} */
export function render(text) {
  const result = document.createDocumentFragment();
  const all = text.split("\n");
  let at = 0;
  /** Takes lines as long as they are of this kind. */
  const while_ = (kind) => {
    const taken = [];
    for (let found; at < all.length && (found = kind(all[at])) !== null; at += 1) taken.push(found);
    return taken;
  };
  while (at < all.length) {
    const line = all[at];
    if (line.trim() === "") at += 1;
    else if (FENCE.test(line)) result.append(code());
    else if (HEADING.test(line)) {
      const [, marks, words] = HEADING.exec(line);
      // The page has its own first and second headings.
      result.append(element(`h${Math.min(6, marks.length + 2)}`, ...inline(words)));
      at += 1;
    } else if (RULE.test(line)) {
      result.append(element("hr"));
      at += 1;
    } else if (BULLET.test(line)) {
      result.append(element("ul", ...while_((one) => BULLET.exec(one)?.[1] ?? null).map((item) => element("li", ...inline(item)))));
    } else if (NUMBER.test(line)) {
      const list = element("ol");
      list.start = Number(NUMBER.exec(line)[1]);
      list.append(...while_((one) => NUMBER.exec(one)?.[2] ?? null).map((item) => element("li", ...inline(item))));
      result.append(list);
    } else if (QUOTE.test(line)) {
      result.append(element("blockquote", ...lines(while_((one) => QUOTE.exec(one)?.[1] ?? null))));
    } else if (ROW.test(line) && ROW_RULE.test(all[at + 1] ?? "")) {
      result.append(table(while_((one) => (ROW.test(one) ? one : null))));
    } else {
      const plain = (one) => (one.trim() === "" || [FENCE, HEADING, BULLET, NUMBER, QUOTE].some((kind) => kind.test(one)) ? null : one);
      result.append(element("p", ...lines(while_(plain))));
    }
  }
  return result;

  function code() {
    const [, fence] = FENCE.exec(all[at]);
    at += 1;
    const body = while_((one) => (one.trim().startsWith(fence) ? null : one));
    at += 1;
    const made = element("pre", element("code", body.join("\n")));
    made.tabIndex = 0;
    return made;
  }
}

function table(rows) {
  const cells = (row) => ROW.exec(row)[1].split("|").map((cell) => cell.trim());
  const [head, , ...body] = rows;
  const made = element(
    "table",
    element("thead", element("tr", ...cells(head).map((cell) => element("th", ...inline(cell))))),
    element("tbody", ...body.map((row) => element("tr", ...cells(row).map((cell) => element("td", ...inline(cell)))))),
  );
  return made;
}
