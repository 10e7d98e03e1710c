import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ENVOY_VERSIONS, missing } from "../support/envoy/at-hand.js";
import { serversAtHand } from "../support/redis/servers-at-hand.js";
import { faultsOf, type Reading } from "./judge.js";
import { pageNames, readPage } from "./markdown.js";
import { Stage } from "./stage.js";

const PAGE = { timeout: 120_000 };

/** What a page's blocks start that this machine has not, and how to get it. In CI that is a failure, not a reason. */
function lacking(text: string): string {
  if (process.env["CI"] === "true") return "";
  const servers = serversAtHand().missing;
  const needs = [
    /:6379\b/.test(text) ? servers.get("redis-server") : undefined,
    /redis-cli/.test(text) ? servers.get("redis-cli") : undefined,
    /^envoy |static_resources/m.test(text)
      ? missing({ kind: "envoy", version: ENVOY_VERSIONS.at(-1) ?? "" })
      : undefined,
    /import Mistral/.test(text) ? missing({ kind: "mistralai" }) : undefined,
    /\bjq\b/.test(text) && !isOnPath("jq") ? "jq is missing: apt-get install jq." : undefined,
  ];
  return needs.filter((one) => one !== undefined).join(" ");
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((room) => existsSync(join(room, program)));
}

describe("what stands in the docs' blocks", () => {
  it.for(pageNames())("%s does what it says, from its first block to its last", PAGE, async (name, { skip }) => {
    const page = readPage(name);
    const whole = page.blocks.map(({ text, mark = "" }) => `${mark}\n${text}`).join("\n");
    const because = lacking(whole);
    if (because !== "") skip(because);
    const faults = [...page.faults];
    if (page.blocks.length > 0) {
      const stage = await Stage.open(whole);
      const reading: Reading = { stage, last: undefined };
      for (const block of page.blocks) faults.push(...(await faultsOf(block, reading)));
    }
    expect(faults.join("\n\n")).toBe("");
  });
});
