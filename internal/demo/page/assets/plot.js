// A time series, drawn by uPlot: lines or stacked areas over a time axis in UTC, with thresholds, a legend whose entries
// switch series off, and the values under the pointer, at the same time in all of them.
import { el, number } from "./dom.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const sync = uPlot.sync("dashboard");
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

export function plot(node, c, board, colour) {
  const shape = JSON.stringify([c.series.map((s) => [s.label, s.axis, s.color]), c.levels, c.stacked, c.axes, document.documentElement.dataset.theme]);
  const state = node.plotted;
  if (!state || state.shape !== shape) make(node, c, shape, colour);
  update(node.plotted, c, board);
}

function make(node, c, shape, colour) {
  node.plotted?.chart?.destroy();
  node.plotted?.watch.disconnect();
  const place = el("div", { className: "plot" });
  const nothing = el("p", { className: "nothing" }, "nothing was measured yet");
  const tip = el("div", { className: "tip", hidden: true });
  const legend = el("div", { className: "legend" });
  place.append(nothing, tip);
  node.replaceChildren(el("h3", {}, c.title), place, legend);
  const s = { shape, place, nothing, tip, chart: null, off: node.plotted?.off ?? new Set(), c, colour };
  legend.append(...c.series.map((one, i) => {
    const mark = el("i");
    mark.style.background = colour(one, i);
    return el("button", {
      type: "button", "aria-pressed": String(!s.off.has(one.label)), onclick: (e) => {
        s.off[s.off.has(one.label) ? "delete" : "add"](one.label);
        e.currentTarget.setAttribute("aria-pressed", String(!s.off.has(one.label)));
        s.chart?.setSeries(i + 1, { show: !s.off.has(one.label) });
      },
    }, mark, one.label);
  }), rest(legend));
  s.watch = new ResizeObserver(() => {
    s.chart?.setSize({ width: place.clientWidth, height: place.clientHeight });
    legend.classList.toggle("more", legend.classList.contains("all") || legend.scrollHeight > legend.clientHeight + 2);
  });
  s.watch.observe(place);
  node.plotted = s;
}

// rest is the button that shows the entries of a legend that have no room, and hides them again.
function rest(legend) {
  return el("button", {
    type: "button", className: "rest", "aria-expanded": "false", onclick: (e) => {
      const all = legend.classList.toggle("all");
      e.currentTarget.setAttribute("aria-expanded", String(all));
      e.currentTarget.textContent = all ? "fewer" : "all …";
    },
  }, "all …");
}

// runs are the values as they are drawn: stacked ones stand on those before.
function runs(c) {
  if (!c.stacked) return c.series.map((s) => s.values);
  const below = c.times.map(() => 0);
  return c.series.map((s) => s.values.map((v, i) => (below[i] += v ?? 0)));
}

function update(s, c, board) {
  s.c = c;
  s.board = board;
  const empty = c.times.length === 0;
  s.nothing.hidden = !empty;
  if (empty) return;
  const data = [c.times, ...runs(c)];
  if (s.chart) s.chart.setData(data);
  else if (s.place.clientWidth) s.chart = new uPlot(options(s), data, s.place);
}

function range(s, side) {
  return (_, low, high) => {
    const axis = s.c.axes[side] ?? {};
    const levels = (s.c.levels ?? []).filter((l) => (l.yAxis ?? "left") === side).flatMap((l) => [l.value, l.to ?? l.value]);
    const top = axis.max ?? Math.max(high ?? 0, ...levels) * 1.12;
    const bottom = axis.min ?? Math.min(low ?? 0, ...levels, 0);
    return [bottom, top > bottom ? top : bottom + 1];
  };
}

function options(s) {
  const soft = css("--soft"), grid = { stroke: css("--line"), width: 1 };
  const right = s.c.series.some((one) => one.axis === "right");
  const axis = (side, scale) => ({
    scale, side, stroke: soft, grid: side === 3 ? grid : { show: false }, ticks: { show: false }, size: 42, font: "11px system-ui, sans-serif",
    values: (_, ticks) => ticks.map(number),
  });
  return {
    width: s.place.clientWidth, height: s.place.clientHeight, padding: [8, right ? 0 : 10, 0, 0],
    legend: { show: false }, tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), "Etc/UTC"),
    cursor: { y: false, sync: { key: sync.key }, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { range: () => [s.board.start, s.board.end] }, left: { range: range(s, "left") }, right: { range: range(s, "right") } },
    axes: [
      { stroke: soft, grid: { show: false }, ticks: { show: false }, size: 22, font: "11px system-ui, sans-serif", space: 60, values: (_, ticks) => ticks.map((t) => hours.format(t * 1e3)) },
      axis(3, "left"), ...(right ? [axis(1, "right")] : []),
    ],
    series: [{}, ...s.c.series.map((one, i) => ({
      label: one.label, scale: one.axis, stroke: s.colour(one, i), width: 1.75, spanGaps: true, show: !s.off.has(one.label),
      fill: s.c.stacked ? s.colour(one, i) + "55" : undefined, points: { size: 4, show: s.c.times.length < 60 },
    }))],
    bands: s.c.stacked ? s.c.series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })) : [],
    hooks: { drawClear: [(u) => levels(u, s)], setCursor: [(u) => tip(u, s)] },
  };
}

// levels draws thresholds, and what lies above, below or between them.
function levels(u, s) {
  const { ctx, bbox } = u;
  for (const l of s.c.levels ?? []) {
    const scale = l.yAxis ?? "left";
    if (!u.scales[scale] || u.scales[scale].min == null) continue;
    const y = u.valToPos(l.value, scale, true), stroke = l.color || css("--bad");
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const other = l.to != null ? u.valToPos(l.to, scale, true) : l.fill === "above" ? bbox.top : l.fill === "below" ? bbox.top + bbox.height : null;
    if (other !== null) {
      ctx.globalAlpha = 0.1;
      ctx.fillStyle = stroke;
      ctx.fillRect(bbox.left, Math.min(y, other), bbox.width, Math.abs(other - y));
      ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = stroke;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    if (l.label) {
      ctx.fillStyle = stroke;
      ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = "right";
      ctx.fillText(l.label, bbox.left + bbox.width - 4, y - 4 * devicePixelRatio);
    }
    ctx.restore();
  }
}

const tipMost = 8;

function tip(u, s) {
  const i = u.cursor.idx;
  s.tip.hidden = i == null || u.cursor.left < 0 || !s.place.matches(":hover");
  if (s.tip.hidden) return;
  const lines = s.c.series.map((one, n) => [one, n]).filter(([one]) => !s.off.has(one.label) && one.values[i] != null);
  lines.sort(([a], [b]) => b.values[i] - a.values[i]);
  s.tip.replaceChildren(el("div", {}, hours.format(s.c.times[i] * 1e3)), ...lines.slice(0, tipMost).map(([one, n]) => {
    const mark = el("i");
    mark.style.background = s.colour(one, n);
    return el("div", {}, mark, `${one.label} `, el("b", {}, number(one.values[i])));
  }));
  const left = u.cursor.left + u.bbox.left / devicePixelRatio;
  s.tip.style.left = left + 10 + s.tip.offsetWidth > s.place.clientWidth ? `${left - s.tip.offsetWidth - 10}px` : `${left + 10}px`;
  s.tip.style.top = "4px";
}

// Colours that a canvas has drawn do not follow the theme by themselves.
const anew = () => {
  for (const node of document.querySelectorAll(".widget")) if (node.plotted) node.plotted.shape = "";
};
addEventListener("colours", anew);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
