// Open loop: requests leave at times drawn beforehand, whether or not earlier ones are answered.
//
// Arrivals are a Poisson process (the same one for every contestant, scaled to the rate), over as
// many connections as it takes. Latency counts from the time at which a request was due, so that
// nobody gains by making the client wait (coordinated omission). undici is the HTTP client.
// One argument, JSON: {url, body, rate, seconds, grace_seconds, undici}. Prints one line of JSON.

import { createRequire } from "node:module";

const options = JSON.parse(process.argv[2]);
const { Pool } = createRequire(options.undici + "/")("undici");
const { origin, pathname } = new URL(options.url);
const [before, after] = options.body.split("SEED");
const headers = { "content-type": "application/json" };
const pool = new Pool(origin, { connections: null, pipelining: 1 });

const latencies = [];
const lags = [];
let ok = 0, shed = 0, failed = 0, sent = 0, isOver = false;

let state = 2463534242; // of xorshift32 (Marsaglia 2003): arrivals repeat
function random() {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

function due() {
  const times = [];
  for (let at = 0; ; ) {
    at -= (Math.log(1 - random()) / options.rate) * 1000;
    if (at >= options.seconds * 1000) return times;
    times.push(at);
  }
}

function send(dueAt) {
  lags.push(performance.now() - dueAt);
  const body = before + ++sent + after;
  let status = 0;
  pool.dispatch({ path: pathname, method: "POST", headers, body }, {
    onConnect() {},
    onHeaders(code) { status = code; return true; },
    onData() { return true; },
    onComplete() {
      if (isOver) return;
      if (status === 200) { ok++; latencies.push(performance.now() - dueAt); }
      else if (status === 429 || status === 503) shed++;
      else failed++;
    },
    onError() { if (!isOver) failed++; },
  });
}

const times = due();
const start = performance.now();
function tick() {
  while (sent < times.length && start + times[sent] <= performance.now()) send(start + times[sent]);
  const answered = ok + shed + failed;
  const end = start + (options.seconds + options.grace_seconds) * 1000;
  if (answered < times.length && performance.now() < end) setTimeout(tick, 1);
  else report(times.length - answered);
}

function report(unanswered) {
  isOver = true;
  const quantile = (values, q) => values.sort((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? null;
  console.log(JSON.stringify({
    offered: times.length, ok, shed, failed, unanswered,
    seconds: (performance.now() - start) / 1000,
    p50_ms: quantile(latencies, 0.5), p99_ms: quantile(latencies, 0.99), lag_p99_ms: quantile(lags, 0.99),
  }));
  process.exit(0);
}

tick();
