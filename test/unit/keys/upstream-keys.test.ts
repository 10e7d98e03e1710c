import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SecretPlace } from "../../../src/domain/secret-place.js";
import { UpstreamKeys, type UpstreamKeysOptions } from "../../../src/keys/upstream-keys.js";
import { policyOf } from "../../support/policy-words.js";

let directory = "";
const opened: UpstreamKeys[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-keys-"));
});
afterEach(() => {
  for (const keys of opened.splice(0)) keys.close();
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string) => join(directory, name);
const write = (name: string, text: string | Uint8Array) => writeFileSync(path(name), text);
const inFile = (name: string): SecretPlace => ({ kind: "file", path: path(name) });
const inVariable = (name: string): SecretPlace => ({ kind: "env", name });

/** A policy whose workspaces have their keys there; `dev`, which is always one, has none unless said. */
function policyWith(places: Readonly<Record<string, SecretPlace | undefined>>) {
  const said = Object.entries(places).map(([name, upstreamKey]) => [name, { upstreamKey }]);
  return policyOf({ workspaces: Object.fromEntries(said) });
}

/** Keys that are looked at when the test says so, unless a pace is given. */
function keysOf(words: Partial<UpstreamKeysOptions> = {}) {
  const lost: string[] = [];
  const keys = new UpstreamKeys({
    variable: () => undefined,
    onLost: (line) => lost.push(line),
    pollMs: 3_600_000,
    ...words,
  });
  opened.push(keys);
  return { keys, lost };
}

describe("upstream keys", () => {
  it("are read from files and variables, without what surrounds them", async () => {
    write("dev", " key-of-dev\r\n");
    const { keys } = keysOf({ variable: (name) => (name === "ML_KEY" ? "key-of-ml\n" : undefined) });
    const policy = policyWith({ dev: inFile("dev"), ml: inVariable("ML_KEY"), twin: inFile("dev"), bare: undefined });
    expect(await keys.open(policy)).toEqual({ kind: "ok" });
    expect(["dev", "ml", "twin", "bare", "none"].map((name) => keys.keyOf(name))).toEqual([
      "key-of-dev",
      "key-of-ml",
      "key-of-dev",
      undefined,
      undefined,
    ]);
  });

  it.each<[string, string | Uint8Array, string]>([
    ["nothing", "", "is empty"],
    ["blanks", " \n\t", "is empty"],
    ["two words", "secret key", "holds no key: 1 to 512 visible ASCII characters without space"],
    ["two lines", "secret\nkey", "holds no key: 1 to 512 visible ASCII characters without space"],
    ["513 characters", "k".repeat(513), "holds no key: 1 to 512 visible ASCII characters without space"],
    ["what is not ASCII", "secrét", "holds no key: 1 to 512 visible ASCII characters without space"],
    ["a byte order mark", "\ufeffkey", "holds no key: 1 to 512 visible ASCII characters without space"],
    ["control characters", "secret\u0007", "holds no key: 1 to 512 visible ASCII characters without space"],
    ["a whole book", "k".repeat(4_097), "has more than 4096 bytes"],
  ])("are at fault in a file that holds %s, which is not shown", async (_, content, why) => {
    write("key", content);
    const { keys } = keysOf();
    expect(await keys.open(policyWith({ ml: inFile("key") }))).toEqual({
      kind: "faulty",
      faults: [`workspaces.ml.upstream_key: the file ${path("key")} ${why}; put the workspace's Mistral key there`],
    });
  });

  it("of 512 characters are keys", async () => {
    write("key", "k".repeat(512));
    const { keys } = keysOf();
    await keys.open(policyWith({ dev: inFile("key") }));
    expect(keys.keyOf("dev")).toBe("k".repeat(512));
  });

  it("tell every fault at once, and put none in force", async () => {
    write("good", "key");
    mkdirSync(path("folder"));
    execFileSync("mkfifo", [path("pipe")]);
    const { keys } = keysOf({ variable: (name) => (name === "BAD" ? "two words" : undefined) });
    const policy = policyWith({
      dev: inFile("good"),
      gone: inFile("gone"),
      folder: inFile("folder"),
      pipe: inFile("pipe"),
      unset: inVariable("UNSET"),
      bad: inVariable("BAD"),
    });
    const result = await keys.open(policy);
    expect(result.kind === "faulty" && result.faults.map((line) => line.split("; ")[0])).toEqual([
      `workspaces.gone.upstream_key: the file ${path("gone")} does not exist`,
      `workspaces.folder.upstream_key: the file ${path("folder")} is no regular file`,
      `workspaces.pipe.upstream_key: the file ${path("pipe")} is no regular file`,
      "workspaces.unset.upstream_key: the variable UNSET is not set",
      "workspaces.bad.upstream_key: the variable BAD holds no key: 1 to 512 visible ASCII characters without space",
    ]);
    expect(keys.keyOf("dev")).toBeUndefined();
  });

  it("are forgotten once closed", async () => {
    write("key", "key");
    const { keys } = keysOf();
    await keys.open(policyWith({ dev: inFile("key") }));
    keys.close();
    expect(keys.keyOf("dev")).toBeUndefined();
    await keys.swap(policyWith({ dev: inFile("key") }));
    expect(keys.keyOf("dev")).toBeUndefined();
  });
});

describe("a file of a key", () => {
  const replaced = async (replace: () => void) => {
    write("key", "first");
    const { keys, lost } = keysOf();
    await keys.open(policyWith({ dev: inFile("key"), ml: inFile("key") }));
    replace();
    await keys.look();
    return { lost, found: ["dev", "ml"].map((name) => keys.keyOf(name)) };
  };

  it.each<[string, () => void]>([
    ["written in place", () => write("key", "second")],
    [
      "replaced by rename",
      () => {
        write("next", "second");
        renameSync(path("next"), path("key"));
      },
    ],
  ])("is taken up where it was %s", async (_, replace) => {
    expect(await replaced(replace)).toEqual({ lost: [], found: ["second", "second"] });
  });

  it("is taken up where a link on the way to it was swapped", async () => {
    for (const [version, key] of [
      ["v1", "first"],
      ["v2", "other"],
    ] as const) {
      mkdirSync(path(version));
      write(join(version, "key"), key);
    }
    symlinkSync("v1", path("data"));
    symlinkSync(join("data", "key"), path("key"));
    const { keys } = keysOf();
    await keys.open(policyWith({ dev: inFile("key") }));
    expect(keys.keyOf("dev")).toBe("first");
    symlinkSync("v2", path("next"));
    renameSync(path("next"), path("data"));
    await keys.look();
    expect(keys.keyOf("dev")).toBe("other");
  });

  it.each<[string, () => void, string]>([
    ["vanished", () => rmSync(path("key")), "does not exist"],
    ["was emptied", () => write("key", ""), "is empty"],
    ["was spoiled", () => write("key", "se cret"), "holds no key: 1 to 512 visible ASCII characters without space"],
  ])("keeps its last key in force where it %s, and that is told once", async (_, spoil, why) => {
    write("key", "first");
    const { keys, lost } = keysOf();
    await keys.open(policyWith({ dev: inFile("key") }));
    spoil();
    await keys.look();
    await keys.look();
    write("key", " ");
    await keys.look();
    expect(keys.keyOf("dev")).toBe("first");
    expect(lost).toEqual([`the file ${path("key")} ${why}; the Mistral key that it held last stays in force`]);

    write("key", "second");
    await keys.look();
    expect(keys.keyOf("dev")).toBe("second");
    rmSync(path("key"));
    await keys.look();
    expect(lost).toHaveLength(2);
  });

  it("is looked at by itself, again and again", async () => {
    write("key", "first");
    const told = await new Promise<string>((resolve, reject) => {
      const { keys } = keysOf({ pollMs: 2, onLost: resolve });
      keys.open(policyWith({ dev: inFile("key") })).then(() => rmSync(path("key")), reject);
    });
    expect(told).toContain("does not exist");
  });
});

describe("the keys of the next policy", () => {
  it("take the place of those before, all at once", async () => {
    write("a", "key-a");
    write("b", "key-b");
    const { keys } = keysOf();
    await keys.open(policyWith({ dev: inFile("a"), old: inFile("a") }));
    expect(await keys.swap(policyWith({ dev: inFile("b"), ml: inFile("a") }))).toEqual({ kind: "ok" });
    expect(["dev", "ml", "old"].map((name) => keys.keyOf(name))).toEqual(["key-b", "key-a", undefined]);
  });

  it("leave those before in force where one is at fault", async () => {
    write("a", "key-a");
    const { keys } = keysOf();
    await keys.open(policyWith({ dev: inFile("a") }));
    expect((await keys.swap(policyWith({ dev: inFile("b"), ml: inFile("a") }))).kind).toBe("faulty");
    expect([keys.keyOf("dev"), keys.keyOf("ml")]).toEqual(["key-a", undefined]);
  });

  it("are what files and variables hold now, and a file that is gone has its last one", async () => {
    write("a", "key-a");
    write("b", "key-b");
    const held = new Map([["KEY", "key-c"]]);
    const { keys, lost } = keysOf({ variable: (name) => held.get(name) });
    const policy = policyWith({ dev: inFile("a"), ml: inFile("b"), env: inVariable("KEY") });
    await keys.open(policy);
    rmSync(path("a"));
    write("b", "another-b");
    held.set("KEY", "another-c");
    expect(await keys.swap(policy)).toEqual({ kind: "ok" });
    expect(["dev", "ml", "env"].map((name) => keys.keyOf(name))).toEqual(["key-a", "another-b", "another-c"]);
    expect(lost).toHaveLength(1);
  });
});
