// From the fields of a form to JSON, and from a problem of the API back to the field that it is about.

/**
 * Fields become keys; `a.b` is a key within a key, `a[]` a list of ticked boxes. What is empty is left out unless
 * `data-empty` says `null` or `keep`. `data-root` on a JSON field puts its keys beside the others.
 * @param {HTMLFormElement} form @returns {Record<string, unknown>}
 */
export function fieldsOf(form) {
  /** @type {Record<string, unknown>} */
  const body = {};
  for (const field of form.elements) {
    const { name, type, disabled } = /** @type {HTMLInputElement} */ (field);
    if (disabled || type === "file" || (!name && !("root" in field.dataset)) || "skip" in field.dataset) continue;
    if (name.endsWith("[]")) {
      if (field.checked) put(body, name.slice(0, -2), [...(read(body, name.slice(0, -2)) ?? []), field.value]);
    } else if (type === "checkbox") {
      put(body, name, field.checked);
    } else if (type !== "radio" || field.checked) {
      const value = valueOf(field);
      if ("root" in field.dataset) Object.assign(body, value);
      else if (value !== undefined) put(body, name, value);
    }
  }
  return body;
}

/** What is wrong with one field, before the API is asked. */
export class FieldProblem extends Error {
  /** @param {string} field @param {string} detail */
  constructor(field, detail) {
    super(detail);
    this.field = field;
  }
}

function valueOf(field) {
  const text = field.value.trim();
  if (text === "") return { null: null, keep: "" }[field.dataset.empty];
  switch (field.dataset.type) {
    case "number":
      return Number(text);
    case "bool":
      return text === "true";
    case "list":
      return text.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
    case "time":
      return new Date(text).toISOString();
    case "json":
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new FieldProblem(field.name, `This is not JSON: ${error.message}`);
      }
    default:
      return field.type === "password" ? field.value : text;
  }
}

function read(body, name) {
  return name.split(".").reduce((at, key) => at?.[key], body);
}

function put(body, name, value) {
  const path = name.split(".");
  const last = path.pop();
  let at = body;
  for (const key of path) at = at[key] ??= {};
  // A JSON field beside fields for some of its keys: those win.
  at[last] = isObject(at[last]) && isObject(value) ? { ...value, ...at[last] } : value;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Says at the field what is wrong with it, or with a part of it; whether there is such a field.
 * @param {HTMLFormElement} form @param {string | undefined} name @param {string} detail
 */
export function blame(form, name, detail) {
  // `task.loras[0].weight` may be told of the field `task`, which holds all of it.
  const parts = (name ?? "").split(/[.[]/);
  const holders = parts.map((_, at) => parts.slice(0, parts.length - at).join("."));
  const fields = [...form.elements].filter((field) => field.type !== "hidden" && field.type !== "submit");
  const named = (wanted) => fields.find((field) => wanted && field.name.replace("[]", "") === wanted);
  const field = holders.map(named).find(Boolean) ?? (name && fields.find((field) => "root" in field.dataset));
  if (!field?.id) return false;
  const error = document.createElement("small");
  error.className = "error";
  error.id = `${field.id}-error`;
  // One field may stand for many keys: then the key is said too.
  error.textContent = field.name.replace("[]", "") === name ? detail : `${name}: ${detail}`;
  (field.closest(".field, .check") ?? field).append(error);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${error.id} ${field.getAttribute("aria-describedby") ?? ""}`.trim());
  field.focus();
  return true;
}

/** Takes back what `blame` said. @param {ParentNode} form */
export function forgive(form) {
  for (const error of form.querySelectorAll(".error")) error.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const rest = (field.getAttribute("aria-describedby") ?? "").replace(`${field.id}-error`, "").trim();
    if (rest) field.setAttribute("aria-describedby", rest);
    else field.removeAttribute("aria-describedby");
  }
}
