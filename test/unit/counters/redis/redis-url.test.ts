import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRedisUrl, type RedisTarget } from "../../../../src/counters/redis/redis-url.js";
import { cluster, node, sentinel, single } from "./targets.js";

describe("a URL of Redis", () => {
  it.each<[string, RedisTarget]>([
    ["redis://cache", single()],
    ["redis://cache/", single()],
    ["redis://cache:7000/3", single({ node: node("cache", 7000), database: 3 })],
    ["redis://cache:1/15", single({ node: node("cache", 1), database: 15 })],
    ["redis://10.0.0.7:65535", single({ node: node("10.0.0.7", 65_535) })],
    ["redis://my_cache-1.prod.svc.cluster.local", single({ node: node("my_cache-1.prod.svc.cluster.local") })],
    ["redis://[::1]", single({ node: node("::1") })],
    ["redis://[2001:db8::7]:7000/1", single({ node: node("2001:db8::7", 7000), database: 1 })],
    ["redis://[::ffff:10.0.0.7]:7000", single({ node: node("::ffff:10.0.0.7", 7000) })],
    ["rediss://cache", single({ tls: true })],
  ])("names one server: %s", (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });

  it.each<[string, RedisTarget]>([
    ["redis+sentinel://one,two/main", sentinel()],
    ["redis+sentinel://one:26379,two/main/", sentinel()],
    ["rediss+sentinel://one,two/main/2", sentinel({ tls: true, database: 2 })],
    [
      "redis+sentinel://one:5000,[::1],[::2]:5001/eu-west.1",
      sentinel({ sentinels: [node("one", 5000), node("::1", 26_379), node("::2", 5001)], name: "eu-west.1" }),
    ],
    ["redis+cluster://one,two", cluster()],
    ["redis+cluster://one,two/", cluster()],
    ["rediss+cluster://one:7001,[::1]:7002", cluster({ tls: true, nodes: [node("one", 7001), node("::1", 7002)] })],
  ])("names servers that stand in for each other: %s", (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });

  it.each([
    ["redis://ann:secret@cache", "ann", "secret"],
    ["redis://:secret@cache", undefined, "secret"],
    ["redis://ann@cache", "ann", undefined],
    ["redis://ann:@cache", "ann", undefined],
    ["redis://:@cache", undefined, undefined],
    ["redis://@cache", undefined, undefined],
    ["redis://ann:se:cret@cache", "ann", "se:cret"],
    ["redis://ann:a+b#c&d=e@cache", "ann", "a+b#c&d=e"],
    ["redis://a%3An%40n:%2F%3F%40%25%20%C3%A9@cache", "a:n@n", "/?@% é"],
  ])("says as whom: %s", (url, username, password) => {
    expect(parseRedisUrl(url)).toEqual(single({ username, password }));
  });

  it("says as whom sentinels are asked, apart from the servers", () => {
    const url = "redis+sentinel://ann:pw@one,two/main?sentinel_username=guard&sentinel_password=p%26w%3D%2B1";
    expect(parseRedisUrl(url)).toEqual(
      sentinel({ username: "ann", password: "pw", sentinelUsername: "guard", sentinelPassword: "p&w=+1" }),
    );
    expect(parseRedisUrl("redis+sentinel://one,two/main?sentinel_password=pw")).toEqual(
      sentinel({ sentinelPassword: "pw" }),
    );
  });

  it("takes a plus in a sentinel's password for a plus, as it does in a server's", () => {
    expect(parseRedisUrl("redis+sentinel://one,two/main?sentinel_password=a+b")).toEqual(
      sentinel({ sentinelPassword: "a+b" }),
    );
  });
});

describe("what is no URL of Redis", () => {
  it.each([
    ["", "no URL of Redis"],
    ["cache", "no URL of Redis"],
    ["cache:6379", "no URL of Redis"],
    ["http://cache", "no URL of Redis"],
    ["REDIS://cache", "no URL of Redis"],
    [" redis://cache", "no URL of Redis"],
    ["redis://", "no URL of Redis"],
    ["redis:///0", "no URL of Redis"],
    ["redis+unix://cache", "no URL of Redis"],
    ["redis://a@b@cache", "no URL of Redis"],
    ["redis://ca che", "a host and port cannot be read"],
    ["redis://cache:", "a host and port cannot be read"],
    ["redis://cache:0", "a host and port cannot be read"],
    ["redis://cache:65536", "a host and port cannot be read"],
    ["redis://cache:6379x", "a host and port cannot be read"],
    ["redis://::1", "a host and port cannot be read"],
    ["redis://[::1", "a host and port cannot be read"],
    ["redis://[cache]", "a host and port cannot be read"],
    ["redis+cluster://one,,two", "a host and port cannot be read"],
    ["redis+cluster://one,", "a host and port cannot be read"],
    ["redis://:%zz@cache", "a %… that is no character"],
    ["redis://%E0%A4@cache", "a %… that is no character"],
    ["redis+cluster://one/0", "a cluster has one database only"],
    ["redis://cache/main", "no number of a database"],
    ["redis://cache/-1", "no number of a database"],
    ["redis://cache/1/2", "no number of a database"],
    ["redis://cache/100000", "no number of a database"],
    ["redis+sentinel://one/main/x", "no number of a database"],
    ["redis+sentinel://one/main/1/2", "no number of a database"],
    ["redis+sentinel://one", "does not say which set of servers"],
    ["redis+sentinel://one/", "does not say which set of servers"],
    ["redis://one,two", "more than one host"],
    ["redis://cache?tls=1", "takes no ?"],
    ["redis+cluster://one?x", "takes no ?"],
  ])("is told apart, with a remedy: %j", (url, what) => {
    expect(parseRedisUrl(url)).toEqual({ kind: "fault", what, remedy: expect.stringMatching(/^\w.{10,}/) });
  });

  it.each(["sentinel_pasword=x", "sentinel_username=a&tls=1", "x"])(
    "is a sentinel's with a parameter that means nothing: ?%s",
    (query) => {
      expect(parseRedisUrl(`redis+sentinel://one/main?${query}`)).toMatchObject({ kind: "fault" });
    },
  );

  it.each(["redis+sentinel://ann:12/secret@one", "redis+sentinel://one:12/main@secret"])(
    "is one whose password has a / that was not escaped: %s",
    (url) => {
      expect(parseRedisUrl(url)).toMatchObject({ kind: "fault" });
    },
  );

  it("never throws, and never has its text repeated", () => {
    const scheme = fc.constantFrom("redis://", "rediss://", "redis+sentinel://", "redis+cluster://", "");
    const rest = fc.array(
      fc.oneof(fc.constantFrom(":", "@", "/", "?", ",", "[", "]", "%", "hunter2", "host", "=", "&"), fc.string()),
      { maxLength: 12 },
    );
    const property = fc.property(scheme, rest, (start, parts) => {
      const read = parseRedisUrl(`${start}${parts.join("")}`);
      if (read.kind === "fault") expect(`${read.what} ${read.remedy}`).not.toContain("hunter2");
    });
    fc.assert(property, { seed: 1, numRuns: 2_000 });
  });
});
