// The Markdown of text widgets, as far as dashboards have it: headings, lists, tables, links, bold, code.
import { el } from "./dom.js";

export function markdown(text) {
  const made = [];
  let list = null, table = null;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const heading = /^(#{1,6})\s+(.*)/.exec(line), item = /^[-*]\s+(.*)/.exec(line);
    if (!item) list = null;
    if (!line.startsWith("|")) table = null;
    if (line === "") continue;
    if (heading) made.push(el("h" + Math.min(heading[1].length + 1, 3), {}, ...inline(heading[2])));
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

function inline(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(marks)) {
    parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [, label, target, bold, code] = found;
    if (label) parts.push(/^https?:\/\//.test(target) ? el("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label) : label);
    else parts.push(bold ? el("b", {}, bold) : el("code", {}, code));
  }
  parts.push(text.slice(at));
  return parts.filter((p) => p !== "");
}
