// One tenant: its way through everything, and its history.
import { $, clockTime, dot, el } from "./dom.js";

let shown = "", drawnFrom = "";

export async function openTenant(id) {
  shown = id;
  drawnFrom = "";
  $("detail-title").replaceChildren(dot(id), " ", id);
  $("detail-body").replaceChildren(el("p", { className: "quiet" }, "…"));
  if (!$("detail").open) $("detail").showModal();
  await load();
}

// refreshTenant looks again at the tenant that is shown.
export function refreshTenant() {
  if ($("detail").open) load();
}

$("detail").addEventListener("click", (e) => { if (e.target === $("detail")) $("detail").close(); });

async function load() {
  const id = shown;
  let detail;
  try {
    const answer = await fetch("/api/tenants/" + encodeURIComponent(id));
    detail = await answer.json();
    if (!answer.ok) throw new Error(detail.error);
  } catch (problem) {
    $("detail-body").replaceChildren(el("p", { className: "quiet" }, problem.message));
    return;
  }
  const now = JSON.stringify(detail);
  if (id !== shown || now === drawnFrom) return;
  drawnFrom = now;
  $("detail-body").replaceChildren(
    el("h3", {}, "Its way through it all"),
    el("p", { className: "quiet" }, "Every call of AWS, line of a log and event that names it, by your watch. What goes to PostgreSQL itself is not seen."),
    el("ol", { className: "way" }, ...way(detail.way)),
    el("h3", {}, "History, as it is recorded"),
    el("ol", { className: "history" }, ...detail.history.map((h) => el("li", {}, el("time", {}, clockTime(h.at)), el("b", {}, h.what), el("span", {}, h.why)))),
  );
}

function way(steps) {
  if (!steps.length) return [el("li", {}, el("span"), el("span", {}, "Nothing was seen of it since the page is served."))];
  const first = steps[0].at;
  // What comes later, such as a departure, does not squeeze the signup: the scale ends where it has its storage.
  const told = steps.find((s) => s.where === "event" && s.what === "StorageReady");
  const whole = Math.max((told ?? steps.at(-1)).at - first, 1);
  return steps.map((s) => {
    const mark = el("i");
    mark.style.left = `calc(${Math.min(100, (100 * (s.at - first)) / whole)}% - 3px)`;
    const passed = s.at - first;
    return el("li", { "data-where": s.where, "data-failed": String(s.failed) },
      el("span", {}, passed < 10000 ? `+${passed} ms` : `+${(passed / 1000).toFixed(0)} s`), el("span", { className: "who" }, s.who),
      el("span", { className: "what" }, s.where === "log" || s.where === "event" ? s.what : `${s.where} ${s.what}`, s.failed ? " (refused)" : ""),
      el("span", { className: "track" }, mark));
  });
}
