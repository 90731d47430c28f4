// The phrases of the books: find one, hear it, see what became of it, say that it sounds wrong.

import { get, post, sentence, wording } from "./api.js";
import { $, changer, el, say, sure } from "./dom.js";
import { ask } from "./explain.js";
import { playButton } from "./player.js";
import { STATE_ORDER, age, bytes, clock, count, number, seconds, stateColour, stateMeaning, when } from "./words.js";

const AT_ONCE = 200; // rows, until somebody wants all
const UNKNOWN = ""; // the proxy had not told its summary yet

let phrases = [];
let loaded = null; // the proxy's summary when they were loaded; another one means that something changed
let summary = null;
let loading = false;
let broken = false; // whether it is said that they can't be shown
let all = false;
const rows = new Map(); // by phrase, language and speaker: its rows, and what they show

const isShown = () => !$("view-phrases").hidden;
const keyOf = (phrase) => [phrase.name, phrase.language, phrase.speaker].join("\n");

export function open() {
  load();
}

export function render(state) {
  summary = JSON.stringify(state.phrases);
  if (loaded === UNKNOWN) loaded = summary;
  if (isShown() && loaded !== null && summary !== loaded) load();
}

async function load() {
  if (loading) return;
  loading = true;
  const asked = summary;
  try {
    ({ phrases } = await get("phrases"));
    loaded = asked ?? UNKNOWN;
    say($("phrases-as-of"), `as of ${clock(Date.now())}`);
    if (broken) tell("");
    broken = false;
    const days = phrases[0]?.hit_days;
    say($("phrases-hits"), days ? `Hits, ${count(days, "day")}` : "Hits");
    states();
    list();
  } catch (error) {
    broken = true;
    tell(`The phrases can’t be shown. ${wording(error)}`);
  } finally {
    loading = false;
  }
}

function states() {
  const many = new Map();
  for (const { state } of phrases) many.set(state, (many.get(state) ?? 0) + 1);
  const chosen = $("phrases-state").value;
  const options = [...many].sort(([a], [b]) => STATE_ORDER.indexOf(a) - STATE_ORDER.indexOf(b))
    .map(([state, of]) => el("option", { value: state }, `${state} (${number(of)})`));
  $("phrases-state").replaceChildren(el("option", { value: "" }, `all (${number(phrases.length)})`), ...options);
  $("phrases-state").value = many.has(chosen) ? chosen : "";
}

