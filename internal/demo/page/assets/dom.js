// Elements, and numbers and times in words. Text goes in as text: nothing that was read becomes markup.

export const $ = (id) => document.getElementById(id);

// el makes an element. Properties that begin with "on" are handlers, "data-…" and "aria-…" attributes; the rest properties.
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return made;
}

// fill puts children into a node, if what they are made of has changed since.
export function fill(node, from, make) {
  const now = JSON.stringify(from);
  if (node.drawnFrom === now) return;
  node.drawnFrom = now;
  node.replaceChildren(...make());
}

// colour is a name's, the same everywhere. Those that come take turns in three shades, a third of the circle apart; in each shade the
// next is a golden angle away from the one before, so that any two of the first dozens differ clearly in the one or the other.
const colours = new Map();
export function colour(name) {
  if (!colours.has(name)) {
    const n = colours.size, shade = n % 3;
    colours.set(name, { shade, hue: Math.round(200 + shade * 120 + Math.floor(n / 3) * 137.508) % 360 });
  }
  return colours.get(name);
}

export function hued(node, name) {
  const { shade, hue } = colour(name);
  node.style.setProperty("--hue", String(hue));
  node.style.setProperty("--shade", `var(--slot-${shade})`);
  return node;
}

export const dot = (name) => hued(el("i", { className: "dot" }), name);

export const clockTime = (ms) => new Date(ms).toISOString().slice(11, 19);

// span words a duration of seconds: 0.42 s, 12 s, 3 min 5 s, 2 h 10 min. It is not broken between lines.
function span(seconds) {
  const s = Math.round(seconds);
  const parts = seconds < 10 ? [seconds.toFixed(seconds < 1 ? 2 : 1), "s"]
    : s < 60 ? [s, "s"]
    : s < 3600 ? [Math.floor(s / 60), "min", ...(s % 60 ? [s % 60, "s"] : [])]
    : [Math.floor(s / 3600), "h", ...(s % 3600 >= 60 ? [Math.floor((s % 3600) / 60), "min"] : [])];
  return parts.join("\u00a0");
}

// watch words a duration of seconds by the cloud's clock as whoever looks at the page waits for it, by a watch: every duration
// that is not on the dashboard is told so.
export const watch = (seconds, state) => span(seconds / state.speed);

// number words a value of a chart in few characters.
export function number(v) {
  if (v === null || v === undefined) return "–";
  const a = Math.abs(v);
  for (const [at, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (a >= at) return trim(v / (at === 1e4 ? 1e3 : at)) + unit;
  }
  return trim(v);
}

const trim = (v) => String(Number(v.toPrecision(Math.abs(v) >= 100 ? 4 : 3)));

export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
