import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { revisionOf, startProcess } from "./running-process.js";
import { keepAsking, revisionsMet } from "./steady-load.js";

const PRINCIPALS = 11_000;
/** A fraction of what reading such a policy takes, which is more than a second; wide enough for a machine that is busy. */
const LONGEST_CALL_MS = 500;

const SMALL = `
version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"], limits: { tokens_per_day: 1_000_000_000 } } }
principals:
`;

/** A policy of a megabyte, each of whose principals has limits and a list of its own. */
function largePolicy(usdPerDay: number): string {
  const lines = Array.from(
    { length: PRINCIPALS },
    (_, index) =>
      `  service-${index}: { role: crew, workspace: dev, models: [mistral-small-latest], limits: { usd_per_day: ${usdPerDay} } }\n`,
  );
  return `${SMALL}${lines.join("")}`;
}

describe("a reload of a large policy", () => {
  it("lets no call fail and none wait for it", { timeout: 90_000 }, async () => {
    // Judged before there is load: it would keep this process, too, from its calls.
    const small = judged(`${SMALL}  service-0: { role: crew, workspace: dev }\n`);
    const large = [judged(largePolicy(10)), judged(largePolicy(20))];
    expect(large[0]?.text.length).toBeGreaterThan(1_000_000);
    const running = await startProcess(small.text);
    const load = keepAsking(running.client, {
      principal: { id: "service-0" },
      model: "mistral-small-latest",
      input_tokens: 1,
      max_output_tokens: 1,
    });
    await load.everyCallerSees(small.revision, 5_000);
    const longest: number[] = [];
    for (const { text, revision } of large) {
      const begun = load.samples.length;
      writeFileSync(running.file, text);
      await load.everyCallerSees(revision, 25_000);
      longest.push(Math.max(...load.samples.slice(begun).map(({ tookMs }) => tookMs)));
    }
    await load.stop();

    expect(load.failures).toEqual([]);
    const revisions = [small, ...large].map(({ revision }) => revision);
    for (const met of revisionsMet(load.samples)) expect(met).toEqual(revisions);
    expect(load.samples.filter(({ allowed }) => !allowed)).toEqual([]);
    // What other processes take of this machine is not the reload's doing: the calmer of the two counts.
    expect(Math.min(...longest), `longest calls: ${longest.join(", ")} ms`).toBeLessThan(LONGEST_CALL_MS);
  });
});

function judged(text: string) {
  return { text, revision: revisionOf(text) };
}
