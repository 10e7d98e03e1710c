import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type SeenRequest, valuesOf } from "../support/mistral/exchange.js";
import { type Answer, type Answers, ReplayServer } from "../support/mistral/replay-server.js";
import { priceOf, usageAnswer } from "../support/mistral/usage-answer.js";
import { directory } from "../unit/commands/policy-files.js";
import { NOON, runCli } from "../unit/commands/run-cli.js";

const PRICES = [priceOf("mistral-small-2603", "input", "0.000001")];
const KEY = "adm-0123456789abcdef";
/** Millions of tokens, a dollar each, by Mistral's workspace. */
const BILLED: Readonly<Record<string, number>> = { "w-dev": 40, "w-ml": 10 };

function billing({ url }: SeenRequest, more: object = {}): Answer {
  const asked = new URL(url, "http://x").searchParams;
  const used = (BILLED[asked.get("workspace_id") ?? ""] ?? 0) * 1_000_000;
  return { kind: "whole", body: usageAnswer([{ used }], PRICES, more) };
}

const LIMIT: Answer = {
  kind: "whole",
  body: {
    limits: { completion: { total_usage: 52, usage_limit: 500, monthly_limit_reached: false }, currency: "USD" },
  },
};

/** What a server counted, in dollars, by the policy's workspace. @returns its admin port. */
async function counting(dollars: Readonly<Record<string, number>>, more: object = {}): Promise<string> {
  const sums = (cost: number) => ({
    requests: "1",
    input_tokens: String(cost * 1_000_000),
    output_tokens: "0",
    cost_nano_usd: String(cost * 1e9),
  });
  const all = Object.values(dollars).reduce((sum, one) => sum + one, 0);
  const answer = {
    by: "workspace",
    from: "2026-11-01",
    to: "2026-11-30",
    timezone: "UTC",
    kept_since: "2026-09-20",
    usage: Object.entries(dollars).map(([workspace, cost]) => ({ workspace, ...sums(cost) })),
    others: { count: 0, ...sums(0) },
    total: sums(all),
    ...more,
  };
  const server = createServer((request, response) => {
    const isAsked = request.url === "/v1/usage?by=workspace&month=2026-11&top=1000";
    response.writeHead(isAsked ? 200 : 404).end(JSON.stringify(isAsked ? answer : { error: "no such path" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Words {
  readonly answers?: Answers;
  readonly dialect?: "admin" | "document";
}

/** Mistral's Admin API and a keys file for it. */
async function stage(admin: string, { answers = {}, dialect = "admin" }: Words = {}) {
  const usual: Answers = {
    "GET /v1/admin/usage": (request) => billing(request),
    "GET /v1/admin/spend-limit": LIMIT,
  };
  const mistral = await ReplayServer.start({ answers: { ...usual, ...answers } });
  const file = join(directory(), "keys.yaml");
  writeFileSync(
    file,
    `version: 1
mistral: { dialect: ${dialect}, url: ${mistral.url}/v1${dialect === "admin" ? "/admin" : ""}, key: { env: ADMIN_KEY } }
upstream:
  dev: { workspace: w-dev, owner: u1, sink: { file: /run/secrets/dev } }
  search: { workspace: w-ml, owner: u1, sink: { file: /run/secrets/search } }
  ml: { workspace: w-ml, owner: u1, sink: { file: /run/secrets/ml } }
`,
  );
  const env = { WINDBREAK_KEYS: file, ADMIN_KEY: KEY, WINDBREAK_ADMIN_SERVER: admin };
  const reconcile = (...more: readonly string[]) => runCli(["usage", "--reconcile", ...more], env, NOON);
  return { mistral, reconcile };
}

const lines = (text: string) => text.split("\n").map((line) => line.trim().replace(/ {2,}/g, "  "));

describe("windbreak usage --reconcile", () => {
  it("holds this month's bill against what was counted, workspace by workspace", async () => {
    const { reconcile, mistral } = await stage(await counting({ dev: 39, search: 4, ml: 6.1, lab: 3 }));
    const { code, stdout, stderr } = await reconcile();
    expect([code, stderr, lines(stdout)]).toEqual([
      0,
      "",
      [
        "month  2026-11",
        "not asked  lab: not in the keys file",
        "spend limit  500.00 USD at Mistral, 52.00 USD used, this month, organization",
        "",
        "WORKSPACE  MISTRAL  WINDBREAK  DRIFT",
        "dev  $40.00  $39.00  -2.5 %",
        "search, ml  $10.00  $10.10  +1 %",
        "",
        "none is more than 5 % apart",
        "",
      ],
    ]);
    const asked = mistral.requests.map(({ url }) => url);
    expect(asked).toEqual([
      "/v1/admin/usage?month=11&year=2026&workspace_id=w-dev",
      "/v1/admin/usage?month=11&year=2026&workspace_id=w-ml",
      "/v1/admin/spend-limit",
    ]);
    expect(mistral.requests.map((request) => valuesOf(request, "x-api-key"))).toEqual([[KEY], [KEY], [KEY]]);
  });

  it("exits with 1 where a workspace is further apart than --tolerance", async () => {
    const { reconcile } = await stage(await counting({ dev: 39, ml: 10 }));
    const { code, stdout } = await reconcile("--tolerance", "2%");
    expect(code).toBe(1);
    expect(lines(stdout)).toContain("dev  $40.00  $39.00  -2.5 %  apart");
    expect(lines(stdout)).toContain("1 of 2 workspaces more than 2 % apart");
  });

  it("writes JSON with amounts as texts", async () => {
    const { reconcile } = await stage(await counting({ dev: 40, ml: 20 }));
    const { code, stdout } = await reconcile("--json", "--month", "2026-11");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      month: "2026-11",
      compared: "usd",
      tolerance: 0.05,
      workspaces: [
        { workspaces: ["dev"], billed_nano: "40000000000", counted_nano_usd: "40000000000", drift: 0, over: false },
        { workspaces: ["search", "ml"], mistral_workspace: "w-ml", billed_tokens: "10000000", drift: 1, over: true },
      ],
      spend_limit: { limit: 500, reached: false },
    });
  });

  it("compares tokens where Mistral bills in euros, and says what makes days differ", async () => {
    const answers: Answers = { "GET /v1/admin/usage": (request) => billing(request, { currency: "EUR" }) };
    const admin = await counting({ dev: 40, ml: 10 }, { timezone: "Europe/Paris", kept_since: "2026-11-05" });
    const { reconcile } = await stage(admin, { answers });
    const { code, stdout } = await reconcile();
    expect(code).toBe(0);
    expect(lines(stdout).slice(0, 4)).toEqual([
      "month  2026-11",
      "time zone  Mistral's days are of UTC, Windbreak's of Europe/Paris",
      "kept  since 2026-11-05; earlier days are not counted",
      "compared  tokens, because Mistral's bill is not in dollars or has no prices",
    ]);
    expect(lines(stdout)).toContain("dev  40,000,000  40,000,000  0 %");
  });

  it("goes on where Mistral does not tell the spend limit, also by the dialect of older descriptions", async () => {
    const answers: Answers = { "GET /v1/admin/spend-limit": { kind: "whole", status: 403, body: {} } };
    const { reconcile, mistral } = await stage(await counting({ dev: 40, ml: 10 }), { answers, dialect: "document" });
    const { code, stdout } = await reconcile();
    expect(code).toBe(0);
    expect(stdout).not.toContain("spend limit");
    expect(mistral.requests.every((request) => valuesOf(request, "authorization")[0] === `Bearer ${KEY}`)).toBe(true);
  });

  it.each([
    [401, "answers 401 (no); give the organization's admin key"],
    [
      403,
      "answers 403; the Admin API is for Enterprise organizations and their admin keys; without it, hold windbreak",
    ],
    [404, "answers 404; there is no Admin API at this address, see mistral.url of the keys file; without it, hold"],
    [422, "answers 422 (no); correct what it names"],
  ])("exits with 3 and a sentence where Mistral answers %i", async (status, words) => {
    const answers: Answers = { "GET /v1/admin/usage": { kind: "whole", status, body: { message: "no" } } };
    const { reconcile } = await stage(await counting({ dev: 40 }), { answers });
    const { code, stdout, stderr } = await reconcile();
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(words);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr).not.toContain(KEY);
  });

  it("exits with 3 where no server tells what it counted, or Mistral answers with what is no bill", async () => {
    const away = await stage("127.0.0.1:1");
    expect((await away.reconcile()).code).toBe(3);
    const answers: Answers = { "GET /v1/admin/usage": { kind: "whole", body: "<html>" } };
    const { code, stderr } = await (await stage(await counting({}), { answers })).reconcile();
    expect([code, stderr]).toEqual([3, expect.stringContaining("nothing of usage that this version can read")]);
  });

  it.each([
    [["--tolerance", "a bit"], "--tolerance a bit: is no share; write it as 5% or 0.5%\n"],
    [["--month", "11"], "--month 11: is no month; write it as 2026-03\n"],
    [["--by", "model"], "--by: says nothing to --reconcile; leave it out, or give --month\n"],
  ])("is wrong usage with %j", async (more, line) => {
    const { reconcile } = await stage("127.0.0.1:1");
    expect(await reconcile(...more)).toMatchObject({ code: 2, stderr: line });
  });

  it("is wrong usage without a keys file, as are its flags without it", async () => {
    const none = await runCli(["usage", "--reconcile"], {}, NOON);
    expect([none.code, none.stderr]).toEqual([2, "--keys: missing; give --keys FILE, or set WINDBREAK_KEYS\n"]);
    const idle = await runCli(["usage", "--tolerance", "5%"], {}, NOON);
    expect([idle.code, idle.stderr]).toEqual([
      2,
      "--tolerance: is for --reconcile; leave it out, or give --reconcile\n",
    ]);
  });
});
