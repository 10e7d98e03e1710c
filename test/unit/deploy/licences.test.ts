import { describe, expect, it } from "vitest";
import { shippedPackages } from "../../support/shipped.js";

/** They ask to be named, and for nothing else that this licence does not ask for. */
const TAKEN = new Set(["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

/** Whether an SPDX expression asks for no more: in all of its parts, where they are joined by AND; in one, by OR. */
function isTaken(license: unknown): boolean {
  if (typeof license !== "string") return false;
  const bare = license.replace(/^\((.*)\)$/, "$1");
  if (bare.includes(" OR ")) return bare.split(" OR ").some((one) => isTaken(one));
  return bare.split(" AND ").every((one) => TAKEN.has(one));
}

describe("what ships", () => {
  it("is under licences that let it be used and passed on", () => {
    const shipped = shippedPackages();
    expect(shipped.length).toBeGreaterThan(50);
    expect(
      shipped.filter(({ license }) => !isTaken(license)).map(({ name, license }) => `${name}: ${license}`),
    ).toEqual([]);
  });
});

describe("a licence", () => {
  it.each([
    ["MIT", true],
    ["(Apache-2.0 AND BSD-3-Clause)", true],
    ["(MIT OR GPL-3.0-only)", true],
    ["(MIT AND GPL-3.0-only)", false],
    ["GPL-3.0-only", false],
    ["SEE LICENSE IN LICENSE", false],
    [undefined, false],
  ])("%s is taken: %s", (license, taken) => expect(isTaken(license)).toBe(taken));
});
