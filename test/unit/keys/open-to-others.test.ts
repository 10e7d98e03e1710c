import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isOpenToOthers, warningsOfOpenFiles } from "../../../src/keys/open-to-others.js";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "open-"));
  chmodSync(directory, 0o755);
});
afterEach(() => rmSync(directory, { recursive: true }));

function fileOf(mode: number, name = "key"): string {
  const file = join(directory, name);
  writeFileSync(file, "secret");
  chmodSync(file, mode);
  return file;
}

it.each([
  [0o600, false, false],
  [0o640, false, false],
  [0o644, true, false],
  [0o602, false, true],
])("a file of mode %o is read and written by others as its mode says", async (mode, isRead, isWritten) => {
  const file = fileOf(mode);
  expect([await isOpenToOthers(file, "read"), await isOpenToOthers(file, "write")]).toEqual([isRead, isWritten]);
});

it("a file is closed behind a directory that others may not enter, and open through a link to it", async () => {
  const file = fileOf(0o644);
  mkdirSync(join(directory, "shut"), { mode: 0o700 });
  symlinkSync(file, join(directory, "shut", "link"));
  writeFileSync(join(directory, "shut", "key"), "secret");
  expect(await isOpenToOthers(join(directory, "shut", "link"), "read")).toBe(true);
  expect(await isOpenToOthers(join(directory, "shut", "key"), "read")).toBe(false);
});

it("a file is written by others where they can put another in its place: in an open directory that is not sticky", async () => {
  const file = fileOf(0o644);
  const outcomes: boolean[] = [];
  for (const mode of [0o777, 0o1777, 0o772, 0o755]) {
    chmodSync(directory, mode);
    outcomes.push(await isOpenToOthers(file, "write"));
  }
  expect(outcomes).toEqual([true, false, false, false]);
  mkdirSync(join(directory, "shut"), { mode: 0o700 });
  writeFileSync(join(directory, "shut", "key"), "secret");
  chmodSync(directory, 0o777);
  const inShut = join(directory, "shut", "key");
  expect([await isOpenToOthers(inShut, "write"), await isOpenToOthers(inShut, "read")]).toEqual([true, false]);
  expect(await isOpenToOthers(file, "read")).toBe(true);
});

it("each open file is warned of once, and one that is not there by whoever reads it", async () => {
  const [open, shut] = [fileOf(0o644, "open"), fileOf(0o600, "shut")];
  expect(await warningsOfOpenFiles([open, shut, open, join(directory, "missing")])).toEqual([
    `${open}: holds a secret, and every account of this machine can read it; chmod o-r it (Kubernetes: defaultMode: 0440)`,
  ]);
});
