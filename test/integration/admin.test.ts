import { mkdtempSync, rmSync, statSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { OpenReservation } from "../../src/app/ports.js";
import type { KeysSeen } from "../../src/app/read-key-uses.js";
import type { TotalsRead } from "../../src/app/read-totals.js";
import type { Limit } from "../../src/domain/limit.js";
import { LimitStatus, Metric, metricToJSON, Window, windowToJSON } from "../../src/gen/windbreak/v1/policy_decision.js";
import type { Address } from "../../src/transport/address.js";
import { type AdminOptions, type AdminServer, startAdmin } from "../../src/transport/admin.js";
import { PAGE_SIZE } from "../../src/transport/admin-routes.js";
import type { AdminSource, LimitRow, Readiness } from "../../src/transport/admin-source.js";
import type { OperationsSource } from "../../src/transport/operations-source.js";

const LOOPBACK: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };
const NOON = Date.UTC(2026, 10, 22, 12);

const READY: Readiness = {
  policy: { revision: "r1", stale: false },
  faults: [],
  store: "up",
  draining: false,
  listeners: [{ address: { kind: "tcp", host: "::1", port: 50051 }, accepting: true }],
};

const SPEND: Limit = {
  name: "workspaces.dev.usd_per_month",
  key: "usd_per_month",
  scope: "workspace",
  metric: "usd",
  window: "month",
  ceiling: 50_000_000_000,
  shadow: false,
  shared: false,
  httpStatus: 402,
};
const ROW: LimitRow = {
  limit: SPEND,
  scopeId: "dev",
  used: 20_000_000_000,
  reserved: 7,
  remaining: 29_999_999_993,
  resetsAt: NOON,
  workspace: "dev",
  principal: "",
};

function reservation(reservationId: string): OpenReservation {
  return {
    reservationId,
    requestId: "q1",
    principal: "ada",
    role: "senior",
    workspace: "dev",
    model: "mistral-small-2603",
    amounts: { inputTokens: 100, outputTokens: 4096, cost: 2_472_600 },
    reservedAt: NOON,
    expiresAt: NOON + 900_500,
  };
}

const TOTALS: TotalsRead = {
  by: "principal",
  first: 20_522,
  last: 20_522,
  timezone: "UTC",
  keptSince: 20_459,
  named: [{ name: "ada", requests: 2, inputTokens: 30, outputTokens: 4, cost: Number.MAX_SAFE_INTEGER }],
  others: { count: 3, requests: 3, inputTokens: 1, outputTokens: 0, cost: 5 },
  all: { requests: 5, inputTokens: 31, outputTokens: 4, cost: Number.MAX_SAFE_INTEGER },
};

const KEYS: KeysSeen = {
  since: NOON - 60_000,
  callers: [
    { sha256: "ab".repeat(32), principal: "ada", id: "3fK9mQ2x", lastUsed: NOON - 1 },
    { sha256: "cd".repeat(32), principal: "bob", id: undefined, lastUsed: undefined },
  ],
  upstream: [
    { fingerprint: "0123456789abcdef", workspaces: ["dev", "lab"], lastUsed: undefined, isInForce: true },
    { fingerprint: "fedcba9876543210", workspaces: ["dev"], lastUsed: NOON, isInForce: false },
  ],
};

const SOURCE: AdminSource = {
  ready: () => READY,
  limits: async () => ({ policyRevision: "r1", limits: [ROW], next: undefined }),
  reservations: () => ({ reservations: [reservation("rsv-1")], next: undefined }),
  totals: () => TOTALS,
  keys: () => KEYS,
  release: (id) => ({ kind: id === "rsv-1" ? "released" : "not_open" }),
};

const OPERATIONS: OperationsSource = {
  overview: () => ({ version: "1.2.3", now: NOON, startedAt: NOON - 60_000, policy: undefined }),
  rates: () => ({ stepMs: 1_000, from: NOON, counts: new Map() }),
  denials: () => [],
  budgets: () => ({ policyRevision: "r1", shared: [ROW], ofEach: [] }),
  principal: (who) => ({ who, isListed: false, limits: { why: "nobody knows it" }, history: [] }),
};

const opened: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((admin) => admin.close(0)));
});

function options(more: Partial<AdminOptions> = {}): AdminOptions {
  return {
    address: LOOPBACK,
    source: SOURCE,
    operations: OPERATIONS,
    scrape: async () => "windbreak_store_up 1\n",
    report: (fault) => {
      throw new Error("the admin port reported a fault", { cause: fault });
    },
    ...more,
  };
}

