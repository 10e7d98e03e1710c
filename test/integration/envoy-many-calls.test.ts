import { expect, it } from "vitest";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { guardedPolicy, guardedSidecar, REQUESTS, settles, TOKENS } from "./envoy-guarded.js";

/** Node 20 cannot raise the thousand resets that nghttp2 bears of a connection. */
const CALLS = Number.parseInt(process.versions.node, 10) < 24 ? 950 : 2_500;
/** So that they are more than 250 a second. */
const ABREAST = 32;
/** What Mistral says that each answer of these tests used. */
const USED = 13;

describeEnvoy("a busy Envoy", (version) => {
  it("is cut off by nothing, and each of its calls is answered and settled", { timeout: 60_000 }, async () => {
    const { call, windbreak } = await guardedSidecar(version, guardedPolicy({ requests: CALLS }));
    const statuses: number[] = [];
    let left = CALLS;
    const caller = async () => {
      while (left > 0) {
        left -= 1;
        const answer = await call();
        await answer.text();
        statuses.push(answer.status);
      }
    };
    await Promise.all(Array.from({ length: ABREAST }, caller));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await settles(windbreak, REQUESTS, `${CALLS}/0`);
    await settles(windbreak, TOKENS, `${CALLS * USED}/0`);
    const { text } = await windbreak.get("/metrics");
    expect(text).toMatch(/^windbreak_peers_cut_total\{reason="resets"\} 0$/m);
  });
});
