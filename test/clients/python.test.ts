import { afterAll, beforeAll, it } from "vitest";
import { buildPython, type Program } from "../support/clients/build.js";
import { describeClient } from "../support/clients/describe-client.js";
import { expectScenarios } from "./scenarios.js";

describeClient("python", "Python's client", () => {
  let program: Program;
  beforeAll(async () => {
    program = await buildPython("by_hand.py");
  });
  afterAll(() => program.discard());

  it("asks, calls and settles, and does not call where it is refused", () => expectScenarios(program, "unix"), 60_000);
});
