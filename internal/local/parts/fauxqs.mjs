// Starts fauxqs (SQS, SNS; its S3 is not used) on a loopback port and prints its address. Its own command listens
// on every interface, and knows one account only.
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { MODULES, ACCOUNT, REGION, ORIGIN, SPEED } = process.env;
const dist = (file) => pathToFileURL(join(MODULES, "fauxqs", "dist", file)).href;

// What is changed in fauxqs's files while they are loaded: the account id, a constant, is ours; and bodies
// may have characters beyond U+FFFF, as in SQS.
const changes = {
  [dist("common/types.js")]: ['"000000000000"', JSON.stringify(ACCOUNT)],
  [dist("sqs/sqsTypes.js")]: ["\\uE000-\\uFFFD]/", "\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]/u"],
};
const hooks = `
const changes = ${JSON.stringify(changes)};
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (url in changes) {
    const [before, after] = changes[url];
    const source = String(loaded.source);
    if (!source.includes(before)) throw new Error("fauxqs has changed: " + url);
    loaded.source = source.replace(before, () => after);
  }
  return loaded;
}`;
register("data:text/javascript," + encodeURIComponent(hooks));

// The time is the local cloud's, which may run faster than the machine's: so delays, visibility timeouts and
// what messages tell of their times are by that clock.
const real = Date.now, began = real();
const origin = Number(ORIGIN) + (began - Number(ORIGIN)) * Number(SPEED);
globalThis.Date = class extends Date {
  constructor(...when) { when.length ? super(...when) : super(Date.now()); }
  static now() { return Math.floor(origin + (real() - began) * Number(SPEED)); }
};

const { buildApp } = await import(dist("app.js"));
const { SqsStore } = await import(dist("sqs/sqsStore.js"));

const sqsStore = new SqsStore();
sqsStore.host = ""; // queue URLs are at the host that the caller used
const app = buildApp({ logger: false, defaultRegion: REGION, stores: { sqsStore } });

// What CloudWatch would know of each queue, at a path that no bucket can have.
app.get("/_queues", () => {
  const states = {};
  for (const queue of sqsStore.queues.values()) {
    queue.processTimers();
    const held = [...queue.messages, ...[...queue.fifoMessages.values()].flat(), ...[...queue.inflightMessages.values()].map((m) => m.message)];
    states[queue.name] = {
      visible: Number(queue.getAttribute("ApproximateNumberOfMessages")),
      notVisible: queue.inflightMessages.size,
      delayed: Number(queue.getAttribute("ApproximateNumberOfMessagesDelayed")),
      oldestMs: held.length ? Date.now() - held.reduce((oldest, m) => Math.min(oldest, m.sentTimestamp), Infinity) : null,
      deadLetters: /"deadLetterTargetArn":\s*"[^"]*:([^":]+)"/.exec(queue.getAttribute("RedrivePolicy") ?? "")?.[1] ?? "",
    };
  }
  return states;
});
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
