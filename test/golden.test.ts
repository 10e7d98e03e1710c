import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCase, type Step } from "./golden/case.js";
import { GoldenStage } from "./golden/stage.js";

const DIRECTORY = join(import.meta.dirname, "golden");
const NAMES = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.slice(0, -".yaml".length));

describe("what the rules come to", () => {
  it.each(NAMES)("%s", async (name) => {
    const golden = readCase(join(DIRECTORY, `${name}.yaml`));
    const stage = new GoldenStage(golden);
    for (const [index, step] of golden.steps.entries()) {
      for (let time = 1; time <= step.times; time++) {
        const came = await stage.play(step);
        const said = `step ${index + 1}${step.times > 1 ? `, time ${time}` : ""}${titleOf(step)}`;
        if (step.log !== undefined) {
          const lines = step.log === "none" ? [] : [expect.objectContaining({})];
          expect(stage.logged, said).toEqual(lines);
          if (step.log !== "none") expect(stage.logged[0], said).toMatchObject(step.log);
        }
        if (!("expect" in step)) continue;
        if (typeof step.expect === "object") expect(came, said).toMatchObject(step.expect);
        else expect(came, said).toBe(step.expect);
      }
    }
  });
});

function titleOf({ says }: Step): string {
  return says === undefined ? "" : ` (${says})`;
}
