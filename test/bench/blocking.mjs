// How long one body of a megabyte keeps all others waiting: the longest turn of the event loop while it is judged.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PREFIX_BYTES } from "./answers.mjs";
import { askGuard } from "./check-answers.mjs";
import { CHECK } from "./doors.mjs";
import { CHAT_BODY, checkBody } from "./envoy-question.mjs";
import { guardedService } from "./guarded-service.mjs";
import { HOSTILE_BODIES } from "./hostile-bodies.mjs";
import { hear, SERVER_CORE, stop } from "./process.mjs";
import { median } from "./statistics.mjs";
import { until } from "./until.mjs";

/**
 * `longestMs`: of each time that it was judged, the longest turn; of those the middle one. `worstMs`: the longest of all.
 *
 * @typedef {{ what: string, bytes: number, longestMs: number, worstMs: number }} BlockingFigure
 */

const PROBE = fileURLToPath(new URL("turn-probe.mjs", import.meta.url));
/** Judged so often before it counts. */
const WARM_TIMES = 5;

/**
 * Measure an everyday body and hostile ones.
 *
 * @param {{ nodeFlags: readonly string[], times: number }} options `times`: how often each is judged.
 * @returns {Promise<readonly BlockingFigure[]>}
 */
export async function measureBlocking({ nodeFlags, times }) {
  const service = guardedService({ nodeFlags: [...nodeFlags, "--import", PROBE], core: SERVER_CORE });
  const child = service.start();
  const complaint = hear(child.stderr);
  const lines = createInterface({ input: child.stdout });
  const longest = async () => {
    const line = once(lines, "line");
    child.kill("SIGUSR2");
    return Number(/^longest turn: (\S+) ms$/.exec(String((await line)[0]))?.[1]);
  };
  const target = { port: 0, socket: service.envoys, path: CHECK, bodyFile: "" };
  const ask = async (
    /** @type {Uint8Array} */ question,
    /** @type {Pick<import("./hostile-bodies.mjs").HostileBody, "what" | "status">} */ { what, status },
  ) => {
    await longest();
    const { httpResponse } = await askGuard(target, question.subarray(PREFIX_BYTES));
    const refused = httpResponse?.$case === "deniedResponse" ? httpResponse.value : undefined;
    assert.equal(refused?.status?.code ?? 200, status, `${what}: ${refused?.body ?? "let through"}`);
    return longest();
  };
  /** @type {BlockingFigure[]} */
  const figures = [];
  try {
    await until(() => existsSync(service.envoys));
    for (const { what, body, status, ...more } of [EVERYDAY, ...HOSTILE_BODIES]) {
      const question = checkBody(body, more);
      const all = [];
      for (let time = -WARM_TIMES; time < times; time++) {
        const ms = await ask(question, { what, status });
        if (time >= 0) all.push(ms);
      }
      figures.push({ what, bytes: Buffer.byteLength(body), longestMs: median(all), worstMs: Math.max(...all) });
    }
    assert.equal(complaint(), "", "Windbreak has nothing to complain of");
    return figures;
  } finally {
    await stop(child);
  }
}

/** @type {import("./hostile-bodies.mjs").HostileBody} */
const EVERYDAY = { what: "an everyday call", body: CHAT_BODY, status: 200 };
