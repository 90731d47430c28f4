// One voice at a time: recordings are fetched, because a token may have to come along, and played in order.

import { sound, wording } from "./api.js";
import { $, el, svg } from "./dom.js";

const audio = $("player");
let current = null; // what is playing: its button, and how to end it

const icon = (name, path) => svg("svg", { class: name, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" }, svg("path", { d: path }));

// A button that plays the recordings at these paths, one after another; pressed again, it stops.
export function playButton(name, paths, tell) {
  const button = el("button", { type: "button", class: "play", "aria-pressed": "false", "aria-label": `Play ${name}`, disabled: paths.length === 0,
    title: paths.length ? null : "There is no recording yet" },
    icon("to-play", "M2 1l9 5-9 5z"), icon("to-stop", "M2 2h8v8H2z"));
  button.addEventListener("click", () => {
    const mine = current?.button === button;
    current?.stop.abort();
    if (!mine) play(button, paths, tell);
  });
  return button;
}

async function play(button, paths, tell) {
  const stop = new AbortController();
  current = { button, stop };
  button.setAttribute("aria-pressed", "true");
  tell("");
  try {
    for (const path of paths) await playOne(path, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) tell(`It can’t be played: ${wording(error)}`);
  } finally {
    button.setAttribute("aria-pressed", "false");
    if (current?.button === button && current.stop === stop) current = null;
  }
}

async function playOne(path, signal) {
  const url = URL.createObjectURL(await sound(path, { signal }));
  try {
    await new Promise((resolve, reject) => {
      const on = { signal };
      audio.addEventListener("ended", resolve, { once: true, ...on });
      audio.addEventListener("error", () => reject(new Error("it is no sound that this browser knows")), { once: true, ...on });
      signal.addEventListener("abort", () => {
        audio.pause();
        reject(signal.reason);
      });
      audio.src = url;
      audio.play().catch(reject);
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
