// What happens, the newest first.
import { $, clockTime, el } from "./dom.js";

const most = 300;
const kinds = [["", "all"], ["event", "events"], ["step", "steps"], ["alarm", "alarms"], ["notice", "notices"], ["error", "errors"]];
const good = ["StorageReady", "HostInService", "HostRepaired", "TenantReopened", "OK"];
const warn = ["StorageWaiting", "HostCordoned", "HostRepairWaits", "HostRepairAsks", "TenantClosed"];
const bad = ["SignupRejected", "RequestRejected", "HostFailed", "HostLost", "HostQuarantined", "ALARM"];
let shown = "";

function toneOf(n) {
  if (n.kind === "error" || n.kind === "policy" || bad.includes(n.type)) return "bad";
  if (warn.includes(n.type)) return "warn";
  if (good.includes(n.type)) return "good";
  return n.kind === "notice" || n.type ? "info" : "";
}

export function startNews() {
  $("kinds").append(...kinds.map(([kind, word]) => el("button", {
    type: "button", "aria-pressed": String(kind === shown), onclick: (e) => {
      shown = kind;
      for (const other of $("kinds").children) other.setAttribute("aria-pressed", String(other === e.currentTarget));
      for (const item of $("feed").children) item.hidden = hides(item.dataset.kind);
    },
  }, word)));
}

const hides = (kind) => shown !== "" && kind !== shown && !(shown === "error" && kind === "policy");

export function addNews(news) {
  const feed = $("feed");
  const old = feed.children.length > 0;
  for (const n of news) {
    const item = el("li", { className: old ? "fresh" : "", "data-tone": toneOf(n), "data-kind": n.kind },
      el("time", {}, clockTime(n.at)), el("div", {}, el("p", {}, n.text)));
    if (n.body && n.body !== n.text) item.lastChild.append(el("details", {}, el("summary", {}, "the message"), el("pre", {}, n.body)));
    item.hidden = hides(n.kind);
    feed.prepend(item);
  }
  while (feed.children.length > most) feed.lastChild.remove();
}
