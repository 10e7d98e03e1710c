import { expect, it } from "vitest";
import type { Environment, Flags } from "../../../src/settings/given.js";
import { readServeSettings } from "../../../src/settings.js";

function stateOf(flags: Flags, env: Environment = {}) {
  const read = readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
  return read.kind === "read" ? read.settings.stateDirectory : read.faults;
}

it("counters outlive a restart where a flag or a variable names a directory, the flag first", () => {
  expect(stateOf({})).toBeUndefined();
  expect(stateOf({ state: "/var/lib/windbreak" })).toBe("/var/lib/windbreak");
  expect(stateOf({}, { WINDBREAK_STATE: "/srv/state" })).toBe("/srv/state");
  expect(stateOf({ state: "here" }, { WINDBREAK_STATE: "/srv/state" })).toBe("here");
});

it("an empty --state is a fault: a slip must not make a restart forget", () => {
  expect(stateOf({ state: "" })).toEqual([{ where: "--state", what: "empty", remedy: "give --state DIR" }]);
});
