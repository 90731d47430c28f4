// What would become of a text, and why: segment by segment.

import { get, post, wording } from "./api.js";
import { $, el, say } from "./dom.js";
import { sign } from "./plot.js";
import { age, group, seconds, verdict, when } from "./words.js";

// The same for a phrase of a book.
export function ask({ text, language, speaker }) {
  $("explain-text").value = text;
  $("explain-language").value = language;
  $("explain-speaker").value = speaker;
  $("explain-form").requestSubmit();
}

// What the books are spoken in is offered; anything else may be written.
export async function open() {
  try {
    const { phrases } = await get("phrases");
    for (const [id, field] of [["explain-languages", "language"], ["explain-speakers", "speaker"]]) {
      const offered = [...new Set(phrases.map((phrase) => phrase[field]))].sort();
      $(id).replaceChildren(...offered.map((value) => el("option", { value })));
    }
  } catch {
    // It is only an offer.
  }
}

// The fields that were filled in. Raises Error for what is no number, or no JSON.
function asked() {
  const body = { text: $("explain-text").value, language: $("explain-language").value.trim() };
  const speaker = $("explain-speaker").value.trim();
  if (speaker) body.speaker = speaker;
  for (const field of document.querySelectorAll("#explain-form [data-field]")) {
    const value = field.value.trim();
    if (!value) continue;
    if ("number" in field.dataset && Number.isNaN(Number(value))) throw new Error(`“${value}” is no number.`);
    body[field.dataset.field] = "number" in field.dataset ? Number(value) : value;
  }
  const other = $("explain-other").value.trim();
  if (!other) return body;
  let fields = null;
  try {
    fields = JSON.parse(other);
  } catch {
    // Said below, as for any other value that is none.
  }
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) throw new Error('Other fields are a JSON object, such as {"pitch": 0.1}.');
  return { ...body, ...fields };
}

$("explain-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  say($("explain-said"), "Asking …");
  try {
    const explanation = await post("explain", asked());
    const { segments } = explanation;
    const known = segments.filter((each) => group(each.verdict) === "cache").length;
    say($("explain-said"), segments.length === 1
      ? `One segment, ${verdict(segments[0].verdict)}.`
      : segments.length ? `It is spoken in ${segments.length} segments, ${known} of them from the cache.` : "There is nothing to say in it.");
    $("explain-answer").replaceChildren(el("ol", { class: "segments" }, segments.map((each) => segment(each, explanation.voice))), voice(explanation.voice));
  } catch (error) {
    $("explain-answer").replaceChildren();
    say($("explain-said"), wording(error));
  }
});

function segment(each, { language }) {
  return el("li", { "data-verdict": each.verdict },
    el("p", { class: "spoken", lang: language }, each.text),
    el("p", { class: "lead" }, sign(group(each.verdict)), el("strong", {}, verdict(each.verdict)),
      each.book ? [", as ", el("strong", {}, each.book), " of the books"] : null),
    el("ul", { class: "why" }, each.why.map((why) => el("li", {}, why))),
    each.record ? record(each.record) : null,
    each.phrase?.asked || each.phrase?.written ? phrase(each.phrase) : null,
    each.near.length ? near(each.near) : null,
    each.key ? el("details", {}, el("summary", {}, "Identity"), el("p", { class: "code" }, each.key), el("pre", { tabindex: "0" }, JSON.stringify(each.identity, null, 2))) : null);
}

function record({ namespace, made, age_s: old, seconds: long, kept }) {
  return el("p", { class: "quiet" }, `Recorded ${when(made)}, ${age(old)} ago; ${seconds(long)}; kept ${kept}; ${whose(namespace)}`);
}

function whose(namespace) {
  if (namespace === "books" || namespace.startsWith("books:")) return "of the phrase books";
  return namespace ? `for the clients of ${namespace}` : "of no client in particular";
}

// Both texts one above the other: what they share quietly, where they part in colour.
function phrase({ name, language, speaker, same, asked: ours, written, differs }) {
  const line = (who, rest) => [
    el("dt", {}, who),
    el("dd", { lang: language }, el("span", { class: "same" }, same), rest ? el("mark", {}, rest) : el("mark", { class: "end" }, "ends here")),
  ];
  return el("div", { class: "near-phrase" },
    el("p", {}, "The books have nearly this as ", el("strong", {}, name), `, ${language}, ${speaker}. The texts part at the mark:`),
    el("dl", {}, ...line("asked", ours), ...line("in the book", written)),
    differs?.length ? differences(differs) : null);
}

const FRACTIONS = new Set(["pace", "temperature", "pitch", "loudness"]);

function value(field, given) {
  if (given === null || given === undefined) return "nothing";
  if (FRACTIONS.has(field) && Number.isInteger(given)) return given.toFixed(1);
  return typeof given === "string" ? given : JSON.stringify(given);
}

function near(records) {
  return el("table", {},
    el("caption", {}, "The same text is kept in other ways"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Made"), el("th", { scope: "col" }, "What is different"))),
    el("tbody", {}, records.map((each) => el("tr", {},
      el("td", {}, when(each.made)),
      el("td", {}, differences(each.differs))))));
}

const differences = (differs) =>
  el("ul", {}, differs.map(({ field, asked: want, kept }) =>
    el("li", {}, el("strong", {}, field), `: asked ${value(field, want)}, kept ${value(field, kept)}`)));

function voice(fields) {
  return el("details", {}, el("summary", {}, "The voice, as the proxy understood it"), el("pre", { tabindex: "0" }, JSON.stringify(fields, null, 2)));
}
