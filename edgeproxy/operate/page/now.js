// The first view: do callers wait, what does it cost, is the origin there.

import { $, bar, el, pair, say, show } from "./dom.js";
import { Plot, WINDOW_MS, sign } from "./plot.js";
import { BREAKER, GROUPS, VERDICT_ORDER, bytes, clock, count, group, groupOf, ms, number, percent, rupees, sinceMidnight, verdict } from "./words.js";

const LAST_TURNS = 8;

const plot = new Plot($("plot"));
let turns = []; // of the last five minutes, oldest first
let kept = []; // the last few, however old

// Another process of the proxy counts its turns anew.
export function restart() {
  turns = [];
  kept = [];
  plot.clear();
}

export function render(state) {
  const now = Date.parse(state.now);
  turns = [...turns, ...state.turns].filter((turn) => turn.at >= now - WINDOW_MS);
  kept = [...kept, ...state.turns].slice(-LAST_TURNS);
  const figures = byGroup(state.first_audio.by_verdict);
  plot.draw(state.turns, now, Object.fromEntries(Object.entries(figures).map(([name, each]) => [name, each.median])));
  firstAudio(figures);
  empty(state);
  today(state);
  origin(state.origin);
  store(state.store);
  verdicts(state.first_audio.by_verdict);
  lastTurns();
}

// Of each group: turns, median and 95th percentile. The proxy's figures where one verdict is all of it.
function byGroup(byVerdict) {
  const groups = {};
  for (const name of Object.keys(GROUPS)) {
    const here = turns.filter((turn) => groupOf(turn) === name);
    const heard = here.map((turn) => turn.wait_ms).filter((value) => value !== null).sort((a, b) => a - b);
    const told = Object.entries(byVerdict).filter(([each]) => group(each) === name);
    const one = name !== "error" && told.length === 1 ? told[0][1] : null;
    groups[name] = {
      turns: here.length,
      median: one?.p50_ms ?? quantile(heard, 0.5),
      most: one?.p95_ms ?? quantile(heard, 0.95),
    };
  }
  return groups;
}

const quantile = (sorted, share) => (sorted.length ? sorted[Math.ceil(share * sorted.length) - 1] : null);

function firstAudio(figures) {
  const all = Object.values(figures).reduce((sum, each) => sum + each.turns, 0);
  show($("figures"), [figures, all], () =>
    Object.entries(GROUPS).map(([name, title]) => {
      const { turns: many, median, most } = figures[name];
      const isError = name === "error";
      const about = isError
        ? many ? `of ${count(all, "turn")}` : all ? `in ${count(all, "turn")}` : ""
        : many > 1 ? `median of ${count(many, "turn")}; 95 % within ${ms(most)}` : many ? "one turn" : "no turn in five minutes";
      return el("div", { class: `${name}${many ? "" : " none"}`, "data-group": name },
        el("dt", {}, sign(name), title),
        el("dd", {}, el("span", { class: "big" }, isError ? number(many) : ms(median)), el("span", { class: "quiet" }, about)));
    }));
}

function empty(state) {
  const nothing = turns.length === 0;
  $("plot-empty").hidden = !nothing;
  if (!nothing) return;
  const last = kept.at(-1);
  say($("plot-empty"), last
    ? `No turn in the last five minutes; the last one was at ${clock(last.at)}.`
    : `No turn yet: point an agent at ${state.url}, or try: edgeproxy say 'Good morning!' --url ${state.url}`);
  if (state.turns.length === 0 && state.seq > 0 && !last) say($("plot-empty"), "No turn in the last five minutes.");
}

function today({ today: figures, cache }) {
  say($("today-since"), sinceMidnight(figures.since, figures.zone));
  show($("today"), [figures, cache], () => {
    const { turns: all, turns_from_cache: known } = figures;
    const rows = [
      pair("Turns wholly from cache", percent(known, all), all ? `${number(known)} of ${number(all)}` : "none yet",
        bar([["cache", all ? known / all : 0]])),
      pair("Characters from cache", percent(figures.characters_from_cache, figures.characters),
        figures.characters ? `${number(figures.characters_from_cache)} of ${number(figures.characters)}` : "none yet",
        bar([["cache", figures.characters ? figures.characters_from_cache / figures.characters : 0]])),
      pair("Saved", rupees(figures.rupees_saved), `${count(figures.characters_from_cache, "character")} not paid for again`),
      pair("Spent", rupees(figures.rupees_spent), spentOn(figures)),
    ];
    if (cache === "shadow" || figures.shadow_segments) {
      rows.unshift(
        pair("In shadow", percent(figures.shadow_would, figures.shadow_segments),
          `of ${count(figures.shadow_segments, "segment")} would have come from the cache`),
        pair("Segments from cache", percent(figures.segments_from_cache, figures.segments),
          `${number(figures.segments_from_cache)} of ${number(figures.segments)}`));
    }
    return rows;
  });
}

