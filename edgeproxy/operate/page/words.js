// Figures, times and the proxy's terms in the words of whoever reads them.

const GAP = "\u00a0"; // a figure stays with its unit
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shortTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const longDay = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const number = (value) => whole.format(value);
export const clock = (when) => clockTime.format(new Date(when));
export const day = (when) => longDay.format(new Date(when));

export function count(many, one, more = `${one}s`) {
  return `${number(many)} ${many === 1 ? one : more}`;
}

export function rupees(value) {
  const digits = Math.abs(value) < 1000 ? 2 : 0;
  return `₹${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

// Milliseconds, as exact as one can hear or a person on call can use.
export function ms(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 9_995) return `${(value / 1000).toFixed(0)}${GAP}s`;
  if (value >= 999.5) return `${(value / 1000).toFixed(2)}${GAP}s`;
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)}${GAP}ms`;
}

export const seconds = (value) => `${value.toFixed(1)}${GAP}s`;

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : value.toFixed(0)}${GAP}${units[unit]}`;
}

// A share of a whole; of nothing there is none.
export function percent(part, all) {
  if (!all) return "–";
  const share = (100 * part) / all;
  // Not all is not "100 %", and something is not "0 %".
  if (share > 99 && share < 100) return `${(Math.floor(share * 10) / 10).toFixed(1)}${GAP}%`;
  if (share > 0 && share < 1) return `${share.toFixed(1)}${GAP}%`;
  return `${share.toFixed(0)}${GAP}%`;
}

export function age(value) {
  for (const [one, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (value >= length) return count(Math.floor(value / length), one);
  }
  return "moments";
}

// A time of today as the clock shows it, another with its day.
export function when(iso) {
  const then = new Date(iso);
  return isToday(then) ? shortTime.format(then) : dayAndTime.format(then);
}

// The same of what is to come, for a sentence.
export function at(iso) {
  const then = new Date(iso);
  return isToday(then) ? `today at ${shortTime.format(then)}` : `on ${dayAndTime.format(then).replace(",", " at")}`;
}

const isToday = (then) => then.toDateString() === new Date().toDateString();

// When the proxy's day began: midnight, if it is that where the reader is, too.
export function sinceMidnight(iso, where) {
  const began = new Date(iso);
  return began.getHours() + began.getMinutes() === 0 ? "since midnight" : `since ${when(iso)}, midnight in ${where}`;
}

export const GROUPS = {
  cache: "From the cache",
  origin: "Asked of the origin",
  error: "Errors",
};

const VERDICTS = {
  "hit-memory": ["cache", "from memory"],
  "hit-disk": ["cache", "from disk"],
  stale: ["cache", "from the cache, and being renewed"],
  collapsed: ["cache", "together with another that asked"],
  miss: ["origin", "asked of the origin"],
  bypass: ["origin", "asked of the origin, past the cache"],
  pause: ["pause", "a pause"],
  error: ["error", "error"],
  none: ["pause", "nothing to say"],
};

export const VERDICT_ORDER = Object.keys(VERDICTS);
export const verdict = (name) => VERDICTS[name]?.[1] ?? name;
export const group = (name) => VERDICTS[name]?.[0] ?? "origin";

// What a turn is drawn as: one that failed is an error whatever it began as.
export const groupOf = (turn) => (turn.outcome === "error" ? "error" : group(turn.verdict));

export const CACHE = {
  off: ["The cache is off.", "Every turn is asked of the origin."],
  shadow: ["The cache is in shadow.", "Every turn is asked of the origin; what would have come from the cache is counted."],
};

export const BREAKER = {
  closed: "in order",
  open: "cut off: the origin fails",
  "half-open": "trying the origin again",
};

// Of a phrase's state: how much it wants to be known, which is its colour, and what it means.
const STATES = {
  failed: ["bad", "The last making came to nothing. It is tried again by night, at the next start, and whenever the books are saved."],
  "waits to be picked": ["due", "It is made, and no caller hears it until somebody picks it, as its book wants it (swap: manual)."],
  "newer one waits": ["due", "A newer generation is made, and no caller hears it until somebody picks it."],
  "not made yet": ["due", "Until it is made, it is asked of the origin like any text."],
  stale: ["due", "A purge has marked it: it is heard until the night has made it anew."],
  held: ["", "An older generation was picked by hand. It stays, whatever is made later, until somebody lets the newest be heard."],
  ready: ["", ""],
  "left to chance": ["", "It is not made ahead: it is kept like anything that callers hear."],
};

export const STATE_ORDER = Object.keys(STATES);
export const stateColour = (state) => STATES[state]?.[0] ?? "";
export const stateMeaning = (state) => STATES[state]?.[1] ?? "";
