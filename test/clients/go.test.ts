import { afterAll, beforeAll, it } from "vitest";
import { buildGo, type Program } from "../support/clients/build.js";
import { describeClient } from "../support/clients/describe-client.js";
import { expectScenarios } from "./scenarios.js";

/** Go builds what generates the code and what it stands on the first time. */
const BUILD_MS = 300_000;

describeClient("go", "Go's client", () => {
  let program: Program;
  beforeAll(async () => {
    program = await buildGo();
  }, BUILD_MS);
  afterAll(() => program.discard());

  it("asks, calls and settles, and does not call where it is refused", () => expectScenarios(program, "unix"), 60_000);
});
