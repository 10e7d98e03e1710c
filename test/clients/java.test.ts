import { afterAll, beforeAll, it } from "vitest";
import { buildJava, type Program } from "../support/clients/build.js";
import { describeClient } from "../support/clients/describe-client.js";
import { expectScenarios } from "./scenarios.js";

/** Maven fetches what the build needs the first time. */
const BUILD_MS = 600_000;

describeClient("java", "Java's client", () => {
  let program: Program;
  beforeAll(async () => {
    program = await buildJava();
  }, BUILD_MS);
  afterAll(() => program.discard());

  it("asks, calls and settles, and does not call where it is refused", () => expectScenarios(program, "tcp"), 60_000);
});
