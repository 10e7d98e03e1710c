// A process of its own: makes HTTP calls at a fixed rate, whether those before are answered or not, and says on stdout
// how long each took.
import { Agent, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { CHAT_BODY } from "./envoy-question.mjs";
import { quantile } from "./statistics.mjs";

/**
 * @typedef {{ port: number, path: string, perSecond: number, measureMs: number, reason: string | undefined, isWarmUp: boolean }} Task
 *   `reason`: what x-windbreak-reason must say; left out: it must not be there. `isWarmUp`: any answer will do.
 * @typedef {{ calls: number, p50Us: number, p99Us: number }} Outcome
 */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? "{}");
const BODY = Buffer.from(CHAT_BODY);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** @returns {Promise<number>} microseconds from the sending to the answer's end. */
function call() {
  const { port, path, reason, isWarmUp } = task;
  const headers = { "content-type": "application/json", "content-length": BODY.length, authorization: "Bearer none" };
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const sent = request({ host: "127.0.0.1", port, path, method: "POST", agent, headers }, (response) => {
      const { statusCode, headers: answered } = response;
      if (!isWarmUp && (statusCode !== 200 || answered["x-windbreak-reason"] !== reason)) {
        reject(new Error(`not an answer of Mistral's: ${statusCode} ${JSON.stringify(answered)}`));
      }
      response.resume().on("end", () => resolve((performance.now() - sentAt) * 1000));
    });
    sent.on("error", reject);
    sent.end(BODY);
  });
}

async function callAll() {
  const begun = performance.now();
  const count = Math.round((task.measureMs / 1000) * task.perSecond);
  const calls = [];
  for (let made = 0; made < count; made++) {
    const due = begun + (made / task.perSecond) * 1000;
    const early = due - performance.now();
    if (early > 0) await wait(early);
    calls.push(call());
  }
  return Promise.all(calls);
}

const us = await callAll();
/** @type {Outcome} */
const outcome = { calls: us.length, p50Us: quantile(us, 0.5), p99Us: quantile(us, 0.99) };
agent.destroy();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
