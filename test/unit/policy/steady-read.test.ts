import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MOST_BYTES } from "../../../src/policy/decode.js";
import { readSteady } from "../../../src/policy/steady-read.js";

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "windbreak-"));
  file = join(directory, "policy.yaml");
});

afterEach(() => rm(directory, { recursive: true }));

/** A pause in which the given steps happen, one a pause; then nothing does. */
function pauses(...steps: (() => Promise<void>)[]) {
  const count = { pauses: 0 };
  const settle = async () => {
    await steps[count.pauses]?.();
    count.pauses += 1;
  };
  return { settle, count };
}

async function readText(settle: () => Promise<void>): Promise<string> {
  const result = await readSteady({ file, settle });
  return result.kind === "read" ? Buffer.from(result.bytes).toString() : result.fault;
}

describe("a steady read", () => {
  test("reads a file that is still after one pause", async () => {
    await writeFile(file, "whole");
    const { settle, count } = pauses();
    expect(await readText(settle)).toBe("whole");
    expect(count.pauses).toBe(1);
  });

  test("does not read while a file is being written, however long that takes", async () => {
    await writeFile(file, "limits: {");
    const { settle, count } = pauses(
      () => appendFile(file, " usd_per_day:"),
      () => appendFile(file, " 5"),
      () => appendFile(file, " }"),
    );
    expect(await readText(settle)).toBe("limits: { usd_per_day: 5 }");
    expect(count.pauses).toBe(4);
  });

  test("does not read a file that was rewritten with as many bytes", async () => {
    await writeFile(file, "one");
    const { settle, count } = pauses(() => writeFile(file, "two"));
    expect(await readText(settle)).toBe("two");
    expect(count.pauses).toBe(2);
  });

  test("reads again what changed under the read", async () => {
    await writeFile(file, "old");
    const read = [
      async (path: string) => {
        const half = await readFile(path);
        await writeFile(path, "new, and longer");
        return half;
      },
    ];
    const result = await readSteady({
      file,
      settle: pauses().settle,
      read: (path) => (read.shift() ?? readFile)(path),
    });
    expect(result).toMatchObject({ kind: "read", bytes: Buffer.from("new, and longer") });
  });

  test("reads again what was replaced by rename under the read", async () => {
    await writeFile(file, "old");
    await writeFile(`${file}.new`, "new");
    let reads = 0;
    const result = await readSteady({
      file,
      settle: pauses().settle,
      read: async (path) => {
        const bytes = await readFile(path);
        reads += 1;
        if (reads === 1) await rename(`${file}.new`, file);
        return bytes;
      },
    });
    expect(result).toMatchObject({ kind: "read", bytes: Buffer.from("new") });
    expect(reads).toBe(2);
  });

  test("reads an empty file", async () => {
    await writeFile(file, "");
    expect(await readSteady({ file, settle: pauses().settle })).toMatchObject({
      kind: "read",
      bytes: new Uint8Array(),
    });
  });

  test("bridges the moment between an editor's removal and its new file", async () => {
    const { settle } = pauses(() => writeFile(file, "back"));
    expect(await readText(settle)).toBe("back");
  });

  test("gives up on a file that is never still, and asks to be tried again", async () => {
    await writeFile(file, "");
    let pausesSeen = 0;
    const settle = async () => {
      pausesSeen += 1;
      await appendFile(file, "x");
    };
    const result = await readSteady({ file, settle });
    expect(result).toMatchObject({ kind: "unreadable", stamp: undefined });
    expect(result.kind === "unreadable" && result.fault).toContain(`${file}: is being written to without a pause`);
    expect(pausesSeen).toBe(50);
  });

  test.each<[string, () => Promise<unknown> | unknown, string]>([
    ["a missing file", () => undefined, "no such file"],
    ["a dangling link", () => symlink("nowhere", file), "no such file"],
    ["a link to itself", () => symlink("policy.yaml", file), "cannot be looked at (ELOOP)"],
    ["a directory", () => mkdir(file), "is a directory; name the file in it"],
    ["a pipe, without waiting for its writer", () => execFileSync("mkfifo", [file]), "is no regular file"],
    [
      "a file above the size limit, without reading it",
      async () => {
        await writeFile(file, "");
        await truncate(file, MOST_BYTES + 1);
      },
      `has ${MOST_BYTES + 1} bytes, more than the ${MOST_BYTES} that are read`,
    ],
  ])("names what is wrong with %s", async (_, make, fault) => {
    await make();
    expect(await readText(pauses().settle)).toContain(`${file}: ${fault}`);
  });

  test("reads a file of just the size limit", async () => {
    await writeFile(file, "");
    await truncate(file, MOST_BYTES);
    const result = await readSteady({ file, settle: pauses().settle });
    expect(result.kind === "read" && result.bytes.length).toBe(MOST_BYTES);
  });

  test("names the refusal of a read, and asks to be tried again", async () => {
    await writeFile(file, "there");
    const read = () => Promise.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }));
    expect(await readSteady({ file, settle: pauses().settle, read })).toEqual({
      kind: "unreadable",
      fault: `${file}: cannot be read (EMFILE); check that this process may read it`,
      stamp: undefined,
    });
  });

  test("throws what is no answer of the file system", async () => {
    await writeFile(file, "there");
    const read = () => Promise.reject(new TypeError("a bug"));
    await expect(readSteady({ file, settle: pauses().settle, read })).rejects.toThrow("a bug");
  });
});
