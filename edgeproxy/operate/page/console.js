// The page as a whole: which part is shown, one question a second while somebody looks, and the token.

import { forget, get, keep, plausible, session, token, wording } from "./api.js";
import * as controls from "./controls.js";
import { $, allowChanges, el, say, show } from "./dom.js";
import * as explain from "./explain.js";
import * as nights from "./nights.js";
import * as now from "./now.js";
import * as phrases from "./phrases.js";
import * as wanted from "./wanted.js";
import { CACHE, clock, number, when, zone } from "./words.js";

const EVERY_MS = 1000;
const LONGEST_MS = 10_000; // for an answer
const PATIENCE_MS = [1000, 2000, 5000]; // between tries while the proxy can't be reached

const VIEWS = { now, phrases, nights, wanted, explain, controls };

let view = "now";
let after = 0; // the last turn the page knows
let started = null;
let timer = 0;
let asking = null; // the one question that is in flight
let failures = 0;
let reached = null; // when the proxy last answered
let locked = false; // reading needs a token that nobody has given yet

// ---- one question a second -------------------------------------------------------------------------

async function poll() {
  clearTimeout(timer);
  if (asking || document.hidden || locked) return;
  asking = new AbortController();
  let again = false;
  const late = setTimeout(() => asking.abort(new TypeError("no answer")), LONGEST_MS);
  try {
    const state = await get(`state?after=${after}`, { signal: asking.signal });
    if (started !== null && state.started !== started && after > 0) {
      // Another process: its turns are counted from 1.
      after = 0;
      now.restart();
      timer = setTimeout(poll, 0);
    } else {
      after = Math.max(after, state.seq);
      timer = setTimeout(poll, EVERY_MS);
      render(state);
    }
    started = state.started;
    failures = 0;
    reached = Date.now();
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
    else again = true;
  } finally {
    clearTimeout(late);
    asking = null;
  }
  if (again) poll();
}

function failed(error) {
  if (error.status === 401) {
    // Without the token that is refused it may still answer.
    if (error.withToken) timer = setTimeout(poll, 0);
    else lock();
    return;
  }
  timer = setTimeout(poll, PATIENCE_MS[Math.min(failures, PATIENCE_MS.length - 1)]);
  failures += 1;
  const since = reached === null ? "." : ` since ${clock(reached)}; what stands here is from then.`;
  const unreachable = error instanceof TypeError ? `Can’t reach the proxy${since}` : wording(error);
  status("bad", unreachable);
  document.title = "(!) edgeproxy";
  document.body.classList.add("old");
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    asking?.abort();
  } else poll();
});

// ---- what every part shows --------------------------------------------------------------------------

function render(state) {
  document.body.classList.remove("old");
  say($("version"), state.version);
  say($("started"), `This proxy runs since ${when(state.started)}.`);
  const { status: word, problems } = state;
  const bad = word !== "ready" || problems.length > 0;
  status(bad ? "bad" : "good", {
    ready: problems.length ? "Ready, but something is wrong." : "Ready. No problem.",
    degraded: "Degraded: what is known is spoken, the rest may fail.",
    draining: "Draining: no new callers, running turns finish.",
  }[word] ?? word);
  show($("problems"), problems, () => problems.map((problem) => el("li", {}, problem)));
  const note = CACHE[state.cache];
  $("cache-note").hidden = !note;
  if (note) {
    say($("cache-word"), note[0]);
    say($("cache-meaning"), note[1]);
  }
  document.title = `${bad ? "(!) " : ""}edgeproxy`;
  const due = state.phrases.by_state.failed ?? 0;
  show($("nav-phrases"), due, () => (due ? [` ${number(due)}`, el("span", { class: "roomy" }, " failed")] : []));
  allow(state.may_change, state.can_change);
  for (const each of Object.values(VIEWS)) each.render?.(state);
  if (token() !== null && !state.may_change) refused();
}

function status(mark, text) {
  $("status").className = `status ${mark}`;
  say($("status-text"), text);
}

// ---- the token -------------------------------------------------------------------------------------

function allow(may, can) {
  allowChanges(may);
  $("token-button").hidden = !can && !locked && !may;
  say($("token-button"), may ? "Forget token" : "Enter token");
  const hint = may ? "" : can
    ? "Changing something needs the admin token: “Enter token”, at the top."
    : "This proxy has no admin token (setting admin.token), so nothing can be changed from here.";
  for (const each of document.querySelectorAll("[data-hint]")) say(each, hint);
}

function lock() {
  const first = !locked;
  locked = true;
  clearTimeout(timer);
  status("bad", "Reading needs the admin token here: “Enter token”, at the top.");
  $("token-button").hidden = false;
  say($("token-button"), "Enter token");
  if (first && !$("token-dialog").open) enter("This proxy can be reached from other machines, so the page needs its admin token even to look.");
}

function enter(why) {
  if (why) say($("token-why"), why);
  say($("token-wrong"), "");
  $("token-input").value = "";
  $("token-dialog").showModal();
  $("token-input").focus();
}

async function tryToken(given) {
  if (!plausible(given)) return "That is not the token of this proxy: a token has no spaces and only plain letters and signs.";
  try {
    const state = await get(`state?after=${after}`, { as: given });
    if (!state.may_change) {
      return state.can_change ? "That is not the token of this proxy. It is forgotten." : "This proxy has no admin token (setting admin.token).";
    }
  } catch (error) {
    return error.status === 401 ? "That is not the token of this proxy. It is forgotten." : wording(error);
  }
  keep(given);
  return null;
}

$("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = await tryToken($("token-input").value.trim());
  if (wrong === null) {
    $("token-dialog").close();
    locked = false;
    refresh();
    return;
  }
  $("token-input").value = "";
  say($("token-wrong"), wrong);
  $("token-input").focus();
});

$("token-cancel").addEventListener("click", () => $("token-dialog").close());

$("token-button").addEventListener("click", () => {
  if (token() === null) enter();
  else {
    forget();
    location.reload(); // and what it let somebody read is gone with it
  }
});

function refused() {
  forget();
  if (!$("token-dialog").open) enter("The proxy does not take the token any more; it is forgotten. Enter the new one to go on changing things.");
}

session.addEventListener("refused", () => {
  refused();
  refresh();
});

// Ask at once, and again what the part in view shows.
function refresh() {
  if (asking) asking.abort();
  else poll();
  VIEWS[view].open?.();
}

// ---- parts -----------------------------------------------------------------------------------------

function go(name) {
  view = name;
  for (const each of Object.keys(VIEWS)) $(`view-${each}`).hidden = each !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  VIEWS[name].open?.();
}

window.addEventListener("hashchange", () => {
  const name = location.hash.slice(1);
  if (!(name in VIEWS)) return;
  go(name);
  window.scrollTo(0, 0);
  $(`${name}-title`).focus({ preventScroll: true });
});

$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (view !== "phrases") {
    history.pushState(null, "", "#phrases");
    go("phrases");
  }
  $("phrases-search").focus();
});

allowChanges(false);
say($("zone"), zone);
const first = location.hash.slice(1);
go(first in VIEWS ? first : "now");
poll();
