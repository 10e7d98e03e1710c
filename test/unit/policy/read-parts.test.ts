import { expect, test } from "vitest";
import { beginPolicy, compilePolicy } from "../../../src/policy/compile.js";
import { readPolicy } from "../../../src/policy/read.js";
import { partsOf } from "../../../src/policy/read-parts.js";

function policyOf(principals: number): Uint8Array {
  const names = Array.from({ length: principals }, (_, index) => `  p-${index}: { role: crew, workspace: dev }`);
  return Buffer.from(`version: 1
workspaces: { dev: { models: ["*"], limits: { usd_per_day: 1 } } }
roles: { crew: { models: [mistral-embed] } }
principals:
${names.join("\n")}
`);
}

test("a policy that comes in parts is the policy that is read at once", () => {
  for (const principals of [1, 500, 501, 1234]) {
    const read = readPolicy(policyOf(principals), "policy.yaml");
    if (read.kind === "faulty") throw new Error("the policy is sound");
    const [head, ...slices] = partsOf(read);
    if (head?.kind !== "ok") throw new Error("the first part is all but the principals");
    const compiling = beginPolicy(structuredClone(head.file), head.revision);
    for (const part of slices) if (part.kind === "principals") compiling.add(structuredClone(part.principals));
    expect(compiling.finish()).toEqual(compilePolicy(read.file, read.revision));
    expect(slices).toHaveLength(Math.ceil(principals / 500));
  }
});

test("a policy at fault is one part", () => {
  const read = readPolicy(Buffer.from("version: 2"), "policy.yaml");
  expect([...partsOf(read)]).toEqual([read]);
});
