// What changes the proxy. Each answers in one sentence what has happened, or that nothing has.

import { post, put, sentence, wording } from "./api.js";
import { $, say, sure } from "./dom.js";
import { at } from "./words.js";

const choices = $("cache-switch").querySelectorAll("button");

const tell = (text) => say($("controls-said"), text);

export function render({ cache, night }) {
  for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.value === cache));
  say($("do-night-word"), night.running ? "One is running now." : night.next ? `The next one begins ${at(night.next)} by itself.` : "");
}

async function change(what, said) {
  try {
    const answer = await what();
    tell(typeof said === "function" ? said(answer) : said);
  } catch (error) {
    tell(`Nothing was changed. ${wording(error)}`);
  }
}

const CACHE_NOW = {
  on: "The cache is on.",
  off: "The cache is off: every turn is asked of the origin from now on.",
  shadow: "The cache is in shadow: every turn is asked of the origin, and what would have come from the cache is counted.",
};

for (const choice of choices) {
  choice.addEventListener("click", () => change(() => put("cache", { cache: choice.value }), CACHE_NOW[choice.value]));
}

$("do-reload").addEventListener("click", () => change(() => post("reload"), "The books are read again; what is new is made behind the callers’ backs."));
$("do-night").addEventListener("click", () => change(() => post("night"), "The night has begun. Its report is under Nights when it is over."));

$("do-drain").addEventListener("click", async () => {
  const text = "It takes no new callers, lets the running turns finish, and ends. Whoever watches over the process starts it again, or nobody does.";
  if (await sure("Drain this proxy?", text, "Drain it")) await change(() => post("drain"), "It drains: no new callers, and it ends after the running turns.");
});

const KINDS = { text: ["Text", "the text"], prefix: ["Beginning of the text", "all texts that begin with"], phrase: ["Name of the phrase", "the phrase"] };

$("purge-kind").addEventListener("change", () => say($("purge-label"), KINDS[$("purge-kind").value][0]));

$("purge").addEventListener("submit", async (event) => {
  event.preventDefault();
  const kind = $("purge-kind").value;
  const value = $("purge-value").value;
  const soft = $("purge-soft").checked;
  const becomes = soft ? "It is heard until a new recording is there." : "It is gone at once and can’t be brought back; what a book says is made anew.";
  if (!await sure("Purge?", `This is about ${KINDS[kind][1]} “${value}”. ${becomes}`, soft ? "Purge softly" : "Purge")) return;
  await change(() => post("purge", { [kind]: value, soft }), ({ says }) => sentence(says));
});
