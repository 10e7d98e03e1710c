import { expect, test } from "vitest";
import { warningLines } from "./written.js";

const BASE = 'version: 1\nworkspaces: { w: { models: ["*"] } }\nroles: { r: { models: ["*"] } }\n';

test("a policy that admits somebody is loaded without a word", () => {
  expect(warningLines(BASE)).toEqual([]);
});

test("a policy that denies every call is warned of, at the section that is empty or at the top", () => {
  const remedies = ["workspaces", "roles"].map((section) => `add one, such as ${section}: { NAME: { models: ["*"] } }`);
  expect(warningLines("version: 1\nroles: {}\n")).toEqual([
    `p:1:1: workspaces: there is no workspace, so every call is denied; ${remedies[0]}`,
    `p:2:1: roles: there is no role, so every call is denied; ${remedies[1]}`,
  ]);
  expect(warningLines('version: 1\nroles: { r: { models: ["*"] } }\nworkspaces: {}\n')).toEqual([
    `p:3:1: workspaces: there is no workspace, so every call is denied; ${remedies[0]}`,
  ]);
});
