// What a night has made, what it has not made and why, and what it cost.

import { get, wording } from "./api.js";
import { $, el, pair, say } from "./dom.js";
import { find } from "./phrases.js";
import { at, count, day, number, rupees, seconds } from "./words.js";

const NAMED = 50;

let nights = null;
let running = null;

export async function open() {
  try {
    ({ nights } = await get("nights"));
    choices();
    report();
  } catch (error) {
    $("nights-empty").hidden = false;
    say($("nights-empty"), `The nights can’t be shown. ${wording(error)}`);
  }
}

export function render({ night }) {
  say($("nights-next"), night.running ? "A night is running now; its report is here when it is over." : night.next ? `The next one begins ${at(night.next)}.` : "No night is planned.");
  const isOver = running && !night.running;
  running = night.running;
  if (isOver && !$("view-nights").hidden) open();
}

function choices() {
  const which = $("nights-which");
  const chosen = which.value;
  which.replaceChildren(...nights.map(({ name, report: of }) => el("option", { value: name }, of?.book ? `${name}: the book ${of.book}` : name)));
  which.hidden = nights.length === 0;
  if (nights.some(({ name }) => name === chosen)) which.value = chosen;
  $("nights-empty").hidden = nights.length > 0;
  say($("nights-empty"), "No night yet. The first report is here after the first one; “Run the night” under Controls does not wait for it.");
}

function report() {
  const night = nights.find(({ name }) => name === $("nights-which").value);
  $("nights-report").replaceChildren(...(night ? page(night) : []));
}

function* page({ report: of, text }) {
  if (of === null) {
    yield el("p", { class: "bad" }, text);
    return;
  }
  yield el("h2", { class: "large" }, `${of.book ? `The book ${of.book}, ` : ""}${day(of.began)}`);
  yield el("dl", { class: "pairs columns" }, ...figures(of));
  yield* listed("Not made", of.failed, "What was heard before is heard still; what is new is asked of the origin.", (each) => [
    who(each), el("span", { class: "words", lang: each.language }, each.text), el("span", { class: "bad reason" }, each.reasons.join("; "))]);
  yield* listed("Made", of.made, "", (each) => [
    who(each), el("span", { class: "words", lang: each.language }, each.text),
    el("span", { class: "quiet reason" }, `generation ${each.generation}, ${seconds(each.seconds)}${each.speaks ? "" : "; waits until somebody picks it"}`)]);
  yield* listed("Promoted", of.promoted, "Of no book, and kept from now on for as long as somebody asks.", (each) => [
    el("span", {}, el("strong", {}, each.language), ` ${each.speaker}`), el("span", { class: "words", lang: each.language }, each.text),
    el("span", { class: "quiet reason" }, `asked ${count(each.asked, "time")}, ${number(each.missed)} of these of the origin`)]);
  yield el("details", {}, el("summary", {}, "The page, as it lies in the data folder"), el("pre", { tabindex: "0" }, text));
}

function* figures(of) {
  yield pair("Made", number(of.made.length), waiting(of.made));
  yield pair("Not made", number(of.failed.length), of.failed.length ? "see below" : "");
  if (of.skipped) yield pair("Left for another night", number(of.skipped), of.stopped ?? "the budget is spent");
  yield pair("Cost", rupees(of.rupees), count(of.characters, "character"));
  if (of.book !== null) return;
  yield pair("Heard from the books", count(of.heard, "time"), `${rupees(of.heard_rupees)} not spent`);
  yield pair("Promoted", number(of.promoted.length), of.saved_rupees ? `saves ${rupees(of.saved_rupees)} a day` : "");
  yield pair("No longer promoted", number(of.demoted));
  yield pair("Forgotten", number(of.retired), "that no book says any more");
  yield pair("Cleared away", number(of.discarded), "too old");
  yield pair("Verified", number(of.checked), of.bad ? `${number(of.bad)} of them bad, and removed` : "all of them whole");
}

function waiting(made) {
  const many = made.filter((each) => !each.speaks).length;
  return many ? `${number(many)} of these ${many === 1 ? "waits" : "wait"} until somebody picks ${many === 1 ? "it" : "them"}` : "";
}

// Its name leads to where it can be heard.
const who = (each) => el("span", {},
  el("button", { type: "button", class: "name-of", on: { click: () => find(each) } }, each.phrase), ` ${each.language} ${each.speaker}`);

function* listed(title, items, about, line) {
  if (items.length === 0) return;
  yield el("h2", {}, `${title} `, el("span", { class: "quiet" }, number(items.length)));
  if (about) yield el("p", { class: "quiet" }, about);
  const rows = items.map((each) => el("li", {}, ...line(each)));
  yield el("ul", { class: "lines" }, rows.slice(0, NAMED));
  if (rows.length > NAMED) {
    yield el("details", {}, el("summary", {}, `and ${number(rows.length - NAMED)} more`), el("ul", { class: "lines" }, rows.slice(NAMED)));
  }
}

$("nights-which").addEventListener("change", report);
