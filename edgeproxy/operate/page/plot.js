// Five minutes of turns: x is time, y the wait for the first audio on a log scale, shape and colour what it came from.

import { svg } from "./dom.js";
import { clock, groupOf, ms, verdict } from "./words.js";

export const WINDOW_MS = 300_000;
const LEAST_MS = 0.1;
const MOST_MS = 5000;
const TICKS = [0.1, 1, 10, 100, 1000, 5000];
const HEIGHT = 332;
const LEFT = 62;
const RIGHT = 14;
const LANE = 36; // above the scale: turns that have no first audio
const BOTTOM = 26;
const MOST_DOTS = 4000;
const REBASE_MS = 3_600_000; // a display that runs for months still draws with small numbers

const SHAPES = {
  cache: "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0",
  origin: "M0-4.6L4.4 3.4H-4.4Z",
  error: "M-4-4L4 4M4-4L-4 4",
  pause: "M-3 0H3",
};

// The sign of a group, as it stands in the plot; for legends.
export const sign = (group) =>
  svg("svg", { class: "sign", viewBox: "-6 -6 12 12", width: 14, height: 14, "aria-hidden": "true" },
    svg("path", { class: `dot ${group}`, d: SHAPES[group] }));

const y = (value) => {
  const share = Math.log(Math.min(MOST_MS, Math.max(LEAST_MS, value)) / LEAST_MS) / Math.log(MOST_MS / LEAST_MS);
  return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - LANE);
};

export class Plot {
  #root = svg("svg", { height: HEIGHT, role: "img", "aria-label": "First audio of each turn in the last five minutes" });
  #grid = svg("g", { class: "grid" });
  #medians = svg("g", { class: "medians" });
  #dots = svg("g", { class: "dots" });
  #drawn = new Map(); // by seq: a turn and its dot
  #begin = 0; // where x is 0, in the proxy's milliseconds
  #now = 0;
  #width = 0;
  #levels = {}; // the medians, by group

  #clip = svg("rect", { x: LEFT - 5, y: 0, width: 0, height: HEIGHT });

  constructor(place) {
    this.#root.append(svg("clipPath", { id: "plot-clip" }, this.#clip), this.#grid, svg("g", { "clip-path": "url(#plot-clip)" }, this.#dots), this.#medians);
    place.append(this.#root);
    new ResizeObserver(() => this.#fit(place.clientWidth)).observe(place);
  }

  clear() {
    this.#drawn.clear();
    this.#dots.replaceChildren();
  }

  // `turns`: new ones; `now`: the proxy's clock; `medians`: by group, in ms.
  draw(turns, now, medians) {
    this.#now = now;
    if (now - this.#begin > REBASE_MS) {
      this.#begin = now;
      this.#placeAll();
    }
    for (const turn of turns) {
      if (this.#drawn.has(turn.seq)) continue;
      const dot = this.#dot(turn);
      this.#drawn.set(turn.seq, { turn, dot });
      this.#dots.append(dot);
      this.#place(turn, dot);
    }
    for (const [seq, { turn, dot }] of this.#drawn) {
      if (turn.at >= now - WINDOW_MS - 2000 && this.#drawn.size <= MOST_DOTS) break;
      dot.remove();
      this.#drawn.delete(seq);
    }
    this.#scroll();
    this.#levels = medians;
    this.#lines();
  }

  #dot(turn) {
    const group = groupOf(turn);
    const left = turn.outcome === "left" && turn.wait_ms === null;
    const what = left ? "left before any audio" : `${verdict(turn.verdict)}, ${turn.wait_ms === null ? "no audio" : ms(turn.wait_ms)}`;
    return svg("path", { class: `dot ${group}${left ? " left" : ""}`, d: SHAPES[group] },
      svg("title", {}, `${clock(turn.at)}: ${what}`));
  }

  #place(turn, dot) {
    const x = ((turn.at - this.#begin) / WINDOW_MS) * this.#span;
    const at = turn.wait_ms === null ? LANE / 3 : y(turn.wait_ms);
    dot.setAttribute("transform", `translate(${x.toFixed(1)} ${at.toFixed(1)})`);
  }

  #placeAll() {
    for (const { turn, dot } of this.#drawn.values()) this.#place(turn, dot);
  }

  get #span() {
    return Math.max(1, this.#width - LEFT - RIGHT);
  }

  #scroll() {
    const x = this.#width - RIGHT - ((this.#now - this.#begin) / WINDOW_MS) * this.#span;
    this.#dots.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
  }

  #lines() {
    const lines = Object.entries(this.#levels)
      .filter(([, level]) => level !== null)
      .map(([group, level]) => svg("line", { class: group, x1: LEFT, x2: LEFT + this.#span, y1: y(level), y2: y(level) }));
    this.#medians.replaceChildren(...lines);
  }

  #fit(width) {
    if (width === this.#width || !width) return;
    this.#width = width;
    this.#root.setAttribute("width", width);
    this.#clip.setAttribute("width", width - LEFT - RIGHT + 10);
    this.#grid.replaceChildren(...this.#scale());
    this.#placeAll();
    this.#scroll();
    this.#lines();
  }

  *#scale() {
    const right = this.#width - RIGHT;
    for (const tick of TICKS) {
      yield svg("line", { x1: LEFT, x2: right, y1: y(tick), y2: y(tick) });
      const label = tick < 1000 ? `${tick} ms` : `${tick / 1000} s`;
      yield svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, label);
    }
    yield svg("text", { x: LEFT - 8, y: LANE / 3 + 4, "text-anchor": "end" }, "no audio");
    for (let minute = 0; minute <= 5; minute += 1) {
      const x = right - (minute / 5) * this.#span;
      yield svg("line", { x1: x, x2: x, y1: LANE, y2: HEIGHT - BOTTOM });
      const anchor = minute === 0 ? "end" : "middle";
      const label = minute === 0 ? "now" : this.#width > 560 ? `${minute} min ago` : minute === 5 ? "5 min" : `${minute}`;
      yield svg("text", { x: minute === 5 ? x - 14 : x, y: HEIGHT - 8, "text-anchor": minute === 5 ? "start" : anchor }, label);
    }
  }
}