function spentOn(figures) {
  const asked = count(figures.characters_asked, "character");
  return figures.characters_behind ? `${asked}, ${number(figures.characters_behind)} of them ahead of callers: phrases and renewals` : asked;
}

function origin({ url, problem, pools }) {
  say($("origin-url"), url.replace(/^https?:\/\//, ""));
  const waiting = pools.reduce((sum, pool) => sum + pool.waiting, 0);
  const word = problem ?? (waiting ? `${count(waiting, "caller waits", "callers wait")} for a session.` : pools.length ? "It answers; no caller waits for a session." : "Nothing was asked of it yet.");
  say($("origin-word"), word);
  $("origin-word").className = `lead ${problem ? "bad" : waiting ? "due" : ""}`;
  show($("pools").tBodies[0], pools, () =>
    pools.map((pool) => {
      const bad = pool.problem || pool.breaker !== "closed";
      return el("tr", {},
        el("th", { scope: "row" }, pool.account === "own" ? "the proxy’s own" : pool.account, " ", el("span", { class: "quiet" }, pool.model)),
        el("td", { class: bad ? "bad" : null }, pool.problem ?? BREAKER[pool.breaker] ?? pool.breaker, coming(pool)),
        el("td", { class: `number ${pool.waiting ? "due" : ""}` }, number(pool.waiting)),
        el("td", { class: "number" }, number(pool.leased)),
        el("td", { class: "number" }, number(pool.idle)),
        el("td", { class: "number roomy" }, `${number(pool.held)} of ${number(pool.ceiling)}`));
    }));
  $("pools").hidden = pools.length === 0;
}

function coming({ dialling, resting }) {
  const more = [dialling ? `${dialling} opening` : "", resting ? `${resting} resting` : ""].filter(Boolean).join(", ");
  return more ? el("span", { class: "quiet" }, `, ${more}`) : null;
}

function store(state) {
  say($("store-word"), state.problem ?? "In order.");
  $("store-word").className = `lead ${state.problem ? "bad" : ""}`;
  show($("store"), state, () => [
    pair("Phrases", bytes(state.pinned_bytes), count(state.pinned_records, "recording")),
    pair("Kept for now", bytes(state.dynamic_bytes), `of ${bytes(state.quota_bytes)}; ${count(state.dynamic_records, "recording")}`,
      bar([["quietly", state.quota_bytes ? state.dynamic_bytes / state.quota_bytes : 0]])),
    pair("In memory", bytes(state.memory_bytes), `of ${bytes(state.memory_limit_bytes)}; ${count(state.memory_clips, "recording")}`,
      bar([["quietly", state.memory_limit_bytes ? state.memory_bytes / state.memory_limit_bytes : 0]])),
    pair("Free on the disk", state.free_bytes === null ? "not known" : bytes(state.free_bytes)),
  ]);
}

function verdicts(byVerdict) {
  const rows = Object.entries(byVerdict).sort(([a], [b]) => VERDICT_ORDER.indexOf(a) - VERDICT_ORDER.indexOf(b));
  show($("verdicts").tBodies[0], rows, () =>
    rows.length
      ? rows.map(([name, each]) => el("tr", {},
        el("th", { scope: "row", class: "signed" }, sign(group(name)), verdict(name)),
        el("td", { class: "number" }, number(each.turns)),
        el("td", { class: "number" }, ms(each.p50_ms)),
        el("td", { class: "number" }, ms(each.p95_ms))))
      : [el("tr", {}, el("td", { colspan: 4, class: "quiet" }, "No turn in the last five minutes."))]);
}

function lastTurns() {
  show($("turns").tBodies[0], kept, () =>
    kept.length
      ? kept.toReversed().map((turn) => el("tr", {},
        el("td", {}, clock(turn.at)),
        el("td", { class: "signed" }, sign(groupOf(turn)), became(turn)),
        el("td", { class: "number" }, ms(turn.wait_ms)),
        el("td", { class: "number roomy" }, number(turn.characters)),
        el("td", { class: "roomy" }, turn.door)))
      : [el("tr", {}, el("td", { colspan: 5, class: "quiet" }, "No turn yet."))]);
}

function became(turn) {
  const end = { error: "failed: ", left: "caller left: " }[turn.outcome] ?? "";
  if (turn.would) return `${end}in shadow; it would be ${verdict(turn.would)}`;
  const isMixed = turn.from_cache > 0 && turn.from_cache < turn.segments;
  return `${end}${verdict(turn.verdict)}${isMixed ? `; ${number(turn.segments - turn.from_cache)} of ${count(turn.segments, "segment")} asked of the origin` : ""}`;
}