// Every word has to be somewhere in the phrase.
function matching() {
  const words = $("phrases-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = $("phrases-state").value;
  return phrases.filter((phrase) => {
    if (state && phrase.state !== state) return false;
    const whole = [phrase.name, phrase.text, phrase.language, phrase.speaker, phrase.state].join(" ").toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}

const urgency = ({ state }) => ["bad", "due", ""].indexOf(stateColour(state));

function list() {
  const found = matching().sort((a, b) => urgency(a) - urgency(b));
  const shown = all ? found : found.slice(0, AT_ONCE);
  keepingFocus(() => $("phrases-table").tBodies[0].replaceChildren(...shown.flatMap(rowsOf)));
  $("phrases-table").hidden = found.length === 0;
  $("phrases-more").hidden = shown.length === found.length;
  say($("phrases-more"), `Show all ${number(found.length)}`);
  say($("phrases-count"), phrases.length === found.length ? count(found.length, "phrase") : `${number(found.length)} of ${count(phrases.length, "phrase")}`);
  $("phrases-empty").hidden = found.length > 0;
  say($("phrases-empty"), phrases.length
    ? "No phrase has all these words. Search takes parts of the name, the words, the language, the speaker and the state."
    : "No book yet: write one into the folder of phrase books (setting phrases.directory), and it is here within seconds.");
}

// Whoever is in the list with the keyboard stays at the same phrase, whatever became of its row.
function keepingFocus(change) {
  const focused = document.activeElement;
  const key = focused?.closest("#phrases-table tr")?.dataset.key;
  change();
  if (key === undefined || document.activeElement === focused) return;
  const back = focused.isConnected ? focused : rows.get(key)?.rows[0].querySelector(".disclosure");
  back?.focus({ preventScroll: true });
}

function rowsOf(phrase) {
  const key = keyOf(phrase);
  const known = rows.get(key);
  const data = JSON.stringify(phrase);
  if (known?.data === data) return known.rows;
  const made = build(phrase, known?.rows[1].hidden === false);
  for (const row of made) row.dataset.key = key;
  rows.set(key, { data, rows: made });
  return made;
}

const path = (recording, generation) =>
  `phrases/${encodeURIComponent(recording.key)}/audio${generation ? `?generation=${generation}` : ""}`;

// What callers hear of it; of what no caller hears yet, the newest.
function sounds({ recordings }) {
  const spoken = recordings.filter((each) => each.speaks !== null).map((each) => path(each));
  if (spoken.length) return spoken;
  return recordings.filter((each) => each.generations.length).map((each) => path(each, each.generations.at(-1)));
}

const tell = (text) => say($("phrases-said"), text);

let ids = 0;

function build(phrase, isOpen) {
  const id = `phrase-${(ids += 1)}`;
  const heard = sounds(phrase);
  const details = el("tr", { class: "details", id, hidden: true }, el("td", { colspan: 8 }));
  const name = `${phrase.name}, ${phrase.language}, ${phrase.speaker}`;
  const toggle = el("button", { type: "button", class: "disclosure", "aria-expanded": "false", "aria-controls": id }, phrase.name);
  const unfold = () => {
    details.hidden = !details.hidden;
    toggle.setAttribute("aria-expanded", String(!details.hidden));
    row.classList.toggle("unfolded", !details.hidden);
    if (!details.hidden && !details.cells[0].hasChildNodes()) details.cells[0].append(...inside(phrase));
  };
  toggle.addEventListener("click", unfold);
  const why = phrase.recordings.filter((each) => each.failed).flatMap((each) => each.failed.reasons);
  const state = el("span", { class: stateColour(phrase.state) || null }, phrase.state);
  const row = el("tr", { class: "phrase" },
    el("td", {}, playButton(name, heard, tell)),
    el("th", { scope: "row" }, toggle,
      el("span", { class: "words", lang: phrase.language }, phrase.text),
      el("span", { class: "narrow quiet" }, `${phrase.language}, ${phrase.speaker}, `, state.cloneNode(true)),
      why.length ? el("span", { class: "bad reason" }, [...new Set(why)].join("; ")) : null),
    el("td", { class: "roomy" }, phrase.language),
    el("td", { class: "roomy" }, phrase.speaker),
    el("td", { class: "state roomy" }, state,
      el("span", { class: "quiet" }, heardOf(phrase))),
    el("td", { class: "number roomy" }, phrase.age_s === null ? "–" : age(phrase.age_s)),
    el("td", { class: "number" }, number(phrase.hits)),
    el("td", { class: "number roomy" }, phrase.seconds === null ? "–" : seconds(phrase.seconds)));
  if (isOpen) unfold();
  return [row, details];
}

// Whether callers hear it, where that is not as its state has it.
function heardOf({ state, heard, wanted }) {
  if (heard < wanted) return ` ${heard} of ${count(wanted, "recording")} heard`;
  return state === "failed" ? " the one before is heard" : "";
}

function* inside(phrase) {
  const meaning = stateMeaning(phrase.state);
  if (meaning) yield el("p", {}, meaning);
  const facts = [
    phrase.made ? `made ${when(phrase.made)}` : "",
    phrase.takes > 1 ? `${phrase.takes} takes that take turns` : "",
    phrase.seconds === null ? "" : seconds(phrase.seconds),
    phrase.bytes === null ? "" : bytes(phrase.bytes),
    phrase.wanted ? `${number(phrase.heard)} of ${count(phrase.wanted, "recording")} can be heard` : "",
  ].filter(Boolean);
  yield el("p", { class: "quiet" }, facts.join(" · "), " ",
    el("button", { type: "button", class: "plain", on: { click: () => explain(phrase) } }, "Explain"));
  if (phrase.recordings.length === 0) return;
  yield el("p", { class: "hint", "data-hint": true }, document.querySelector("[data-hint]").textContent);
  yield el("ul", { class: "recordings" }, phrase.recordings.map((recording) => recordingOf(phrase, recording)));
}

function explain(phrase) {
  location.hash = "#explain";
  ask(phrase);
}

function recordingOf(phrase, recording) {
  const said = el("p", { role: "status", class: "said" });
  const tellHere = (text) => say(said, text);
  const { speaks, generations, failed } = recording;
  const facts = [
    recording.state,
    speaks === null ? "" : `callers hear generation ${speaks}`,
    recording.held ? "picked by hand" : "",
    recording.made ? `made ${when(recording.made)}` : "",
    recording.seconds === null ? "" : seconds(recording.seconds),
    count(recording.hits, "hit"),
  ].filter(Boolean).join(" · ");
  const others = generations.filter((each) => each !== speaks);
  const newer = generations.length > 0 && generations.at(-1) !== speaks;
  const pick = speaks === null ? "Let it be heard" : "Let the newest be heard";
  return el("li", {},
    playButton(recording.text, speaks === null ? [] : [path(recording)], tellHere),
    el("div", {},
      el("p", { lang: phrase.language }, recording.text),
      el("p", { class: "quiet" }, facts),
      failed ? el("p", { class: "bad" }, `Failed ${when(failed.when)}, ${count(failed.attempts, "attempt")}: ${failed.reasons.join("; ")}. ${speaks === null ? "Until it succeeds it is asked of the origin." : "What was heard before is heard still."}`) : null,
      others.length ? el("p", { class: "row others" }, el("span", { class: "quiet" }, speaks === null ? "Generations, heard by nobody yet:" : "Other generations:"),
        others.map((each) => el("span", { class: "pick" }, playButton(`generation ${each} of ${recording.text}`, [path(recording, each)], tellHere), String(each)))) : null,
      said),
    el("div", { class: "deed" },
      speaks === null ? null : changer({ class: "danger", "aria-label": `Sounds wrong: ${recording.text}`, on: { click: () => wrong(recording, tellHere) } }, "Sounds wrong …"),
      recording.held || newer ? changer({ "aria-label": `${pick}: ${recording.text}`, on: { click: () => newest(recording, tellHere) } }, pick) : null));
}

async function wrong(recording, tellHere) {
  const goesBack = recording.generations.some((each) => each < recording.speaks);
  const becomes = goesBack
    ? "Callers hear the generation before it from now on, until somebody lets the newest be heard."
    : "There is no older generation: it is purged, and made anew at once.";
  if (!await sure("Does it sound wrong?", `“${recording.text}” ${becomes}`, "It sounds wrong")) return;
  try {
    const { did, generation, says } = await post(`phrases/${encodeURIComponent(recording.key)}/wrong`, { made: recording.made });
    await load();
    tell(did === "went back" ? `Callers hear generation ${generation} of “${recording.text}” again.` : sentence(says));
  } catch (error) {
    tellHere(`Nothing was changed. ${wording(error)}`);
  }
}

async function newest(recording, tellHere) {
  try {
    const { generation } = await post(`phrases/${encodeURIComponent(recording.key)}/latest`);
    await load();
    tell(`Callers hear generation ${generation} of “${recording.text}” now.`);
  } catch (error) {
    tellHere(`Nothing was changed. ${wording(error)}`);
  }
}

// Show the one of this name, language and speaker.
export function find({ phrase, language, speaker }) {
  $("phrases-search").value = `${phrase} ${language} ${speaker}`;
  $("phrases-state").value = "";
  location.hash = "#phrases";
  search();
}

function search() {
  all = false;
  list();
}

$("phrases-search").addEventListener("input", search);
$("phrases-state").addEventListener("change", search);
$("phrases-form").addEventListener("submit", (event) => event.preventDefault());
$("phrases-again").addEventListener("click", load);
$("phrases-more").addEventListener("click", () => {
  all = true;
  list();
});
