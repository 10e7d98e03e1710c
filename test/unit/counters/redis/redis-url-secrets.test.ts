import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatTarget,
  holdsPassword,
  parseRedisUrl,
  type RedisTarget,
} from "../../../../src/counters/redis/redis-url.js";
import { cluster, NO_SENTINEL_SECRETS, NOBODY, node, sentinel, single } from "./targets.js";

const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.".split("");
const name = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 20 });
const host = fc.oneof(name, fc.ipV4(), fc.constantFrom("::1", "2001:db8::7", "fe80::1", "::ffff:10.0.0.7"));
const nodes = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
const database = fc.integer({ min: 0, max: 99_999 });
const target: fc.Arbitrary<RedisTarget> = fc.oneof(
  fc
    .record({ node: nodes, database, tls: fc.boolean() })
    .map((words): RedisTarget => ({ kind: "single", ...NOBODY, ...words })),
  fc
    .record({ sentinels: fc.array(nodes, { minLength: 1, maxLength: 4 }), name, database, tls: fc.boolean() })
    .map((words): RedisTarget => ({ kind: "sentinel", ...NOBODY, ...NO_SENTINEL_SECRETS, ...words })),
  fc
    .record({ nodes: fc.array(nodes, { minLength: 1, maxLength: 4 }), tls: fc.boolean() })
    .map((words): RedisTarget => ({ kind: "cluster", ...NOBODY, ...words })),
);

describe("a target that is written", () => {
  it("is read as it was, where it holds no secret", () => {
    const property = fc.property(target, (one) => {
      expect(parseRedisUrl(formatTarget(one))).toEqual(one);
    });
    fc.assert(property, { seed: 1 });
  });

  it("shows no name and no password, of servers or of sentinels, and is the same without them", () => {
    const secret = fc.string({ minLength: 1 }).map((text) => `hunter2${text}`);
    const property = fc.property(target, secret, (one, text) => {
      const open = formatTarget(one);
      const escaped = encodeURIComponent(text);
      const query = one.kind === "sentinel" ? `?sentinel_username=${escaped}&sentinel_password=${escaped}` : "";
      const read = parseRedisUrl(`${open.replace("://", `://${escaped}:${escaped}@`)}${query}`);
      if (read.kind === "fault") throw new Error(read.what);
      expect(read.password).toBe(text);
      expect(formatTarget(read)).toBe(open);
    });
    fc.assert(property, { seed: 1 });
  });

  it("has brackets about an IPv6 address, and its port and database always", () => {
    expect(formatTarget(single({ node: node("::1") }))).toBe("redis://[::1]:6379/0");
    expect(formatTarget(sentinel({ tls: true, database: 3 }))).toBe("rediss+sentinel://one:26379,two:26379/main/3");
    expect(formatTarget(cluster())).toBe("redis+cluster://one:6379,two:6379");
  });
});

describe("holdsPassword", () => {
  it.each([
    "redis://ann:secret@cache",
    "redis://:secret@cache:6379/0",
    "redis://:@cache",
    "rediss+cluster://ann:se%3Acret@one,two",
    "redis+sentinel://one,two/main?sentinel_password=secret",
    "redis+sentinel://one,two/main?sentinel_username=ann&sentinel_password=secret",
    "redis+sentinel://one,two/main?sentinel_pasword=secret",
    "redis+sentinel://one,two/main?sentinel%5Fpassword=secret",
    "redis://ann:se/cret@cache",
    "redis://ann:se?cret@cache",
    "redis+sentinel://ann:12/secret@one",
  ])("sees one in %s, also where the URL cannot be read", (url) => {
    expect(holdsPassword(url)).toBe(true);
  });

  it.each([
    "redis://cache:6379/0",
    "redis://ann@cache:6379",
    "redis://[::1]:6379",
    "redis+sentinel://one:1,two:2/main",
    "redis+cluster://ann@one:1,two:2",
    "not a url",
    "",
  ])("sees none in %j", (url) => {
    expect(holdsPassword(url)).toBe(false);
  });

  it("sees every one that would be used", () => {
    const mark = fc.constantFrom(":", "@", "/", "?", "&", "=", "a", "1", ",", "%5F", "sentinel_password", "sentinel");
    const scheme = fc.constantFrom("redis://", "redis+sentinel://", "redis+cluster://");
    const property = fc.property(scheme, fc.array(mark, { maxLength: 14 }), (start, parts) => {
      const url = start + parts.join("");
      const read = parseRedisUrl(url);
      if (read.kind === "fault") return;
      const used = read.password ?? (read.kind === "sentinel" ? read.sentinelPassword : undefined);
      if (used !== undefined) expect([url, holdsPassword(url)]).toEqual([url, true]);
    });
    fc.assert(property, { seed: 1, numRuns: 5_000 });
  });
});
