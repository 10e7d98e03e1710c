// What the guard of `windbreak/client` adds to a call of Mistral's own client: the same call bare and guarded, in turns,
// answered in this process without a network, one at a time. Windbreak is a process of its own, on a Unix socket.
// Run after a build: node test/bench/client.mjs
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HTTPClient, Mistral } from "@mistralai/mistralai";
import { built, MAIN } from "./built.mjs";
import { ANY_CORE, hear, start, stop } from "./process.mjs";
import { median } from "./statistics.mjs";
import { until } from "./until.mjs";

/** @type {typeof import("../../src/client/client.js")} */
const { withWindbreak } = await built("client/client.js");

/** @typedef {{ p50: number, cpu: number }} Round microseconds. */

const ROUNDS = 15;
const CALLS = 400;
const STREAMS = 40;
const PIECES = 500;

const POLICY = `
version: 1
organization: bench
workspaces: { bench: { models: ["*"], limits: { usd_per_month: 1000000, requests_per_minute: 10_000_000 } } }
roles: { service: { models: ["*"] } }
`;
const USAGE = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 };
const COMPLETION = JSON.stringify({
  id: "1",
  object: "chat.completion",
  created: 1,
  model: "mistral-small-latest",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "un deux trois" } }],
  usage: USAGE,
});
/** @param {object} more */
const piece = (more) =>
  Buffer.from(
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", ...more })}\n\n`,
  );
const PIECE = piece({ choices: [{ index: 0, delta: { content: " deux" }, finish_reason: null }] });
const LAST = piece({ choices: [{ index: 0, delta: { content: "" }, finish_reason: "stop" }], usage: USAGE });

/** A message of 2 KiB. */
const MESSAGES = [{ role: /** @type {const} */ ("user"), content: "Count to three. ".repeat(128) }];
const CALL = { model: "mistral-small-latest", messages: MESSAGES, maxTokens: 512 };

/** Answers in Mistral's stead. */
const httpClient = new HTTPClient({
  fetcher: async (request) => {
    const asked = request instanceof Request ? await request.text() : "";
    if (!asked.includes('"stream":true'))
      return new Response(COMPLETION, { headers: { "content-type": "application/json" } });
    let left = PIECES;
    const body = new ReadableStream({
      pull(controller) {
        if (left > 0) controller.enqueue(PIECE);
        else {
          controller.enqueue(LAST);
          controller.close();
        }
        left--;
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});

const folder = mkdtempSync(join(tmpdir(), "client-"));
writeFileSync(join(folder, "policy.yaml"), POLICY);
const address = `unix:${folder}/windbreak.sock`;
const argv = /** @type {const} */ ([process.execPath, MAIN, "serve", "--policy", join(folder, "policy.yaml")]);
const service = start(ANY_CORE, [...argv, "--listen", address, "--admin", "off", "--log-format", "text"]);
const said = hear(service.stderr);
await until(() => said().includes("counters live in"));

const bare = new Mistral({ apiKey: "any", httpClient });
const who = { principal: "bench", role: "service", workspace: "bench" };
let denied = 0;
const guarded = withWindbreak(new Mistral({ apiKey: "any", httpClient }), {
  ...who,
  address,
  timeoutMs: 10_000,
  onDecision: ({ kind }) => void (kind === "allowed" || denied++),
});

/** @param {Mistral} client */
const complete = async (client) => void (await client.chat.complete(CALL));
/** @param {Mistral} client */
const stream = async (client) => {
  for await (const _ of await client.chat.stream(CALL));
};

/**
 * @param {Mistral} client
 * @param {number} calls
 * @param {(client: Mistral) => Promise<void>} call
 */
async function round(client, calls, call) {
  const cpu = process.cpuUsage();
  /** @type {number[]} */
  const us = [];
  for (let i = 0; i < calls; i++) {
    const begun = performance.now();
    await call(client);
    us.push((performance.now() - begun) * 1000);
  }
  await guarded.windbreak.settled();
  const { user, system } = process.cpuUsage(cpu);
  return { p50: median(us), cpu: (user + system) / calls };
}

/**
 * @param {string} name
 * @param {number} calls
 * @param {(client: Mistral) => Promise<void>} call
 */
async function compare(name, calls, call) {
  for (const client of [bare, guarded]) await round(client, calls, call);
  /** @type {{ bare: Round, guarded: Round }[]} */
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push({ bare: await round(bare, calls, call), guarded: await round(guarded, calls, call) });
  }
  // The quietest round: what else runs on the machine adds to a call, and never takes from it.
  const least = (/** @type {"bare" | "guarded"} */ side, /** @type {keyof Round} */ column) =>
    Math.min(...rounds.map((one) => one[side][column]));
  for (const [what, column] of /** @type {const} */ ([
    ["one call at a time", "p50"],
    ["CPU of the caller", "cpu"],
  ])) {
    const [without, withIt] = [least("bare", column), least("guarded", column)];
    process.stdout.write(
      `| ${name}: ${what} | ${without.toFixed(0)} | ${withIt.toFixed(0)} | ${(withIt - without).toFixed(0)} |\n`,
    );
  }
}

try {
  process.stdout.write("| us a call | bare | guarded | more |\n|---|--:|--:|--:|\n");
  await compare("complete", CALLS, complete);
  await compare(`stream of ${PIECES} pieces`, STREAMS, stream);
  if (denied > 0) throw new Error(`${denied} calls were refused`);
} finally {
  await guarded.windbreak.close();
  await stop(service);
  rmSync(folder, { recursive: true });
}