async function open(more: Partial<AdminOptions> = {}): Promise<AdminServer> {
  const started = await startAdmin(options(more));
  if (started.kind === "refused") throw new Error(JSON.stringify(started.faults));
  opened.push(started.admin);
  return started.admin;
}

function from(source: Partial<AdminSource>): Promise<AdminServer> {
  return open({ source: { ...SOURCE, ...source } });
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(admin: AdminServer, path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Reply> {
  const { address } = admin;
  const where = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const asking = request({ ...where, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

async function json(asking: Promise<Reply>): Promise<unknown> {
  const reply = await asking;
  expect(reply.headers["content-type"]).toBe("application/json");
  return JSON.parse(reply.text);
}

/** Send bytes as they are and read to the end of the connection. */
function raw(admin: AdminServer, bytes: string): Promise<string> {
  const { address } = admin;
  if (address.kind === "unix") throw new Error("raw bytes go over TCP here");
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port });
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(bytes);
  });
}

/** A promise that the test settles. */
function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const JSON_TYPE = { "content-type": "application/json" };
const RELEASE = "/v1/reservations/release";

function release(admin: AdminServer, body: string, headers: Readonly<Record<string, string>> = JSON_TYPE) {
  return ask(admin, RELEASE, { method: "POST", headers, body });
}

describe("GET /", () => {
  it("lists every path", async () => {
    const reply = await ask(await open(), "/");
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
    for (const path of [
      "/metrics",
      "/healthz",
      "/readyz",
      "/v1/limits",
      "/v1/usage",
      "/v1/keys",
      "/v1/reservations",
      RELEASE,
    ]) {
      expect(reply.text).toContain(` ${path} `);
    }
  });
});

describe("the operations page", () => {
  const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

  it("is what browsers get at /, from this port alone and in nobody's frame", async () => {
    const reply = await ask(await open(), "/", { headers: html });
    expect(reply).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
    const policy = String(reply.headers["content-security-policy"]).split("; ");
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
    );
    expect(reply.headers).toMatchObject({ "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" });
    expect(reply.text).not.toMatch(/<script>|style=|https?:\/\/(?!www\.w3\.org)/);
  });

  it("is reached by a link of another site, and nothing else is", async () => {
    const admin = await open();
    const link = {
      ...html,
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    const statusOf = async (path: string, headers: Readonly<Record<string, string>>, method = "GET") =>
      (await ask(admin, path, { headers, method })).status;
    expect(await statusOf("/", link)).toBe(200);
    expect(await statusOf("/?x", link)).toBe(200);
    expect(await statusOf("/", { ...link, "sec-fetch-dest": "iframe" })).toBe(403);
    expect(await statusOf("/", { ...link, "sec-fetch-mode": "cors" })).toBe(403);
    expect(await statusOf("/", { ...link, origin: "https://evil.example" })).toBe(403);
    expect(await statusOf("/", link, "POST")).toBe(403);
    for (const path of ["/v1/limits", "/v1/overview", "/page/page.css"]) expect(await statusOf(path, link)).toBe(403);
    expect(await statusOf("/", { ...link, host: "evil.example" })).toBe(421);
  });

  it("is sent without the token, and what it shows is not", async () => {
    const admin = await open({ token: { matches: () => false } });
    const statusOf = async (path: string) => (await ask(admin, path, { headers: html })).status;
    expect(await statusOf("/")).toBe(200);
    expect(await statusOf("/page/page.css")).toBe(200);
    for (const path of ["/page/", "/page/index.html", "/page/../v1/limits", "/page/%2e%2e/main.js"]) {
      expect(await statusOf(path), path).toBe(404);
    }
    for (const path of ["/v1/overview", "/v1/decisions", "/v1/denials", "/v1/budgets", "/v1/principals?id=ada"]) {
      expect(await statusOf(path), path).toBe(401);
    }
  });

  it("reads what is asked of it in one way only", async () => {
    const admin = await open();
    const wrong = ["decisions?span=2h", "decisions?spam=5m", "denials?after=x", "denials?after=1&after=2"];
    const nobody = ["principals", "principals?id=", "principals?id=a b", "principals?id=a&role=%20", "principals?ID=a"];
    for (const path of [...wrong, ...nobody.map((one) => one.replace("a b", "a%20b"))]) {
      expect((await ask(admin, `/v1/${path}`)).status, path).toBe(400);
    }
    for (const path of ["decisions?span=1h", "denials?after=17", "principals?id=a&role=r&workspace=w"]) {
      expect((await ask(admin, `/v1/${path}`)).status, path).toBe(200);
    }
  });

  it("is told of a store that is away", async () => {
    const away = { kind: "away", cause: new Error("gone") } as const;
    const admin = await open({ operations: { ...OPERATIONS, budgets: () => away } });
    expect(await ask(admin, "/v1/budgets")).toMatchObject({ status: 503 });
  });
});

describe("GET /metrics", () => {
  it("gives the scrape in Prometheus's content type", async () => {
    const reply = await ask(await open(), "/metrics");
    expect(reply).toMatchObject({ status: 200, text: "windbreak_store_up 1\n" });
    expect(reply.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  it("that fails tells the client nothing, and the operator the cause", async () => {
    const cause = new Error("redis://:secret@10.0.0.1 is broken");
    const faults: unknown[] = [];
    const admin = await open({ scrape: () => Promise.reject(cause), report: (fault) => faults.push(fault) });
    const reply = await ask(admin, "/metrics");
    expect(reply).toMatchObject({ status: 500, text: '{"error":"internal error"}\n' });
    expect(faults).toEqual([expect.objectContaining({ cause })]);
  });
});

describe("GET /healthz", () => {
  it("is 200 while the process lives, ready or not", async () => {
    const admin = await from({ ready: () => ({ ...READY, policy: undefined, draining: true }) });
    expect(await ask(admin, "/healthz")).toMatchObject({ status: 200, text: '{"status":"ok"}\n' });
  });
});

describe("GET /readyz", () => {
  const statusOf = async (state: Partial<Readiness>) => {
    const reply = await ask(await from({ ready: () => ({ ...READY, ...state }) }), "/readyz");
    return [reply.status, JSON.parse(reply.text).status];
  };

  it("says all there is to say", async () => {
    expect(await json(ask(await open(), "/readyz"))).toEqual({
      status: "ready",
      policy: "current",
      policy_revision: "r1",
      faults: [],
      store: "up",
      draining: false,
      listeners: [{ address: "[::1]:50051", accepting: true }],
    });
  });

  it("stays ready with a stale policy and names its faults", async () => {
    const faults = ["policy.yaml:3:5: no such role"];
    const admin = await from({ ready: () => ({ ...READY, policy: { revision: "r1", stale: true }, faults }) });
    const reply = await ask(admin, "/readyz");
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toMatchObject({ status: "ready", policy: "stale", faults });
  });

  it("stays ready while the store is down", async () => {
    expect(await statusOf({ store: "down" })).toEqual([200, "ready"]);
  });

  it("is 503 before a policy is in force", async () => {
    const admin = await from({ ready: () => ({ ...READY, policy: undefined }) });
    const reply = await ask(admin, "/readyz");
    expect(reply.status).toBe(503);
    expect(JSON.parse(reply.text)).toMatchObject({ status: "not_ready", policy: null, policy_revision: null });
  });

  it("is 503 while draining", async () => {
    expect(await statusOf({ draining: true })).toEqual([503, "not_ready"]);
  });

  it("is 503 unless every listener accepts, and there is one", async () => {
    const [listener] = READY.listeners;
    if (!listener) throw new Error("the ready state has a listener");
    expect(await statusOf({ listeners: [listener, { ...listener, accepting: false }] })).toEqual([503, "not_ready"]);
    expect(await statusOf({ listeners: [] })).toEqual([503, "not_ready"]);
  });
});

describe("GET /v1/limits", () => {
  it("gives LimitStatus in protobuf's JSON form, with workspace and principal", async () => {
    expect(await json(ask(await open(), "/v1/limits"))).toEqual({
      policy_revision: "r1",
      limits: [
        {
          name: "workspaces.dev.usd_per_month",
          metric: "METRIC_NANO_USD",
          window: "WINDOW_MONTH",
          ceiling: "50000000000",
          used: "20000000000",
          reserved: "7",
          remaining: "29999999993",
          resets_at: "2026-11-22T12:00:00Z",
          scope_id: "dev",
          shadow: false,
          workspace: "dev",
          principal: "",
        },
      ],
    });
  });

  it("leaves out resets_at where there is none, and keeps large numbers exact", async () => {
    const limit: Limit = { ...SPEND, metric: "concurrent_requests", window: "in_flight", ceiling: 2 ** 53 - 1 };
    const admin = await from({
      limits: () => ({ policyRevision: "r1", limits: [{ ...ROW, limit, resetsAt: undefined }], next: undefined }),
    });
    const found = await json(ask(admin, "/v1/limits"));
    expect(found).toMatchObject({
      limits: [{ metric: "METRIC_CONCURRENT_REQUESTS", window: "WINDOW_IN_FLIGHT", ceiling: "9007199254740991" }],
    });
    expect(found).not.toHaveProperty("limits.0.resets_at");
  });

  it("names metrics, windows and fields as the proto does", async () => {
    const metrics = ["requests", "tokens", "input_tokens", "output_tokens", "usd", "concurrent_requests"] as const;
    const windows = ["request", "second", "minute", "hour", "day", "week", "month", "in_flight"] as const;
    const rows = [
      ...metrics.map((metric) => ({ ...ROW, limit: { ...SPEND, metric } })),
      ...windows.map((window) => ({ ...ROW, limit: { ...SPEND, window } })),
    ];
    const admin = await from({ limits: () => ({ policyRevision: "r1", limits: rows, next: undefined }) });
    const { limits } = JSON.parse((await ask(admin, "/v1/limits")).text);
    const numbered = (from: object) => Object.values(from).filter((value) => typeof value === "number" && value > 0);
    const named = (key: string) => [...new Set<string>(limits.map((limit: Record<string, unknown>) => limit[key]))];
    expect(named("metric").sort()).toEqual(numbered(Metric).map(metricToJSON).sort());
    expect(named("window").sort()).toEqual(numbered(Window).map(windowToJSON).sort());

    const fields = Object.keys(LimitStatus.create()).map((name) =>
      name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
    );
    expect(Object.keys(limits[0]).sort()).toEqual(
      [...new Set([...fields, "resets_at", "workspace", "principal"])].sort(),
    );
  });

  it("asks for the page after a cursor and hands on the next", async () => {
    const asked: unknown[] = [];
    const admin = await from({
      limits: (page) => {
        asked.push(page);
        return { policyRevision: "r1", limits: [], next: "c/2 &=" };
      },
    });
    expect(await json(ask(admin, "/v1/limits?after=c%2F1%20%26"))).toMatchObject({ next: "c/2 &=" });
    expect(asked).toEqual([{ after: "c/1 &", limit: PAGE_SIZE }]);
  });

  it("refuses a parameter that it does not know, one given twice, and a cursor that is too long", async () => {
    const admin = await open();
    for (const query of ["?afte=x", "?after=x&limit=9", "?after=x&after=y", `?after=${"x".repeat(1025)}`]) {
      expect((await ask(admin, `/v1/limits${query}`)).status, query).toBe(400);
      expect((await ask(admin, `/v1/reservations${query}`)).status, query).toBe(400);
    }
  });

  it("is 503 while the store is away", async () => {
    const admin = await from({ limits: () => ({ kind: "away", cause: new Error("secret") }) });
    const reply = await ask(admin, "/v1/limits");
    expect(reply.status).toBe(503);
    expect(reply.text).toContain("does not answer");
    expect(reply.text).not.toContain("secret");
  });
});

describe("GET /v1/usage", () => {
  const sums = { requests: "2", input_tokens: "30", output_tokens: "4", cost_nano_usd: "9007199254740991" };

  it("gives sums in protobuf's JSON form, by the name that they were asked by", async () => {
    expect(await json(ask(await open(), "/v1/usage"))).toEqual({
      by: "principal",
      from: "2026-03-10",
      to: "2026-03-10",
      timezone: "UTC",
      kept_since: "2026-01-06",
      usage: [{ principal: "ada", ...sums }],
      others: { count: 3, requests: "3", input_tokens: "1", output_tokens: "0", cost_nano_usd: "5" },
      total: { requests: "5", input_tokens: "31", output_tokens: "4", cost_nano_usd: "9007199254740991" },
    });
  });

  it.each([
    ["", { by: "principal", days: { daysAgo: 0 }, top: 10 }],
    ["?by=model&top=1000&day=yesterday", { by: "model", days: { daysAgo: 1 }, top: 1_000 }],
    ["?day=2026-03-10&by=workspace", { by: "workspace", days: { first: 20_522, last: 20_522 }, top: 10 }],
    ["?month=2026-02", { by: "principal", days: { first: 20_485, last: 20_512 }, top: 10 }],
  ])("asked by %j asks for what that says", async (query, asked) => {
    const heard: unknown[] = [];
    const admin = await from({
      totals: (one) => {
        heard.push(one);
        return TOTALS;
      },
    });
    expect((await ask(admin, `/v1/usage${query}`)).status).toBe(200);
    expect(heard).toEqual([asked]);
  });

  it.each([
    ["by=role", "by is one of principal, workspace, model"],
    ["top=0", "top is a whole number from 1 to 1000"],
    ["top=1001", "top is a whole number from 1 to 1000"],
    ["top=1e2", "top is a whole number from 1 to 1000"],
    ["day=2026-02-30", "day is today, yesterday or a date as 2026-03-10"],
    ["day=", "day is today, yesterday or a date as 2026-03-10"],
    ["month=2026-13", "month is written 2026-03"],
    ["month=2026-02&day=today", "give day or month, not both"],
    ["after=1", "the parameters are by, day, month, top, each at most once"],
    ["top=1&top=2", "the parameters are by, day, month, top, each at most once"],
  ])("refuses %s", async (query, error) => {
    const reply = await ask(await open(), `/v1/usage?${query}`);
    expect([reply.status, JSON.parse(reply.text)]).toEqual([400, { error }]);
  });

  it("is 503 while the store is away", async () => {
    const admin = await from({ totals: () => ({ kind: "away", cause: new Error("gone") }) });
    expect((await ask(admin, "/v1/usage")).status).toBe(503);
  });
});

describe("GET /v1/keys", () => {
  it("says when keys were used last, null where they were not", async () => {
    expect(await json(ask(await open(), "/v1/keys"))).toEqual({
      since: "2026-11-22T11:59:00Z",
      callers: [
        {
          key_id: "3fK9mQ2x",
          api_key_sha256: "ab".repeat(32),
          principal: "ada",
          last_used: "2026-11-22T11:59:59.999Z",
        },
        { key_id: null, api_key_sha256: "cd".repeat(32), principal: "bob", last_used: null },
      ],
      upstream: [
        { fingerprint: "0123456789abcdef", workspaces: ["dev", "lab"], last_used: null, in_use: true },
        { fingerprint: "fedcba9876543210", workspaces: ["dev"], last_used: "2026-11-22T12:00:00Z", in_use: false },
      ],
    });
  });

  it("is 503 while the store is away", async () => {
    const admin = await from({ keys: () => ({ kind: "away", cause: new Error("gone") }) });
    expect((await ask(admin, "/v1/keys")).status).toBe(503);
  });
});

describe("GET /v1/reservations", () => {
  it("gives the open ones, named as Authorize names them", async () => {
    expect(await json(ask(await open(), "/v1/reservations"))).toEqual({
      reservations: [
        {
          reservation_id: "rsv-1",
          request_id: "q1",
          workspace: "dev",
          role: "senior",
          principal: "ada",
          model: "mistral-small-2603",
          input_tokens: "100",
          max_output_tokens: "4096",
          estimated_cost_nano_usd: "2472600",
          reserved_at: "2026-11-22T12:00:00Z",
          reservation_expires_at: "2026-11-22T12:15:00.500Z",
        },
      ],
    });
  });

  it("refuses a cursor that no page gave, and asks the store nothing", async () => {
    const asked: string[] = [];
    const admin = await from({
      reservations: ({ after }) => {
        asked.push(after);
        return { reservations: [], next: undefined };
      },
    });
    for (const cursor of ["1.5", "a b", "a/b", "é", "rsv\u0000", "../x", "x".repeat(65)]) {
      const reply = await ask(admin, `/v1/reservations?${new URLSearchParams({ after: cursor })}`);
      expect(reply.status, cursor).toBe(400);
      expect(reply.text).toContain("no page begins there");
    }
    expect(asked).toEqual([]);
    for (const cursor of ["", "AAAAAB3kq0ZrZ1b4nJ5k1mQz2w", "_-9".padEnd(64, "x")]) {
      expect((await ask(admin, `/v1/reservations?after=${cursor}`)).status, cursor).toBe(200);
    }
    expect(asked).toEqual(["", "AAAAAB3kq0ZrZ1b4nJ5k1mQz2w", "_-9".padEnd(64, "x")]);
  });

  it("pages by what the store gives as the next", async () => {
    const all = Array.from({ length: PAGE_SIZE + 1 }, (_, nth) => reservation(`rsv-${nth}`));
    const admin = await from({
      reservations: ({ after, limit }) => {
        const start = all.findIndex(({ reservationId }) => reservationId === after) + 1;
        const page = all.slice(start, start + limit);
        const next = start + limit < all.length ? page.at(-1)?.reservationId : undefined;
        return { reservations: page, next };
      },
    });
    const first = JSON.parse((await ask(admin, "/v1/reservations")).text);
    expect([first.reservations.length, first.next]).toEqual([PAGE_SIZE, `rsv-${PAGE_SIZE - 1}`]);
    const second = JSON.parse((await ask(admin, `/v1/reservations?after=${first.next}`)).text);
    expect(second.reservations.map((one: { reservation_id: string }) => one.reservation_id)).toEqual([
      `rsv-${PAGE_SIZE}`,
    ]);
    expect(second).not.toHaveProperty("next");
  });

  it("is 503 while the store is away", async () => {
    const admin = await from({ reservations: async () => ({ kind: "away", cause: undefined }) });
    expect((await ask(admin, "/v1/reservations")).status).toBe(503);
  });
});

describe("POST /v1/reservations/release", () => {
  it("releases the reservation that it names", async () => {
    const admin = await open();
    const reply = await release(admin, '{"reservation_id": "rsv-1"}', {
      "content-type": "Application/JSON; charset=utf-8",
    });
    expect(reply).toMatchObject({ status: 200, text: '{"reservation_id":"rsv-1","released":true}\n' });
  });

  it("is 404 for one that is not open, and 503 while the store is away", async () => {
    expect((await release(await open(), '{"reservation_id": "gone"}')).status).toBe(404);
    const away = await from({ release: () => ({ kind: "away", cause: new Error("secret") }) });
    expect((await release(away, '{"reservation_id": "rsv-1"}')).status).toBe(503);
  });

  it("is 400 for a body that is no JSON or names no reservation", async () => {
    const admin = await open();
    const tooLong = JSON.stringify({ reservation_id: "x".repeat(513) });
    for (const body of [
      "",
      "{",
      "null",
      "[]",
      '"rsv-1"',
      "{}",
      '{"reservation_id": 1}',
      '{"reservation_id": ""}',
      tooLong,
    ]) {
      const reply = await release(admin, body);
      expect(reply.status, body).toBe(400);
      expect(JSON.parse(reply.text).error).toContain("reservation_id");
    }
  });

  it("is refused from a web page, and without JSON's content type", async () => {
    const released: string[] = [];
    const admin = await from({
      release: (id) => {
        released.push(id);
        return { kind: "released" };
      },
    });
    const body = '{"reservation_id": "rsv-1"}';
    const pages: Readonly<Record<string, string>>[] = [
      { ...JSON_TYPE, origin: "https://evil.example" },
      { ...JSON_TYPE, origin: "null" },
      { ...JSON_TYPE, origin: "http://localhost" },
      { "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" },
      { "content-type": "text/plain; application/json" },
      {},
    ];
    for (const headers of pages) {
      expect((await release(admin, body, headers)).status, JSON.stringify(headers)).toBe(403);
    }
    expect(released).toEqual([]);
    expect((await release(admin, body)).status).toBe(200);
    expect(released).toEqual(["rsv-1"]);
  });

  it("is refused from a web page of this port too, which browsers mark with an Origin", async () => {
    const admin = await open();
    const { address } = admin;
    if (address.kind === "unix") throw new Error("this port is TCP");
    const own = { ...JSON_TYPE, origin: `http://127.0.0.1:${address.port}` };
    expect((await release(admin, '{"reservation_id": "rsv-1"}', own)).status).toBe(403);
  });

  it("takes a body of 4 KiB and refuses one byte more", async () => {
    const admin = await open();
    const body = '{"reservation_id": "rsv-1"}';
    expect((await release(admin, body.padEnd(4096))).status).toBe(200);
    expect((await release(admin, body.padEnd(4097))).status).toBe(413);
    const chunked = { ...JSON_TYPE, "transfer-encoding": "chunked" };
    expect((await release(admin, body.padEnd(4097), chunked)).status).toBe(413);
  });
});

describe("the admin port", () => {
  it("answers an unknown path with those that it knows", async () => {
    const admin = await open();
    for (const path of ["/nothing", "/metrics/", "//metrics", "/%6detrics", "/__proto__", "/v1"]) {
      const reply = await ask(admin, path);
      expect(reply.status, path).toBe(404);
      expect(JSON.parse(reply.text).paths).toEqual([
        "/",
        "/metrics",
        "/healthz",
        "/readyz",
        "/v1/limits",
        "/v1/usage",
        "/v1/keys",
        "/v1/overview",
        "/v1/decisions",
        "/v1/denials",
        "/v1/budgets",
        "/v1/principals",
        "/v1/reservations",
        RELEASE,
      ]);
    }
  });

  it("takes each path's methods only", async () => {
    const admin = await open();
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const reply = await ask(admin, "/metrics", { method });
      expect([reply.status, reply.headers.allow], method).toEqual([405, "GET, HEAD"]);
    }
    const reply = await ask(admin, RELEASE);
    expect([reply.status, reply.headers.allow]).toEqual([405, "POST"]);
  });

  it("answers HEAD like GET, without the body", async () => {
    const admin = await open();
    const reply = await ask(admin, "/metrics", { method: "HEAD" });
    expect(reply).toMatchObject({ status: 200, text: "" });
    expect(reply.headers["content-length"]).toBe("21");
  });

  it("lets no page read, cache or reinterpret an answer", async () => {
    const { headers } = await ask(await open(), "/v1/limits", { headers: { origin: "https://evil.example" } });
    expect(headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("does nothing for a page of another site, on every path but /healthz", async () => {
    const read: string[] = [];
    const admin = await open({
      scrape: async () => {
        read.push("metrics");
        return "";
      },
      source: {
        ...SOURCE,
        limits: () => {
          read.push("limits");
          return { policyRevision: "r1", limits: [], next: undefined };
        },
      },
    });
    const host = "localhost:9090";
    const pages: Readonly<Record<string, string>>[] = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "" },
      { origin: "http://localhost:3000" },
      { origin: "https://localhost:9090" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "" },
      { "sec-fetch-site": "none, cross-site" },
      { "sec-fetch-site": "cross-site", origin: `http://${host}` },
    ];
    const paths = ["/", "/metrics", "/metrics?x", "/readyz", "/v1/limits", "/v1/reservations", "/nothing"];
    for (const headers of pages) {
      for (const path of paths) {
        expect((await ask(admin, path, { headers: { host, ...headers } })).status, path).toBe(403);
      }
      expect((await ask(admin, "/healthz", { headers: { host, ...headers } })).status).toBe(200);
      expect((await ask(admin, "/healthz?x", { headers: { host, ...headers } })).status).toBe(200);
    }
    expect(read).toEqual([]);
    expect(await raw(admin, "GET /metrics HTTP/1.0\r\nOrigin: http://localhost\r\n\r\n")).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("answers its own page, an address typed in, and what is no browser", async () => {
    const admin = await open();
    const host = "LOCALHOST:9090";
    const askers: Readonly<Record<string, string>>[] = [
      {},
      { "sec-fetch-site": "none" },
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "same-origin", origin: "http://localhost:9090" },
    ];
    for (const headers of askers) {
      const reply = await ask(admin, "/v1/limits", { headers: { host, ...headers } });
      expect(reply.status, JSON.stringify(headers)).toBe(200);
    }
  });

  it("on loopback is asked by a loopback name, whatever the port", async () => {
    const admin = await open();
    for (const host of ["127.0.0.1", "127.0.0.1:9", "localhost:8080", "LOCALHOST", "127.1.2.3", "[::1]:9090"]) {
      expect((await ask(admin, "/healthz", { headers: { host } })).status, host).toBe(200);
    }
  });

  it("on loopback refuses any other name, as a rebound one would be", async () => {
    const admin = await open();
    const names = ["evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"];
    for (const host of [...names, "x@localhost", "localhost@evil.example", "[::2]", "127.0.0.1:80:80"]) {
      expect((await ask(admin, "/healthz", { headers: { host } })).status, host).toBe(421);
    }
    expect(await raw(admin, "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n")).toMatch(/^HTTP\/1\.1 421 /);
  });

  it("tells nobody anything without its token, but probes", async () => {
    const token = { matches: (shown: string) => shown === "s3cret" };
    const admin = await open({ token });
    const statusFor = async (path: string, authorization?: string) =>
      (await ask(admin, path, authorization === undefined ? {} : { headers: { authorization } })).status;
    for (const path of ["/", "/metrics", "/v1/limits", "/v1/reservations", "/v1/reservations/release", "/nowhere"]) {
      expect(await statusFor(path), path).toBe(401);
    }
    for (const path of ["/healthz", "/readyz", "/readyz?verbose"]) expect(await statusFor(path), path).toBe(200);
    for (const path of ["/readyz/../metrics", "/healthz%3f", "//healthz"]) {
      expect(await statusFor(path), path).toBe(401);
    }
    for (const shown of ["s3cret", "Bearer", "Bearer ", "Bearer wrong", "Basic s3cret", "Bearer s3cret s3cret"]) {
      expect(await statusFor("/metrics", shown), shown).toBe(401);
    }
    for (const shown of ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "]) {
      expect(await statusFor("/metrics", shown), shown).toBe(200);
    }
    const { headers, text } = await ask(admin, "/metrics");
    expect(headers["www-authenticate"]).toBe("Bearer");
    expect(JSON.parse(text)).toEqual({ error: "show the admin token: Authorization: Bearer TOKEN" });
  });

  it("on the network takes any name, because it cannot know its own", async () => {
    const admin = await open({ address: { kind: "tcp", host: "0.0.0.0", port: 0 } });
    expect((await ask(admin, "/healthz", { headers: { host: "windbreak.example:9090" } })).status).toBe(200);
  });

  it("listens on a Unix socket that its user and group alone may open", async () => {
    const directory = mkdtempSync(join(tmpdir(), "admin-"));
    try {
      const path = join(directory, "admin.sock");
      const admin = await open({ address: { kind: "unix", path } });
      expect((await ask(admin, "/healthz", { headers: { host: "any.example" } })).status).toBe(200);
      expect(statSync(path).mode & 0o777).toBe(0o660);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("refuses a URL over 8 KiB and a target that is no path", async () => {
    const admin = await open();
    expect((await ask(admin, `/metrics?${"x".repeat(8192 - 9)}`)).status).toBe(200);
    expect((await ask(admin, `/metrics?${"x".repeat(8192 - 8)}`)).status).toBe(414);
    const proxied = "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    expect(await raw(admin, proxied)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("answers HTTP/1.0 without a Host", async () => {
    expect(await raw(await open(), "GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("survives bytes that are no HTTP, a client that leaves, and one that cuts its body short", async () => {
    const admin = await open();
    expect(await raw(admin, "\x16\x03\x01 nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    const { address } = admin;
    if (address.kind === "unix") throw new Error("this port is TCP");
    await new Promise<void>((resolve) => {
      const leaving = connect({ host: address.host, port: address.port }, () => {
        leaving.write(
          `POST ${RELEASE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
        );
        leaving.end();
      });
      leaving.on("close", () => resolve()).resume();
    });
    expect((await ask(admin, "/healthz")).status).toBe(200);
  });

  it("cuts a client that is slow to send its request", async () => {
    const admin = await open({ connectionTimeoutMs: 200 });
    expect(await raw(admin, "GET /healthz HTTP/1.1\r\nHost: local")).toBe("");
    const body = `POST ${RELEASE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`;
    expect(await raw(admin, body)).toBe("");
    expect((await ask(admin, "/healthz")).status).toBe(200);
  });

  it("serves one answer a connection", async () => {
    const twice = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
    const answers = await raw(await open(), twice);
    expect(answers.match(/HTTP\/1\.1 200/g)?.length).toBe(1);
    expect(answers).toContain("connection: close");
  });

  it("says why it cannot listen, and what to do", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    try {
      const bound = taken.address();
      if (bound === null || typeof bound === "string") throw new Error("a TCP server has a port");
      const started = await startAdmin(options({ address: { ...LOOPBACK, port: bound.port } }));
      expect(started).toMatchObject({
        kind: "refused",
        faults: [{ what: "already in use", where: `127.0.0.1:${bound.port}`, remedy: expect.stringContaining("stop") }],
      });
    } finally {
      taken.close();
    }
  });

  it("lets an answer in progress end when it closes, and takes no new connection", async () => {
    const asked = deferred<void>();
    const finish = deferred<string>();
    const admin = await open({
      scrape: () => {
        asked.resolve();
        return finish.promise;
      },
    });
    const slow = ask(admin, "/metrics");
    await asked.promise;
    const closed = admin.close(10_000);
    await expect(ask(admin, "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    finish.resolve("done\n");
    expect(await slow).toMatchObject({ status: 200, text: "done\n" });
    await closed;
  });

  it("cuts what has not ended when its grace is over", async () => {
    const asked = deferred<void>();
    const admin = await open({
      scrape: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const slow = expect(ask(admin, "/metrics")).rejects.toMatchObject({ code: "ECONNRESET" });
    await asked.promise;
    await admin.close(50);
    await slow;
  });
});
