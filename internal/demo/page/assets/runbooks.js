// The runbook, as a page: alarms, notices and the dashboard lead to its sections.
import { markdown } from "./markdown.js";

const main = document.getElementById("main");
try {
  const answer = await fetch("docs/runbooks.md");
  if (!answer.ok) throw new Error(answer.statusText);
  main.append(...markdown(await answer.text()));
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (e) {
  main.append("The runbook can't be read: " + e.message);
}
