import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileSink } from "../../../../src/keys/sinks/file-sink.js";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-sink-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const path = (name: string) => join(directory, name);
const sinkOf = (name: string, mode?: number) => new FileSink({ kind: "file", path: path(name), mode });
const modeOf = (name: string) => statSync(path(name)).mode & 0o777;

describe("a file", () => {
  it("is made for its owner alone, and gives back what it holds", async () => {
    const sink = sinkOf("key");
    expect(await sink.read()).toEqual({ kind: "empty" });
    expect(await sink.store("key-of-dev")).toEqual({ kind: "stored" });
    expect(await sink.read()).toEqual({ kind: "secret", secret: "key-of-dev" });
    expect([readFileSync(path("key"), "utf8"), modeOf("key")]).toEqual(["key-of-dev", 0o600]);
    expect(readdirSync(directory)).toEqual(["key"]);
  });

  it.each([0o640, 0o444, 0o600])("that is replaced keeps its mode, %o", async (mode) => {
    writeFileSync(path("key"), "old");
    chmodSync(path("key"), mode);
    const before = statSync(path("key")).ino;
    await sinkOf("key").store("new");
    expect([readFileSync(path("key"), "utf8"), modeOf("key")]).toEqual(["new", mode]);
    expect(statSync(path("key")).ino).not.toBe(before);
  });

  it("has the mode that is asked for, there before or not", async () => {
    await sinkOf("key", 0o640).store("new");
    expect(modeOf("key")).toBe(0o640);
    await sinkOf("key", 0o444).store("newer");
    expect(modeOf("key")).toBe(0o444);
  });

  it.runIf(isRoot)("that is replaced keeps its owner and group", async () => {
    writeFileSync(path("key"), "old");
    chownSync(path("key"), 1_234, 4_321);
    await sinkOf("key").store("new");
    const { uid, gid } = statSync(path("key"));
    expect([uid, gid, modeOf("key")]).toEqual([1_234, 4_321, 0o644]);
  });

  it("behind links is replaced, and the links stay", async () => {
    mkdirSync(path("v1"));
    writeFileSync(path("v1/key"), "old");
    symlinkSync("v1", path("data"));
    symlinkSync("data/key", path("key"));
    await sinkOf("key").store("new");
    expect([readFileSync(path("v1/key"), "utf8"), readlinkSync(path("key"))]).toEqual(["new", "data/key"]);
    expect(readdirSync(path("v1"))).toEqual(["key"]);
  });

  it.each<[string, () => void, string]>([
    ["is a link to nothing", () => symlinkSync("gone", path("key")), "is a link to nothing; point it at a file"],
    ["is a directory", () => mkdirSync(path("key")), "is no regular file"],
    ["has another file for its directory", () => writeFileSync(path("key"), "x"), "(ENOTDIR); make its directory"],
  ])("that %s is not replaced, and the remedy is told", async (_, make, words) => {
    make();
    const stored = await sinkOf(words.includes("ENOTDIR") ? "key/below" : "key").store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain(words);
    expect(JSON.stringify(stored)).not.toContain("key-of-dev");
  });

  it("without a directory is not made", async () => {
    const stored = await sinkOf("none/key").store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toBe(
      `file ${path("none/key")} could not be replaced (ENOENT); make its directory first`,
    );
  });

  it("that cannot be put in its place leaves nothing beside it", async () => {
    const stored = await new FileSink({ kind: "file", path: "/proc/self/comm", mode: undefined }).store("key-of-dev");
    expect(stored.kind).toBe("failed");
    writeFileSync(path("key"), "old");
    await Promise.all(Array.from({ length: 8 }, (_, at) => sinkOf("key").store(`key-${at}`)));
    expect(readdirSync(directory)).toEqual(["key"]);
    expect(readFileSync(path("key"), "utf8")).toMatch(/^key-\d$/);
  });

  it("is rid of what a process left beside it that died in the middle, an hour ago", async () => {
    const [old, young, other] = [`.key.${"0".repeat(12)}`, `.key.${"1".repeat(12)}`, ".key.yaml"];
    for (const name of [old, young, other]) writeFileSync(path(name), "x");
    for (const name of [old, other]) utimesSync(path(name), new Date(), new Date(Date.now() - 3_700_000));
    await sinkOf("key").store("new");
    expect(readdirSync(directory).sort()).toEqual([young, other, "key"]);
  });

  it.each<[string, string, string]>([
    ["two words", "two words", "unreadable"],
    ["nothing", "\n", "empty"],
    ["a key and a newline", "key-of-dev\n", "secret"],
  ])("that holds %s is told from others", async (_, text, kind) => {
    writeFileSync(path("key"), text);
    const found = await sinkOf("key").read();
    expect(found.kind).toBe(kind);
    expect(JSON.stringify(found)).not.toContain("two words");
  });
});
