import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { startProcess } from "./running-process.js";
import { keepAsking, revisionsMet } from "./steady-load.js";

const PRINCIPALS = 12_000;
/** A pause that a caller may notice and that no deadline of a call falls into; also with two busy cores. */
const LONGEST_CALL_MS = 250;

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
  it("lets no call fail and none wait for it", { timeout: 60_000 }, async () => {
    const texts = [`${SMALL}  service-0: { role: crew, workspace: dev }\n`, largePolicy(10), largePolicy(20)] as const;
    expect(texts[1].length).toBeGreaterThan(1_000_000);
    // Before there is load: it would keep this process, too, from its calls.
    const revisions = texts.map(revisionOf);
    const running = await startProcess(texts[0]);
    const load = keepAsking(running.client, {
      principal: { id: "service-0" },
      model: "mistral-small-latest",
      input_tokens: 1,
      max_output_tokens: 1,
    });
    await load.everyCallerSees(revisions[0] ?? "", 5_000);
    const begun = load.samples.length;
    for (const [index, text] of texts.entries()) {
      writeFileSync(running.file, text);
      await load.everyCallerSees(revisions[index] ?? "", 20_000);
    }
    await load.stop();

    expect(load.failures).toEqual([]);
    for (let caller = 0; caller < 5; caller++) expect(revisionsMet(load.samples, caller)).toEqual(revisions);
    expect(load.samples.filter(({ allowed }) => !allowed)).toEqual([]);
    const longest = Math.max(...load.samples.slice(begun).map(({ tookMs }) => tookMs));
    expect(longest).toBeLessThan(LONGEST_CALL_MS);
  });
});

function revisionOf(text: string): string {
  const loaded = loadPolicy(Buffer.from(text), "policy.yaml");
  if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
  return loaded.policy.revision;
}
