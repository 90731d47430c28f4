// The few things every part of the page does with the document. Texts go in as text, never as markup.

export const $ = (id) => document.getElementById(id);

// A new element. `attributes`: `on` holds listeners, true sets an empty attribute, null and false none.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Touch the document only where something changed: nothing flickers, nothing is read out twice.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const shown = new WeakMap();

// Put `build(value)` into `node`, unless it shows the same value already.
export function show(node, value, build) {
  const key = JSON.stringify(value);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  node.replaceChildren(...[build(value)].flat());
}

// A row of a definition list: a name, what it is, more about it in a quiet voice, and a picture of it.
export function pair(name, value, more = "", picture = null) {
  return el("div", {},
    el("dt", {}, name),
    el("dd", {}, el("span", { class: "value" }, value), more ? el("span", { class: "quiet" }, ` ${more}`) : null, picture));
}

// A share as a thin bar: an ornament, the figure beside it says the same.
export function bar(parts) {
  const drawn = svg("svg", { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawn.append(svg("rect", { class: "ground", x: 0, y: 0, width: 100, height: 4 }));
  let x = 0;
  for (const [name, share] of parts) {
    const width = Math.max(0, Math.min(100 - x, share * 100));
    drawn.append(svg("rect", { class: name, x, y: 0, width, height: 4 }));
    x += width;
  }
  return drawn;
}

let mayChange = false;

// What changes something is there for all to see, and waits for the token.
export function allowChanges(may) {
  mayChange = may;
  for (const each of document.querySelectorAll("[data-changes]")) each.disabled = !may;
}

export const changer = (attributes, ...children) =>
  el("button", { type: "button", "data-changes": true, disabled: !mayChange, ...attributes }, ...children);

// Ask in the page. Resolves to whether the answer was yes.
export function sure(title, text, yes) {
  const dialog = $("sure");
  say($("sure-title"), title);
  say($("sure-text"), text);
  say($("sure-yes"), yes);
  return new Promise((resolve) => {
    let answer = false;
    const done = new AbortController();
    const on = { signal: done.signal };
    $("sure-form").addEventListener("submit", (event) => {
      event.preventDefault();
      answer = true;
      dialog.close();
    }, on);
    $("sure-no").addEventListener("click", () => dialog.close(), on);
    dialog.addEventListener("close", () => {
      done.abort();
      resolve(answer);
    }, on);
    dialog.showModal();
    $("sure-no").focus();
  });
}
