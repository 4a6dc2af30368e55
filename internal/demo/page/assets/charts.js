// The dashboard, widget by widget, where its body has them: a grid of 24 columns.
import { $, el, fill, number } from "./dom.js";
import { markdown } from "./markdown.js";
import { plot } from "./plot.js";

const every = 4000;
const ranges = ["15m", "1h", "3h"];
const rings = { OK: "good", ALARM: "bad", INSUFFICIENT_DATA: "" };
let range = "1h", asking = false;

// palette is what series without a colour of their own have, in order.
export const palette = ["#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#ec4899", "#06b6d4", "#a16207", "#84cc16", "#64748b", "#f97316", "#6366f1"];
const colour = (s, i) => s.color || palette[i % palette.length];

export function startCharts(ask) {
  const look = async () => {
    if (asking || document.hidden) return;
    asking = true;
    try { drawBoard(await ask("/api/dashboard?range=" + range)); } catch { /* the state says that nothing answers */ }
    asking = false;
  };
  $("ranges").append(...ranges.map((r) => el("button", {
    type: "button", "aria-pressed": String(r === range), onclick: (e) => {
      range = r;
      for (const other of $("ranges").children) other.setAttribute("aria-pressed", String(other === e.currentTarget));
      look();
    },
  }, r)));
  look();
  setInterval(look, every);
  document.addEventListener("visibilitychange", look);
}

function drawBoard(board) {
  const grid = $("grid");
  board.charts.sort((a, b) => a.y - b.y || a.x - b.x);
  while (grid.children.length > board.charts.length) grid.lastChild.remove();
  board.charts.forEach((c, i) => {
    let node = grid.children[i];
    const shape = [c.type, c.view, c.title, c.x, c.y, c.width, c.height].join("|");
    if (!node || node.shape !== shape) {
      const made = el("article", { className: "widget " + c.type, shape, "aria-label": c.title || "text" });
      made.style.gridArea = `${c.y + 1} / ${c.x + 1} / span ${c.height} / span ${c.width}`;
      if (node) node.replaceWith(made);
      else grid.append(made);
      node = made;
    }
    drawWidget(node, c, board);
  });
}

function drawWidget(node, c, board) {
  if (c.type === "text") return fill(node, c.text, () => markdown(c.text));
  if (c.type === "alarm") return fill(node, [c.title, c.alarms], () => [el("h3", {}, c.title || "Alarms"), alarms(c.alarms ?? [], board.name + "-")]);
  if (c.error) return fill(node, [c.title, c.error], () => [el("h3", {}, c.title), el("p", { className: "quiet" }, c.error)]);
  const views = { singleValue: singles, gauge: bars, bar: bars, pie: bars, table: bars };
  if (views[c.view]) return fill(node, [c.title, c.series, c.axes], () => [el("h3", {}, c.title), views[c.view](c)]);
  plot(node, c, board, colour);
}

// alarms are as CloudWatch shows them: each with its state, those that ring first.
function alarms(list, prefix) {
  const ringing = (a) => Number(a.state === "ALARM");
  return el("div", { className: "alarms" }, ...[...list].sort((a, b) => ringing(b) - ringing(a)).map((a) => el("span", {
    className: "pill", "data-tone": rings[a.state] ?? "", title: `${a.state}: ${a.about} ${a.reason}`,
  }, a.name.startsWith(prefix) ? a.name.slice(prefix.length) : a.name)));
}

const latest = (s) => s.values.findLast((v) => v !== null) ?? null;

function singles(c) {
  return el("div", { className: "singles" }, ...(c.series.length ? c.series : [{ label: "no data", values: [] }]).map((s, i) => {
    const box = el("div", {}, el("b", {}, number(latest(s))), el("span", {}, s.label));
    if (c.sparkline && s.values.length > 1) box.append(spark(s, colour(s, i)));
    return box;
  }));
}

function spark(s, stroke) {
  const points = s.values.map((v, i) => [i, v]).filter(([, v]) => v !== null);
  const high = Math.max(...points.map(([, v]) => v), 1e-9), last = Math.max(s.values.length - 1, 1);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  svg.setAttribute("viewBox", "0 0 100 24");
  svg.setAttribute("width", "100");
  svg.setAttribute("height", "24");
  path.setAttribute("points", points.map(([i, v]) => `${(100 * i) / last},${22 - (20 * v) / high}`).join(" "));
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", stroke);
  path.setAttribute("stroke-width", "1.5");
  svg.append(path);
  return svg;
}

// bars are the newest values side by side: gauges, whose ends the axis names, pies and tables, too.
function bars(c) {
  const values = c.series.map(latest);
  const low = c.axes.left.min ?? 0, high = c.axes.left.max ?? Math.max(...values.map((v) => v ?? 0), 1e-9);
  return el("div", { className: "bars" }, ...c.series.map((s, i) => {
    const bar = el("i");
    bar.style.background = colour(s, i);
    bar.style.width = Math.max(0, Math.min(100, (100 * ((values[i] ?? low) - low)) / (high - low || 1))) + "%";
    return el("div", {}, el("span", {}, s.label), bar, el("b", {}, number(values[i])));
  }));
}
