// Starts fauxqs (SQS, SNS, S3) on a loopback port and prints its address. Its own command listens
// on every interface, and knows one account only.
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { MODULES, ACCOUNT, REGION, ORIGIN, SPEED } = process.env;
const dist = (file) => pathToFileURL(join(MODULES, "fauxqs", "dist", file)).href;

// The account id is a constant in one file of fauxqs: give it ours while that file is loaded.
const hooks = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (url === ${JSON.stringify(dist("common/types.js"))}) {
    loaded.source = String(loaded.source).replace('"000000000000"', ${JSON.stringify(JSON.stringify(ACCOUNT))});
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
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
