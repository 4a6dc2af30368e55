// The picture of hosts and their slots. A slot keeps its element while its host lives, so that what changes moves.
import { $, dot, el, fill, hued, plural, watch } from "./dom.js";

const tones = { "in-service": "good", cordoned: "warn", lost: "bad", quarantined: "bad", deleting: "bad" };
const words = { "in-service": "in service" };
const names = { database: "Databases", share: "Shares" };
const still = matchMedia("(prefers-reduced-motion: reduce)");

let drawn = false; // once: what was there before is not new

export function drawDoor(state) {
  const here = state.tenants.filter((t) => t.state === "waiting" || t.state === "requested").reverse().slice(0, 24);
  const door = $("door");
  const last = state.tenants.find((t) => t.state === "ready");
  if (!here.length) {
    fill(door, last?.id ?? "", () => last
      ? [el("span", {}, "Nobody is at the door. ", dot(last.id), " ", el("b", {}, last.id), ` came last, and was served after ${watch((last.ready - last.asked) / 1000, state)}.`)]
      : [el("span", {}, "Nobody has signed up yet.")]);
    return;
  }
  fill(door, [here.map((t) => t.id + t.state + t.position), Math.floor(state.now / 1000 / state.speed)], () => [
    el("span", {}, "At the door:"),
    ...here.map((t) => {
      const waits = t.position ? `number ${t.position}, ` : "";
      const guest = el("span", { className: "guest" }, dot(t.id), t.id, el("small", {}, waits + watch((state.now - t.asked) / 1000, state)));
      guest.dataset.guest = t.id;
      return hued(guest, t.id);
    }),
  ]);
}

export function drawHosts(state, open) {
  const root = $("pools");
  const wanted = new Map(state.pools.map((p) => [`${p.kind}-${p.tier}`, p]));
  for (const node of [...root.children]) if (!wanted.has(node.dataset.pool)) node.remove();
  for (const [key, p] of wanted) {
    let node = root.querySelector(`[data-pool="${key}"]`);
    if (!node) {
      node = el("div", { className: "pool", "data-pool": key }, el("h3"), el("div", { className: "rack" }));
      root.append(node);
    }
    drawPool(node, p, state, open);
  }
  drawn = true;
}

function drawPool(node, p, state, open) {
  const about = [plural(p.free, "slot") + " free", `${p.taken} taken`];
  if (p.leaving) about.push(`${p.leaving} leaving or resting`);
  if (p.provisioning) about.push(`${p.provisioning} being made`);
  if (p.lead) about.push(`a host takes ${watch(p.lead, state)}`);
  fill(node.firstChild, [p.kind, p.tier, about], () => [`${names[p.kind]}, tier ${p.tier}`, el("span", {}, about.join(" · "))]);
  const rack = node.lastChild;
  const live = new Set(p.hosts.map((h) => h.id));
  for (const card of [...rack.children]) if (!live.has(card.dataset.host)) card.remove();
  if (!p.hosts.length && !rack.children.length) return;
  for (const h of p.hosts) {
    let card = rack.querySelector(`[data-host="${h.id}"]`);
    if (!card) {
      card = el("article", { className: "host", "data-host": h.id, "data-kind": p.kind, "aria-label": h.id },
        el("header"), el("p", { className: "why" }), el("div", { className: "slots" }), el("footer"));
      rack.append(card);
    }
    drawHost(card, p.kind, h, open);
  }
}

function drawHost(card, kind, h, open) {
  const [head, why, slots, foot] = card.children;
  const alarms = ["ordered", "building", "preparing"].includes(h.state) ? [] : h.alarms; // what is being made sends nothing yet
  const tone = h.repair || alarms.length ? (h.state === "in-service" ? "warn" : "bad") : tones[h.state] ?? "info";
  card.dataset.tone = tone;
  fill(head, [h.state, h.step, h.strain, h.repair], () => [
    el("b", {}, h.id),
    h.strain ? el("span", { className: "pill", "data-tone": "bad" }, "overloaded") : null,
    el("span", { className: "pill", "data-tone": tone }, h.repair ? "being mended" : words[h.state] ?? h.state),
  ].filter(Boolean));
  const said = h.repair || (alarms.length ? "rings: " + alarms.map((a) => a.split(h.id + "-").pop()).join(", ") : h.step && h.state !== "in-service" ? `step ${h.step}` : h.state === "in-service" ? "" : h.why);
  if (why.textContent !== said) { why.textContent = said; why.title = said; }
  const taken = h.slots.filter((s) => s.tenant).length;
  fill(foot, [taken, h.slots.length], () => [el("span", {}, `${taken} of ${h.slots.length} ${kind === "share" ? "shares" : "databases"} taken`)]);
  while (slots.children.length > h.slots.length) slots.lastChild.remove();
  h.slots.forEach((s, i) => drawSlot(slots, i, h, s, open));
}

function drawSlot(slots, i, h, s, open) {
  let node = slots.children[i];
  if (!node) {
    node = el("button", { className: "slot", type: "button", onclick: () => node.dataset.tenant && open(node.dataset.tenant) });
    slots.append(node);
  }
  if (node.dataset.state === s.state && node.dataset.tenant === s.tenant) return;
  const came = s.state === "assigned" && s.tenant && node.dataset.tenant !== s.tenant;
  node.dataset.state = s.state;
  node.dataset.tenant = s.tenant;
  node.disabled = !s.tenant;
  const label = `${h.id}, slot ${s.index}: ${s.tenant ? s.tenant + ", " : ""}${s.state === "offered" ? "free, on the shelf" : s.state}`;
  node.title = label;
  node.setAttribute("aria-label", label);
  node.textContent = s.tenant ? (slots.closest("[data-kind=share]") ? s.tenant.slice(0, 7) : s.tenant.slice(0, 2)) : "";
  if (s.tenant) hued(node, s.tenant);
  if (came && drawn) fly(s.tenant, node);
}

// fly takes a tenant from the door to its slot.
function fly(tenant, slot) {
  slot.classList.remove("fresh");
  void slot.offsetWidth; // begins the animation anew
  slot.classList.add("fresh");
  if (still.matches || !slot.animate) return;
  const from = (document.querySelector(`[data-guest="${CSS.escape(tenant)}"]`) ?? $("door")).getBoundingClientRect();
  const to = slot.getBoundingClientRect();
  if (to.top > innerHeight || from.bottom < 0) return;
  const flyer = hued(el("i", { className: "dot flying" }), tenant);
  const size = 16;
  flyer.style.width = flyer.style.height = size + "px";
  flyer.style.left = from.left + Math.min(from.width / 2, 60) + "px";
  flyer.style.top = from.top + from.height / 2 - size / 2 + "px";
  document.body.append(flyer);
  const x = to.left + to.width / 2 - size / 2 - parseFloat(flyer.style.left);
  const y = to.top + to.height / 2 - size / 2 - parseFloat(flyer.style.top);
  flyer.animate([
    { transform: "none", opacity: 0.3 },
    { transform: `translate(${x * 0.5}px, ${y * 0.35 - 20}px) scale(1.3)`, opacity: 1, offset: 0.45 },
    { transform: `translate(${x}px, ${y}px)`, opacity: 0.9 },
  ], { duration: 750, easing: "cubic-bezier(.3,.1,.3,1)" }).finished.finally(() => flyer.remove());
}
