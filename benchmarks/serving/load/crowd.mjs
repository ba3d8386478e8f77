// A crowd: clients of whom each wants one image a second, and who come back when they are told to.
//
// Nobody has a clock in common with the others: who was served wants the next image half a second to
// one and a half after he wanted the last, and who was sent away comes within the second after he may.
//
// After the flood, requests at a low, even rate show how soon answers are as fast as before it.
// undici is the HTTP client. One argument, JSON: {url, body, clients, seconds, rush_seconds,
// probe_rate, probe_seconds, undici}. Prints one line of JSON.

import { createRequire } from "node:module";

const options = JSON.parse(process.argv[2]);
const { Client, Pool } = createRequire(options.undici + "/")("undici");
const { origin, pathname } = new URL(options.url);
const [before, after] = options.body.split("SEED");
const headers = { "content-type": "application/json" };
const WISH_MS = 1000;
const between = (least, most) => least + Math.random() * (most - least);

const images = [], refusals = [], lateRefusals = [], recovery = [];
let sent = 0, failed = 0, kept = 0, admitted = 0, longest = 0;
let isFlood = true, isRush = true;

function ask(connection, answered) {
  const asked = performance.now();
  let status = 0, retryAfter = 1;
  connection.dispatch({ path: pathname, method: "POST", headers, body: before + ++sent + after }, {
    onConnect() {},
    onHeaders(code, raw) {
      status = code;
      for (let i = 0; code === 429 && i < raw.length; i += 2)
        if (raw[i].toString().toLowerCase() === "retry-after") retryAfter = Number(raw[i + 1].toString());
      return true;
    },
    onData() { return true; },
    onComplete() { answered(status, performance.now() - asked, retryAfter); },
    onError() { answered(0, performance.now() - asked, 1); },
  });
}

function live(client, wasTold) {
  if (!isFlood) return;
  const asked = performance.now(), wasRush = isRush;
  ask(client, (status, took, retryAfter) => {
    if (!isFlood) return;
    if (wasTold) kept++;
    if (status === 200) {
      images.push(took);
      if (wasTold) admitted++;
      setTimeout(live, Math.max(0, asked + between(0.5, 1.5) * WISH_MS - performance.now()), client, false);
    } else if (status === 429) {
      refusals.push(took);
      if (!wasRush) lateRefusals.push(took);
      longest = Math.max(longest, retryAfter);
      setTimeout(live, between(retryAfter, retryAfter + 1) * 1000, client, true);
    } else {
      failed++;
      setTimeout(live, WISH_MS, client, false);
    }
  });
}

function probe(pool, over) {
  const at = (performance.now() - over) / 1000;
  if (at < options.probe_seconds) {
    ask(pool, (status, took) => recovery.push([at, status, took]));
    setTimeout(probe, 1000 / options.probe_rate, pool, over);
  } else setTimeout(report, 2000);
}

function report() {
  const quantile = (values, q) => values.sort((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? null;
  const found = JSON.stringify({
    images: images.length, shed: refusals.length, failed, kept, admitted, longest_retry_after_s: longest,
    image_p50_ms: quantile(images, 0.5), image_p99_ms: quantile(images, 0.99),
    shed_p50_ms: quantile(refusals, 0.5), shed_p99_ms: quantile(refusals, 0.99),
    late_shed_p50_ms: quantile(lateRefusals, 0.5), late_shed_p99_ms: quantile(lateRefusals, 0.99),
    recovery,
  });
  process.stdout.write(found, () => process.exit(0)); // a pipe takes it in pieces
}

for (let i = 0; i < options.clients; i++) // each with a connection of his own
  setTimeout(live, (WISH_MS * i) / options.clients, new Client(origin), false);
setTimeout(() => { isRush = false; }, options.rush_seconds * 1000);
setTimeout(() => {
  isFlood = false;
  probe(new Pool(origin, { connections: null }), performance.now());
}, options.seconds * 1000);
