// Tenants, queues with their dead letters, and alarms.
import { $, clockTime, dot, el, fill, watch } from "./dom.js";

const tones = { ready: "good", waiting: "warn", requested: "info", left: "" };
let last = null;

export function startTables(open) {
  $("filter").addEventListener("input", () => last && drawTenants(last, open));
  $("filter").addEventListener("keydown", (e) => { if (e.key === "Escape") { e.target.value = ""; e.target.blur(); drawTenants(last, open); } });
}

export function drawTenants(state, open) {
  last = state;
  const wanted = $("filter").value.trim().toLowerCase();
  const rows = state.tenants.filter((t) => !wanted || JSON.stringify(t).toLowerCase().includes(wanted)).slice(0, 100)
    .map((t) => [t.id, t.state, after(t, state), t.database, t.share, t.addresses.join(", "), t.leaving]);
  fill($("rows"), rows, () => rows.length ? rows.map(([id, is, took, database, share, addresses, leaving]) => el("tr", {},
    el("td", {}, el("button", { className: "link", type: "button", onclick: () => open(id) }, dot(id), " ", id)),
    el("td", {}, el("span", { className: "pill", "data-tone": tones[is] ?? "" }, leaving || is)),
    el("td", { className: "num" }, took), el("td", {}, database || "–"), el("td", {}, share || "–"), el("td", {}, addresses || "–"),
  )) : [el("tr", {}, el("td", { className: "empty", colSpan: 6 }, wanted ? "No tenant is like that." : "Nobody has signed up yet."))]);
}

function after(t, state) {
  if (t.state === "waiting") return `number ${t.position || "…"}, for ${watch((state.now - t.asked) / 1000, state)}`;
  return t.ready ? watch((t.ready - t.asked) / 1000, state) : "–";
}

const count = (n, hot) => el("td", { className: "num " + (n ? (hot ? "hot" : "") : "zero") }, String(n));

export function drawQueues(state) {
  fill($("queuerows"), state.queues, () => state.queues.map((q) => el("tr", {},
    el("td", {}, q.name.replace(/Queue$/, "")), ...(q.ends
      ? [el("td", { className: "quiet", colSpan: 4 }, "what rules and topics could not deliver")]
      : [count(q.visible), count(q.flying), count(q.delayed), el("td", { className: "num " + (q.oldest ? "" : "zero") }, q.oldest ? watch(q.oldest, state) : "0")]),
    count(q.dead, true))));
  fill($("dead"), state.dead, () => state.dead.map((d) => el("div", { className: "letter" },
    el("p", {}, el("b", {}, d.queue.replace(/Queue$/, "")), " at " + clockTime(d.at) + ": " + d.why), el("pre", {}, d.body))));
}

// rings is whether an alarm tells of trouble: one of a host that is being made rings because nothing is there yet.
export const rings = (a) => a.state === "ALARM" && !a.making;

export function drawAlarms(state) {
  const prefix = state.name + "-";
  const short = (a) => a.name.startsWith(prefix) ? a.name.slice(prefix.length) : a.name;
  const ringing = state.alarms.filter(rings);
  const rest = state.alarms.filter((a) => !rings(a));
  fill($("alarmlist"), state.alarms.map((a) => [a.name, a.state, a.since, a.making]), () => [
    ...ringing.map((a) => el("div", { className: "ringing" },
      el("b", {}, short(a)), ` since ${clockTime(a.since)}`, el("p", {}, a.about), el("p", {}, a.reason))),
    el("p", { className: "quiet" }, ringing.length ? "The others:" : "None rings."),
    el("div", { className: "alarms" }, ...rest.map((a) => el("span", {
      className: "pill", "data-tone": a.state === "OK" ? "good" : "", title: `${a.state}${a.making ? ", while its host is being made" : ""}: ${a.about} ${a.rule}`,
    }, short(a)))),
  ]);
}
