// What to add to the book: the texts that callers asked for most and no book says.

import { get, wording } from "./api.js";
import { $, el, say } from "./dom.js";
import { number, rupees } from "./words.js";

export async function open() {
  try {
    const { texts, yaml } = await get(`wanted?days=${$("wanted-days").value}`);
    $("wanted-full").hidden = texts.length === 0;
    $("wanted-empty").hidden = texts.length > 0;
    say($("wanted-empty"), "Nothing to add: in this time no text that is in no book was asked for twice.");
    $("wanted-table").tBodies[0].replaceChildren(...texts.map(row));
    $("wanted-yaml").value = yaml;
    say($("wanted-said"), "");
  } catch (error) {
    $("wanted-empty").hidden = false;
    say($("wanted-empty"), `It can’t be shown. ${wording(error)}`);
  }
}

function row({ text, language, speaker, asked, characters, rupees: cost }) {
  return el("tr", {},
    el("th", { scope: "row" }, el("span", { class: "words", lang: language }, text), el("span", { class: "narrow quiet" }, `${language}, ${speaker}`)),
    el("td", { class: "roomy" }, language),
    el("td", { class: "roomy" }, speaker),
    el("td", { class: "number" }, number(asked)),
    el("td", { class: "number roomy" }, number(characters)),
    el("td", { class: "number" }, rupees(cost)));
}

// Off loopback without TLS a page has no clipboard: then the text is selected, for the keyboard's own copy.
$("wanted-copy").addEventListener("click", async () => {
  const yaml = $("wanted-yaml");
  try {
    await navigator.clipboard.writeText(yaml.value);
    say($("wanted-said"), "Copied. Paste it into a book, and give the phrases better ids.");
  } catch {
    yaml.focus();
    yaml.select();
    say($("wanted-said"), "This browser does not let the page copy. It is selected: copy it with Ctrl-C (⌘C).");
  }
});

$("wanted-days").addEventListener("change", open);
