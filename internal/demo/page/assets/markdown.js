// The Markdown of text widgets and of the runbook, as far as they have it: headings, lists, tables, links, bold, code.
import { el } from "./dom.js";

export function markdown(text) {
  const made = [];
  let list = null, table = null, code = null;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line.startsWith("```")) {
      if (code) code = null;
      else made.push((code = el("pre")));
      continue;
    }
    if (code) {
      code.append(raw + "\n");
      continue;
    }
    const heading = /^(#{1,6})\s+(.*)/.exec(line), item = /^[-*]\s+(.*)/.exec(line);
    if (!item) list = null;
    if (!line.startsWith("|")) table = null;
    if (line === "") continue;
    if (heading) made.push(el("h" + Math.min(heading[1].length + 1, 3), { id: heading[2].toLowerCase().replace(/[^a-z0-9 -]/g, "").replaceAll(" ", "-") }, ...inline(heading[2])));
    else if (item) {
      if (!list) made.push((list = el("ul")));
      list.append(el("li", {}, ...inline(item[1])));
    } else if (line.startsWith("|")) {
      if (/^[|\s:-]+$/.test(line)) continue;
      if (!table) made.push((table = el("table")));
      table.append(el("tr", {}, ...line.replace(/^\||\|$/g, "").split("|").map((cell) => el("td", {}, ...inline(cell.trim())))));
    } else made.push(el("p", {}, ...inline(line)));
  }
  return made;
}

const marks = /\[([^\]]+)\]\(([^)\s]+)\)|\*\*([^*]+)\*\*|`([^`]+)`/g;

// address is where a link may lead: to the web, or to the runbook, which the page has too. Others are left as text.
function address(target) {
  if (/^https?:\/\//.test(target ?? "")) return target;
  const section = /^(?:docs\/)?runbooks\.md(#[a-z0-9-]+)?$/.exec(target ?? "");
  return section ? "runbooks.html" + (section[1] ?? "") : "";
}

function inline(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(marks)) {
    parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [, label, target, bold, code] = found;
    const to = address(target);
    if (label) parts.push(to ? el("a", { href: to, target: "_blank", rel: "noopener noreferrer" }, label) : label);
    else parts.push(bold ? el("b", {}, bold) : el("code", {}, code));
  }
  parts.push(text.slice(at));
  return parts.filter((p) => p !== "");
}
