import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RedisTarget } from "../../../src/counters/redis/redis-url.js";
import { type Environment, type Flags, formatSettingFault } from "../../../src/settings/given.js";
import { readServeSettings } from "../../../src/settings.js";

const SECRET = "hunter2";
const CACHE: RedisTarget = {
  kind: "single",
  node: { host: "cache", port: 6379 },
  database: 0,
  username: undefined,
  password: undefined,
  tls: false,
};

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-redis-file-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A file that holds a text. */
function fileOf(text: string): string {
  const file = join(directory, "url");
  writeFileSync(file, text);
  return file;
}

function read(flags: Flags, env: Environment = {}) {
  return readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
}

function redisOf(flags: Flags, env: Environment = {}): RedisTarget | undefined {
  const found = read(flags, env);
  if (found.kind === "read") return found.settings.redis;
  throw new Error(found.faults.map(formatSettingFault).join("\n"));
}

function faultsOf(flags: Flags, env: Environment = {}): readonly string[] {
  const found = read(flags, env);
  return found.kind === "faulty" ? found.faults.map(formatSettingFault) : [];
}

describe("where counters are shared", () => {
  test("is nowhere unless it is said", () => {
    expect(redisOf({})).toBeUndefined();
    expect(redisOf({}, { WINDBREAK_REDIS: " ", WINDBREAK_REDIS_FILE: "" })).toBeUndefined();
  });

  test("is said by a flag, a variable or a file that either names", () => {
    const file = fileOf("redis://cache\n");
    const found = [
      redisOf({ redis: "redis://cache" }),
      redisOf({}, { WINDBREAK_REDIS: " redis://cache " }),
      redisOf({ "redis-file": file }),
      redisOf({}, { WINDBREAK_REDIS_FILE: file }),
    ];
    expect(found).toEqual([CACHE, CACHE, CACHE, CACHE]);
    expect(found.map(Object.isFrozen)).toEqual([true, true, true, true]);
  });

  test("prefers a flag to its variable", () => {
    expect(redisOf({ redis: "redis://cache" }, { WINDBREAK_REDIS: "redis://other" })).toEqual(CACHE);
    const file = fileOf("redis://cache");
    expect(redisOf({ "redis-file": file }, { WINDBREAK_REDIS_FILE: "/nowhere" })).toEqual(CACHE);
  });

  test("may hold a password in a variable and in a file", () => {
    const url = `redis://ann:${SECRET}@cache`;
    const named = { ...CACHE, username: "ann", password: SECRET };
    expect([redisOf({}, { WINDBREAK_REDIS: url }), redisOf({ "redis-file": fileOf(`${url}\n`) })]).toEqual([
      named,
      named,
    ]);
  });

  test("may hold the name of a user in a flag", () => {
    expect(redisOf({ redis: "redis://ann@cache" })).toEqual({ ...CACHE, username: "ann" });
  });
});

describe("a password in a flag", () => {
  test.each([
    `redis://:${SECRET}@cache`,
    `redis://ann:${SECRET}@cache:6379/0`,
    `redis+cluster://ann:${SECRET}@one,two`,
    `redis+sentinel://one,two/main?sentinel_password=${SECRET}`,
    `redis://ann:12/${SECRET}@cache`,
    `redis+sentinel://ann:12/${SECRET}@one`,
    `redis+sentinel://one/main?sentinel%5Fpassword=${SECRET}`,
  ])("is refused and not repeated: %s", (url) => {
    expect(faultsOf({ redis: url })).toEqual([
      "--redis: holds a password, which everyone on this machine can read in the list of processes; set WINDBREAK_REDIS, or put the URL into a file and give --redis-file",
    ]);
  });
});

describe("faults of where counters are shared", () => {
  test("tell a flag that is empty: it must not mean that counters are forgotten", () => {
    expect(faultsOf({ redis: "" })).toEqual([expect.stringMatching(/^--redis: no URL of Redis; write it as redis:/)]);
    expect(faultsOf({ "redis-file": "" })).toEqual([expect.stringMatching(/^--redis-file *: cannot be read/)]);
  });

  test("tell both where both are given, by flag or variable", () => {
    const one = "give one of them";
    expect([
      faultsOf({ redis: "redis://cache", "redis-file": "/run/url" }),
      faultsOf({ redis: "redis://cache" }, { WINDBREAK_REDIS_FILE: "/run/url" }),
      faultsOf({ "redis-file": "/run/url" }, { WINDBREAK_REDIS: `redis://:${SECRET}@cache` }),
    ]).toEqual([
      [`--redis: also given by --redis-file; ${one}`],
      [`--redis: also given by WINDBREAK_REDIS_FILE; ${one}`],
      [`WINDBREAK_REDIS: also given by --redis-file; ${one}`],
    ]);
  });

  test("tell a file that is not there, or is none", () => {
    const remedy = "name a file that holds one URL";
    const missing = join(directory, "missing");
    expect(faultsOf({ "redis-file": missing })).toEqual([
      `--redis-file ${missing}: cannot be read (ENOENT); ${remedy}`,
    ]);
    expect(faultsOf({}, { WINDBREAK_REDIS_FILE: directory })).toEqual([
      `WINDBREAK_REDIS_FILE ${directory}: cannot be read (EISDIR); ${remedy}`,
    ]);
  });

  test.each(["", " \n", "redis://one\nredis://two\n", "# a comment\nredis://cache\n"])(
    "tell a file that does not hold one URL: %j",
    (text) => {
      const file = fileOf(text);
      expect(faultsOf({ "redis-file": file })).toEqual([
        expect.stringMatching(/^--redis-file .*url: (?:no URL of Redis|a host and port cannot be read); write /),
      ]);
    },
  );

  test.each([
    `redis://:${SECRET}@cache:0`,
    `redis://:${SECRET}%zz@cache`,
    `redis://:${SECRET}@cache/db`,
    `redis://:${SECRET}@one,two`,
    `redis://:${SECRET}@cache?tls=1`,
    `redis://:a/${SECRET}@cache`,
    `redis+sentinel://:${SECRET}@one`,
    `redis+cluster://:${SECRET}@one/0`,
    `http://:${SECRET}@cache`,
    SECRET,
  ])("tell one URL and never repeat it: %s", (url) => {
    const byVariable = faultsOf({}, { WINDBREAK_REDIS: url });
    const byFile = faultsOf({ "redis-file": fileOf(url) });
    expect([byVariable.length, byFile.length]).toEqual([1, 1]);
    expect([...byVariable, ...byFile].join()).not.toContain(SECRET);
  });

  test.each([
    [{ "redis-file": `redis://:${SECRET}@cache` }, {}],
    [{}, { WINDBREAK_REDIS_FILE: `redis://:${SECRET}@cache` }],
  ])("never repeat a URL that stands where a file's name belongs", (flags, env) => {
    const faults = faultsOf(flags, env);
    expect(faults.length).toBe(1);
    expect(faults.join()).not.toContain(SECRET);
  });

  test("are told beside all others", () => {
    expect(faultsOf({ redis: "cache", "log-level": "loud" })).toEqual([
      expect.stringMatching(/^--redis: /),
      expect.stringMatching(/^--log-level loud: /),
    ]);
  });
});
