// The page: asks for the state every second while it is looked at, and hands it to its parts.
import { $, clockTime, colour, el, fill, number, plural, watch } from "./dom.js";
import { drawDoor, drawHosts } from "./hosts.js";
import { addNews, startNews } from "./feed.js";
import { drawAlarms, drawQueues, drawTenants, rings, startTables } from "./tables.js";
import { startCharts } from "./charts.js";
import { openTenant, refreshTenant } from "./detail.js";

let came = 0, state = null, offset = 0;

async function ask(path, order) {
  const answer = await fetch(path, order === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? answer.statusText);
  return body;
}

let looking = false;

async function look() {
  if (document.hidden || looking) return; // one at a time: what was asked for earlier must not come later
  looking = true;
  try {
    const now = await ask("/api/state?after=" + came);
    if (state && now.now < state.now) { location.reload(); return; } // another run
    state = now;
    came = state.came;
    offset = state.now - performance.now() * state.speed;
    draw();
  } catch (problem) {
    pill("bad", state ? "the demo has ended" : "no answer: " + problem.message);
    for (const id of ["one", "ten", "kill", "strain"]) $(id).disabled = true;
  }
  looking = false;
}

function draw() {
  for (const t of [...state.tenants].reverse()) colour(t.id); // who came first has the first colour, on every tab
  $("where").textContent = state.name;
  $("speed").textContent = state.speed === 1 ? "UTC" : `UTC ×${state.speed}`;
  $("clocks").hidden = state.speed === 1;
  $("clocks").textContent = `Durations are by your watch. Times of day, messages and the dashboard go by the cloud's clock, ${state.speed} times as fast: a minute there is ${number(60 / state.speed)} s here.`;
  const ringing = state.alarms.filter(rings).length;
  const dead = state.queues.reduce((n, q) => n + q.dead, 0);
  const mended = state.pools.flatMap((p) => p.hosts).filter((h) => h.repair);
  if (ringing) pill("bad", plural(ringing, "alarm") + (ringing === 1 ? " rings" : " ring"));
  else if (mended.length) pill("warn", mended.length === 1 ? `${mended[0].id} is being mended` : `${mended.length} hosts are being mended`);
  else pill("good", "all quiet");
  drawTiles(ringing, dead);
  drawDoor(state);
  drawHosts(state, openTenant);
  addNews(state.news);
  drawTenants(state, openTenant);
  drawQueues(state);
  drawAlarms(state);
  drawButtons();
  refreshTenant(state);
}

function pill(tone, text) {
  $("status").dataset.tone = tone;
  $("status").textContent = text;
}

const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

function drawTiles(ringing, dead) {
  const ready = state.tenants.filter((t) => t.state === "ready");
  const waiting = state.tenants.filter((t) => t.state === "waiting");
  const took = ready.slice(0, 20).map((t) => (t.ready - t.asked) / 1000);
  const longest = Math.max(0, ...waiting.map((t) => state.now - t.asked)) / 1000;
  const hosts = state.pools.flatMap((p) => p.hosts);
  const serving = hosts.filter((h) => h.state === "in-service").length;
  const making = hosts.filter((h) => ["ordered", "building", "preparing"].includes(h.state)).length;
  const tiles = [
    ["Tenants served", String(ready.length), took.length ? `half of them within ${watch(middle(took), state)}` : "nobody yet"],
    ["Waiting now", String(waiting.length), waiting.length ? `longest ${watch(longest, state)}` : "nobody waits", waiting.length ? "warn" : ""],
    ...state.pools.filter((p) => p.tier === state.tier).map((p) => [
      `Free ${p.kind === "share" ? "shares" : "databases"}`, String(p.free), `of ${p.free + p.taken + p.leaving}` +
      (p.provisioning ? `, ${p.provisioning} being made` : p.lead ? `; a host takes ${watch(p.lead, state)}` : ""), "", p]),
    ["Hosts in service", String(serving), making ? `${making} being made` : `of ${hosts.length}`],
    ["Alarms, dead letters", `${ringing} · ${dead}`, `${state.alarms.length} alarms watch`, ringing || dead ? "bad" : ""],
  ];
  fill($("tiles"), tiles, () => tiles.map(([title, value, about, tone, pool]) => {
    const tile = el("div", { className: "tile", "data-tone": tone ?? "" }, el("h3", {}, title), el("strong", {}, value), el("p", {}, about));
    if (pool) {
      const all = pool.free + pool.taken + pool.leaving + pool.provisioning || 1;
      const bar = (n, kind) => { const i = el("i", { className: kind }); i.style.width = (100 * n) / all + "%"; return i; };
      tile.append(el("div", { className: "meter" }, bar(pool.free, ""), bar(pool.leaving, "leaving"), bar(pool.provisioning, "made")));
    }
    return tile;
  }));
}

// fullest is the host of a kind with the most tenants, of those in service.
function fullest(kind) {
  const hosts = state.pools.filter((p) => p.kind === kind).flatMap((p) => p.hosts).filter((h) => h.state === "in-service" && !h.strain);
  const tenants = (h) => h.slots.filter((s) => s.tenant).length;
  return hosts.sort((a, b) => tenants(b) - tenants(a))[0];
}

const strained = () => state.pools.flatMap((p) => p.hosts).find((h) => h.strain);

function drawButtons() {
  $("one").disabled = $("ten").disabled = !state.open;
  $("kill").disabled = !state.open || !fullest("share");
  $("strain").disabled = !state.open || !(strained() ?? fullest("database"));
  $("strain").textContent = strained() ? "End the overload" : "Overload a database";
  if (!state.open && !$("toast").textContent) say("The buttons work once the demo has shown its own signups.");
  if (state.open && $("toast").textContent.startsWith("The buttons work once")) say("");
}

function say(text, tone = "") {
  $("toast").textContent = text;
  $("toast").dataset.tone = tone;
}

async function act(path, order) {
  try {
    const came = await ask(path, order);
    say(came.said);
    if (came.tenant) $("toast").append(" · ", el("button", { className: "link", type: "button", onclick: () => openTenant(came.tenant) }, "follow it"));
    look();
  } catch (problem) {
    say(problem.message, "bad");
  }
}

const acts = {
  one: () => act("/api/signups", { count: 1 }),
  ten: () => act("/api/signups", { count: 10 }),
  kill: () => act(`/api/hosts/${fullest("share").id}/terminate`, {}),
  strain: () => {
    const over = strained();
    act(`/api/hosts/${(over ?? fullest("database")).id}/strain`, { on: !over });
  },
};
for (const [id, does] of Object.entries(acts)) $(id).addEventListener("click", does);

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* storage may be off */ }
  dispatchEvent(new Event("colours"));
}
$("theme").addEventListener("click", changeTheme);

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea") || $("detail").open) return;
  if (e.key === "s" && !$("one").disabled) acts.one();
  else if (e.key === "t") changeTheme();
  else if (e.key === "/") { e.preventDefault(); $("filter").focus(); }
});

setInterval(() => { if (state) $("clock").textContent = clockTime(offset + performance.now() * state.speed); }, 100);
startNews();
startTables(openTenant);
startCharts(ask);
look();
setInterval(look, 1000);
document.addEventListener("visibilitychange", look);
