import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { type sendUnaryData, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { recordUsage } from "../../src/app/record-usage.js";
import { fixedIdentity } from "../../src/identity/fixed.js";
import { formatAddress } from "../../src/transport/address.js";
import { DECISION_SERVICE } from "../../src/transport/decision-service.js";
import { createServer, listen } from "../../src/transport/server.js";
import { policyFile } from "../unit/commands/policy-files.js";
import { runCli } from "../unit/commands/run-cli.js";
import { startServer } from "./cli-server.js";

const ADA = ["--principal", "ada", "--role", "developer", "--workspace", "dev"];
const CODE = ["--model", "codestral-latest", "--input-tokens", "500"];

const lines = (text: string) => text.split("\n").map((line) => line.replace(/ {2,}/g, "  "));

/** Listen on a free port until the test is over. @returns the address. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `127.0.0.1:${port}`;
}

describe("authorize", () => {
  test("reserves, and says what", async () => {
    const { cli, revision } = await startServer();
    const { code, stdout, stderr } = await cli("authorize", ...ADA, ...CODE, "--request-id", "q1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "allowed: codestral-2508, at most 1,500 output tokens, at most $0.0015",
      expect.stringMatching(/^reservation {2}\S{26}, expires in 15 min$/),
      "request      q1",
      `policy       ${revision}`,
      "",
    ]);
    const listed = await cli("reservations", "list");
    expect(listed.stdout).toContain("ada");
  });

  test("is 1 where the call is denied, and names the limit", async () => {
    const { cli } = await startServer();
    for (let call = 0; call < 2; call++) expect((await cli("authorize", ...ADA, ...CODE)).code).toBe(0);
    const { code, stdout, stderr } = await cli("authorize", ...ADA, ...CODE);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(
      /^denied: RATE_LIMITED \(HTTP 429\)\nworkspaces\.dev\.requests_per_minute: this call needs 1 request, with 0 of 2 left /,
    );
    expect(lines(stdout)).toContain("retry after  1 min 6 s");
    expect(lines(stdout).slice(-4)).toEqual([
      "LIMIT  USED  RESERVED  CEILING  LEFT  RESETS IN",
      "workspaces.dev",
      "  requests_per_minute  0  2  2  0  1 min 6 s",
      "",
    ]);
  });

  test("reserves nothing on a dry run, and shows every limit where asked to", async () => {
    const { cli } = await startServer();
    const { code, stdout } = await cli("authorize", ...ADA, ...CODE, "--dry-run", "--include-limits");
    expect(code).toBe(0);
    expect(stdout).toContain("reservation  none: this was a dry run\n");
    expect(lines(stdout).slice(-9)).toEqual([
      "organization (acme)",
      "  usd_per_month  $0.00  $0.00  $3000.00  $3000.00  8 d 12 h",
      "workspaces.dev",
      expect.stringMatching(/^ {2}requests_per_minute {2}0 {2}0 {2}2 {2}2/),
      "  usd_per_month  $0.00  $0.00  $50.00  $50.00  8 d 12 h",
      "roles.developer (ada)",
      "  tokens_per_day  0  0  500,000  500,000  12 h",
      "  tokens_per_request  2,000  each request",
      "",
    ]);
    expect((await cli("reservations", "list")).stdout).toBe("no reservation is open\n");
  });

  test("is also protobuf JSON with the proto's field names", async () => {
    const { cli, revision } = await startServer();
    const { code, stdout } = await cli(
      "authorize",
      ...ADA,
      ...CODE,
      "--json",
      "--include-limits",
      "--request-id",
      "q1",
    );
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      request_id: "q1",
      allowed: true,
      reason: "REASON_ALLOWED",
      message: "",
      reservation_expires_at: "2026-11-22T12:15:00Z",
      model: "codestral-2508",
      max_output_tokens: "1500",
      estimated_cost_nano_usd: "1500000",
      http_status: 200,
      policy_revision: revision,
      degraded: false,
      shadow_denials: [],
    });
    expect(said.limits[0]).toEqual({
      name: "organization.usd_per_month",
      metric: "METRIC_NANO_USD",
      window: "WINDOW_MONTH",
      ceiling: "3000000000000",
      used: "0",
      reserved: "1500000",
      remaining: "2999998500000",
      resets_at: "2026-12-01T00:00:00Z",
      scope_id: "acme",
      shadow: false,
    });
  });

  test("hands over every part of the question", async () => {
    const { cli } = await startServer();
    const admin = ["--principal", "root", "--role", "senior", "--workspace", "prod"];
    const pages = ["--model", "mistral-ocr-latest", "--pages", "3", "--annotated-pages", "--label", "case=42"];
    expect((await cli("authorize", ...admin, ...pages)).stdout).toMatch(
      /^allowed: mistral-ocr-4-1, at most \$0\.015\n/,
    );

    const audio = ["--model", "voxtral-mini-latest", "--audio-seconds", "60", "--endpoint", "audio_transcriptions"];
    expect((await cli("authorize", ...admin, ...audio)).stdout).toMatch(
      /^allowed: voxtral-mini-2602, at most \$0\.003\n/,
    );

    const chat = ["--model", "codestral-latest", "--endpoint", "fim_completions", "--max-output-tokens", "10"];
    expect((await cli("authorize", ...admin, ...chat)).stdout).toMatch(/, at most 10 output tokens, /);
    expect((await cli("authorize", ...admin, ...chat, "--endpoint", "ocr", "--pages", "1")).stdout).toMatch(
      /^denied: ENDPOINT_NOT_ALLOWED /,
    );
    expect((await cli("authorize", ...admin, ...chat, "--label", "Case=42")).stderr).toMatch(/^labels: keys must be /);
  });

  test.each([
    ["an unknown id", [...CODE], /^principal\.id: is required \(INVALID_ARGUMENT from 127\.0\.0\.1:\d+\)\n$/],
    [
      "a false claim",
      ["--principal", "search-service", "--role", "developer", ...CODE],
      /^principal\.role: .* \(PERMISSION_DENIED from .*\)\n$/,
    ],
    ["no model", ADA, /^--model: missing; .*\n$/],
  ])("is wrong usage with %s", async (_, question, line) => {
    const { cli } = await startServer();
    const { code, stdout, stderr } = await cli("authorize", ...question);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(line);
  });

  test("is wrong usage where a request_id is used for another call", async () => {
    const { cli } = await startServer();
    expect((await cli("authorize", ...ADA, ...CODE, "--request-id", "q1")).code).toBe(0);
    const again = await cli("authorize", ...ADA, "--model", "mistral-embed", "--request-id", "q1");
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/^request_id q1 .* \(ALREADY_EXISTS from .*\)\n$/);
  });

  test("tells faults of flags and of settings at once", async () => {
    const { code, stderr } = await runCli(["authorize", "--pages", "x", "--server", "x", "--timeout", "x"]);
    expect(code).toBe(2);
    expect(stderr.split("\n").map((line) => line.split(":")[0])).toEqual([
      "--server x",
      "--timeout x",
      "--model",
      "--pages x",
      "",
    ]);
  });
});

/** Charge what some principals used, without reservations. */
async function use(
  { desk }: Awaited<ReturnType<typeof startServer>>,
  ...calls: readonly (readonly [string, number])[]
) {
  for (const [nth, [id, inputTokens]] of calls.entries()) {
    const recorded = await recordUsage(desk, {
      reservationId: "",
      requestId: `q${nth}`,
      principal: { id, role: "developer", workspace: "dev" },
      model: nth % 2 === 0 ? "mistral-embed" : "codestral-latest",
      endpoint: undefined,
      usage: { inputTokens, cachedInputTokens: 0, outputTokens: 0, pages: 0, audioSeconds: 0, annotatedPages: false },
      outcome: "succeeded",
      includeLimits: false,
      labels: {},
    });
    expect(recorded.kind).toBe("recorded");
  }
}

describe("usage --top", () => {
  test("says who spent most today, first", async () => {
    const server = await startServer();
    await use(server, ["ada", 1_000_000], ["bob", 1_000_000], ["cy", 10], ["ada", 2_000]);
    const { code, stdout, stderr } = await server.cli("usage", "--top", "2");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines(stdout)).toEqual([
      "day  2026-11-22 (UTC)",
      "",
      "PRINCIPAL  USD  SHARE  REQUESTS  INPUT TOKENS  OUTPUT TOKENS",
      "bob  $0.30  74.9 %  1  1,000,000  0",
      "ada  $0.1006  25.1 %  2  1,002,000  0",
      "1 other  $0.000001  0.0 %  1  10  0",
      "total  $0.400601  100.0 %  4  2,002,010  0",
      "",
    ]);
  });

  test.each([
    [["--top", "--by", "model"], "MODEL", ["codestral-2508", "mistral-embed-2312"]],
    [["--by", "workspace", "--month", "2026-11"], "WORKSPACE", ["dev"]],
    [["--day", "2026-11-22", "--by", "principal"], "PRINCIPAL", ["bob", "ada"]],
  ])("%s groups and spans as told", async (flags, title, names) => {
    const server = await startServer();
    await use(server, ["ada", 1_000_000], ["bob", 1_000_000]);
    const { stdout } = await server.cli("usage", ...flags);
    const [, , titles, ...rows] = lines(stdout);
    expect(titles?.startsWith(`${title}  USD`)).toBe(true);
    expect(rows.map((row) => row.split("  ")[0])).toEqual([...names, "total", ""]);
  });

  test("of a day without calls, and of one that is long forgotten, says so", async () => {
    const { cli } = await startServer();
    expect((await cli("usage", "--top", "--day", "yesterday")).stdout).toBe(
      "day  2026-11-21 (UTC)\nnothing was settled\n",
    );
    expect(lines((await cli("usage", "--top", "--month", "2025-01")).stdout)).toEqual([
      "days  2025-01-01 to 2025-01-31 (UTC)",
      "kept  since 2026-09-20; of earlier days nothing is known",
      "nothing was settled",
      "",
    ]);
  });

  test("is also the admin port's JSON", async () => {
    const server = await startServer();
    await use(server, ["ada", 1_000_000]);
    const { stdout } = await server.cli("usage", "--top", "--by", "workspace", "--json");
    const sums = { requests: "1", input_tokens: "1000000", output_tokens: "0", cost_nano_usd: "100000000" };
    expect(JSON.parse(stdout)).toMatchObject({ by: "workspace", usage: [{ workspace: "dev", ...sums }], total: sums });
  });

  test.each([
    [["--top", "0"], /top is a whole number from 1 to 1000 \(HTTP 400\)$/],
    [["--by", "role"], /by is one of principal, workspace, model \(HTTP 400\)$/],
    [["--top", "--day", "1 May"], /day is today, yesterday or a date as 2026-03-10 \(HTTP 400\)$/],
    [["--top", "--principal", "ada"], /^--principal: says whose limits to show, .*; leave it out, /],
  ])("%s is wrong usage, told on one line", async (flags, fault) => {
    const { cli } = await startServer();
    const { code, stdout, stderr } = await cli("usage", ...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trimEnd()).toMatch(fault);
  });
});

describe("usage", () => {
  test("of a principal shows its limits and its models", async () => {
    const { cli, revision } = await startServer();
    await cli("authorize", "--principal", "search-service", "--model", "mistral-embed", "--input-tokens", "1000");
    const { code, stdout } = await cli("usage", "--principal", "search-service", "--model", "mistral-embed");
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      "principal  search-service, senior in prod",
      "may use  mistral-embed-2312",
      "model  mistral-embed-2312, allowed, $0.10 a million input tokens",
      `policy  ${revision}`,
      "",
      "LIMIT  USED  RESERVED  CEILING  LEFT  RESETS IN",
      "organization (acme)",
      "  usd_per_month  $0.00  $0.0001  $3000.00  $2999.9999  8 d 12 h",
      "workspaces.prod",
      "  concurrent_requests (shadow)  0  1  1  0",
      "roles.senior (search-service)",
      "  tokens_per_request  4,000  each request",
      "principals.search-service",
      "  usd_per_day  $0.00  $0.0001  $20.00  $19.9999  12 h",
      "",
    ]);
  });

  test("of a principal counts models where they are many, and says why one is none", async () => {
    const { cli } = await startServer();
    const { stdout } = await cli(
      "usage",
      "--principal",
      "ada",
      "--role",
      "senior",
      "--workspace",
      "prod",
      "--model",
      "gpt",
    );
    expect(stdout).toMatch(/^may use {4}\d\d models$/m);
    expect(stdout).toMatch(/^model {6}MODEL_UNKNOWN$/m);
  });

  test("of a principal is also protobuf JSON", async () => {
    const { cli, revision } = await startServer();
    const { stdout } = await cli("usage", "--principal", "search-service", "--model", "mistral-embed", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      principal: { id: "search-service", role: "senior", workspace: "prod" },
      allowed_models: ["mistral-embed-2312"],
      model_status: { model: "mistral-embed-2312", reason: "REASON_ALLOWED", input_token_nano_usd: "100" },
      policy_revision: revision,
    });
  });

  test("of nobody known is wrong usage", async () => {
    const { cli } = await startServer();
    const { code, stderr } = await cli("usage", "--principal", "ada", "--role", "chief", "--workspace", "dev");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^role chief is not in the policy.* \(NOT_FOUND from .*\)\n$/);
  });

  test("asks for whom the server takes its caller, where no id is given", async () => {
    const { cli } = await startServer({ identity: fixedIdentity("search-service") });
    const { code, stdout } = await cli("usage", "--model", "mistral-embed");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^principal {2}search-service, senior in prod$/m);
  });

  test("of all reads every limit with a counter from the admin port", async () => {
    const { cli, revision } = await startServer();
    await cli("authorize", ...ADA, ...CODE);
    const { code, stdout } = await cli("usage");
    expect(code).toBe(0);
    const table = lines(stdout);
    expect(table.slice(0, 3)).toEqual([`policy  ${revision}`, "", "LIMIT  USED  RESERVED  CEILING  LEFT  RESETS IN"]);
    expect(table).toEqual(
      expect.arrayContaining([
        "organization (acme)",
        "  usd_per_month  $0.00  $0.0015  $3000.00  $2999.9985  8 d 12 h",
        "workspaces.dev",
        "  requests_per_minute  0  1  2  1  1 min 6 s",
        "roles.developer (ada in dev)",
        "  tokens_per_day  0  2,000  500,000  498,000  12 h",
        "principals.search-service",
      ]),
    );
  });

  test("of all follows every page", async () => {
    const names = Array.from({ length: 1200 }, (_, index) => `p${index}`);
    const principals = names.map((name) => `  ${name}: { role: r, workspace: w, limits: { usd_per_day: 1 } }\n`);
    const rules = "workspaces: { w: { models: ['*'] } }\nroles: { r: { models: ['*'] } }\n";
    const { cli } = await startServer({ policy: `version: 1\n${rules}principals:\n${principals.join("")}` });
    const { code, stdout } = await cli("usage", "--json");
    expect(code).toBe(0);
    const { limits } = JSON.parse(stdout) as { limits: readonly { name: string; ceiling: string }[] };
    expect(limits.map(({ name }) => name).sort()).toEqual(names.map((name) => `principals.${name}.usd_per_day`).sort());
    expect(limits[0]?.ceiling).toBe("1000000000");
  });

  test("of all says so where there is nothing to count", async () => {
    const { cli } = await startServer({ policy: "version: 1\n" });
    expect((await cli("usage")).stdout).toMatch(/^policy {2}[0-9a-f]{16}\nit has no limit with a counter\n$/);
  });

  test("does not follow pages in a circle", async () => {
    const page = JSON.stringify({ policy_revision: "r", limits: [], next: "again" });
    const address = await listening(createHttpServer((_, response) => response.end(page)));
    const { code, stderr } = await runCli(["usage", "--admin-server", address]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/: the admin port there is of another version; /);
  });

  test("tells an answer of the admin port that is a refusal", async () => {
    const refuse = (status: number) =>
      createHttpServer((_, response) => response.writeHead(status).end(JSON.stringify({ error: "not now" })));
    const away = await runCli(["usage", "--admin-server", await listening(refuse(503))]);
    expect(away).toEqual({ code: 3, stdout: "", stderr: expect.stringMatching(/^127.*: not now \(HTTP 503\)\n$/) });
    const unserved = await runCli(["usage", "--admin-server", await listening(refuse(421))]);
    expect(unserved.code).toBe(2);
  });
});

describe("reservations", () => {
  test("are listed with what they hold, and released by their id", async () => {
    const { cli } = await startServer();
    await cli("authorize", ...ADA, ...CODE);
    const { stdout } = await cli("reservations", "list");
    const [titles, row = "", end] = lines(stdout);
    expect([titles, end]).toEqual(["RESERVATION  PRINCIPAL  WORKSPACE  MODEL  AT MOST  EXPIRES IN", ""]);
    const [id = "", ...cells] = row.split("  ");
    expect(cells).toEqual(["ada", "dev", "codestral-2508", "$0.0015", "15 min"]);

    expect(await cli("reservations", "release", id)).toEqual({ code: 0, stdout: `released ${id}\n`, stderr: "" });
    expect((await cli("reservations", "list")).stdout).toBe("no reservation is open\n");
    expect(await cli("reservations", "release", id)).toEqual({
      code: 1,
      stdout: "",
      stderr: `${id}: no open reservation has this id; see windbreak reservations list\n`,
    });
  });

  test("are also JSON", async () => {
    const { cli } = await startServer();
    await cli("authorize", ...ADA, ...CODE, "--request-id", "q1");
    const { reservations } = JSON.parse((await cli("reservations", "list", "--json")).stdout);
    expect(reservations).toEqual([expect.objectContaining({ request_id: "q1", estimated_cost_nano_usd: "1500000" })]);
    const released = await cli("reservations", "release", reservations[0].reservation_id, "--json");
    expect(JSON.parse(released.stdout)).toEqual({ reservation_id: reservations[0].reservation_id, released: true });
  });
});

describe("health", () => {
  test("is 0 while the server serves, 1 before and after", async () => {
    const { cli, health, unix } = await startServer();
    expect(await cli("health")).toEqual({ code: 1, stdout: "NOT_SERVING\n", stderr: "" });
    health.serve();
    expect(await cli("health")).toEqual({ code: 0, stdout: "SERVING\n", stderr: "" });
    expect(await cli("health", "--server", unix, "--json")).toEqual({
      code: 0,
      stdout: '{"status":"SERVING"}\n',
      stderr: "",
    });
    health.drain();
    expect((await cli("health")).code).toBe(1);
  });
});

describe("policy explain with a server", () => {
  const call = ["--model", "codestral-latest", "--input-tokens", "500"];

  test("holds the call against the server's counters", async () => {
    const { cli, env } = await startServer();
    for (let turn = 0; turn < 2; turn++) await cli("authorize", ...ADA, ...call);
    const server = ["--server", env.WINDBREAK_SERVER];
    const { code, stdout, stderr } = await cli("policy", "explain", policyFile(), ...ADA, ...call, ...server);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(/^denied: RATE_LIMITED \(HTTP 429\)\n/);
    expect(lines(stdout)).toEqual(
      expect.arrayContaining([
        "  requests_per_minute  2  0  2  0  1  refuses",
        "  tokens_per_day  500,000  0  4,000  496,000  2,000  passes",
        "no max_output_tokens passes with this model and this input",
      ]),
    );
  });

  test("warns where the server decides by another policy", async () => {
    const { cli, env, revision } = await startServer();
    const file = policyFile(
      "version: 1\nworkspaces: { dev: { models: ['*'] } }\nroles: { developer: { models: ['*'] } }\n",
    );
    const { code, stderr } = await cli("policy", "explain", file, ...ADA, ...call, "--server", env.WINDBREAK_SERVER);
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^${file}: warning: the server decides by policy ${revision}, not by `));
  });

  test("explains to a server that knows its caller without an id", async () => {
    const { cli, env } = await startServer({ identity: fixedIdentity("search-service") });
    const args = ["--model", "mistral-embed", "--server", env.WINDBREAK_SERVER];
    const { code, stdout } = await cli("policy", "explain", policyFile(), ...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^principals\.search-service$/m);
    // It only asked.
    expect((await cli("reservations", "list")).stdout).toBe("no reservation is open\n");
  });

  test("passes on that the server knows no such role", async () => {
    const { cli, env } = await startServer();
    const who = ["--principal", "ada", "--role", "chief", "--workspace", "dev"];
    const args = [...who, ...call, "--server", env.WINDBREAK_SERVER];
    const { code, stdout } = await cli("policy", "explain", policyFile(), ...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^denied: UNKNOWN_ROLE /);
  });
});

describe("a server that cannot be reached", () => {
  const asking = [["authorize", ...ADA, ...CODE], ["usage", "--principal", "ada"], ["health"]];
  const administering = [["usage"], ["reservations", "list"], ["reservations", "release", "id"]];

  test("is told on one line, with exit code 3", async () => {
    const free = createTcpServer();
    const address = await listening(free);
    await new Promise((resolve) => free.close(resolve));
    const env = { WINDBREAK_SERVER: address, WINDBREAK_ADMIN_SERVER: address };
    for (const argv of [...asking, ...administering]) {
      const { code, stdout, stderr } = await runCli(argv, env);
      expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
      expect(stderr).toMatch(/^127\.0\.0\.1:\d+: cannot be reached \(nothing listens there\); .*\n$/);
    }
  });

  test("is told of a socket that is not there", async () => {
    const env = { WINDBREAK_SERVER: "unix:/no/such.sock", WINDBREAK_ADMIN_SERVER: "unix:/no/such.sock" };
    for (const argv of [...asking, ...administering]) {
      const { code, stderr } = await runCli(argv, env);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^unix:\/no\/such\.sock: cannot be reached \(no such socket\); .*\n$/);
    }
  });

  test("is given up when the time is over", async () => {
    const address = await listening(createTcpServer((socket) => socket.resume().on("error", () => {})));
    const env = { WINDBREAK_SERVER: address, WINDBREAK_ADMIN_SERVER: address };
    for (const argv of [...asking, ...administering]) {
      const { code, stderr } = await runCli([...argv, "--timeout", "50ms"], env);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^127\.0\.0\.1:\d+: no answer within 0\.1 s; ask again, or .*\n$/);
    }
  });

  test("is not taken for another port of it", async () => {
    const { env } = await startServer();
    const swapped = { WINDBREAK_SERVER: env.WINDBREAK_ADMIN_SERVER, WINDBREAK_ADMIN_SERVER: env.WINDBREAK_SERVER };
    const health = await runCli(["health"], swapped);
    expect(health.code).toBe(3);
    expect(health.stderr).toContain("what listens there speaks no gRPC");
    const usage = await runCli(["usage"], swapped);
    expect(usage.code).toBe(3);
    expect(usage.stderr).toContain("what listens there is no admin port of Windbreak");
  });

  test.each([
    [
      status.UNAVAILABLE,
      "the counter store did not answer; ask again",
      3,
      /^127.*: the counter store did not answer; ask again\n$/,
    ],
    [status.INTERNAL, "internal error", 3, /^127.*: INTERNAL: internal error; look into the server's log\n$/],
    [status.UNIMPLEMENTED, "no such method", 3, /^127.*: what listens there is no Windbreak of this version; .*\n$/],
    [status.UNAUTHENTICATED, "who are you?", 2, /^who are you\? \(UNAUTHENTICATED from 127.*\)\n$/],
  ])("is told apart from one that answers with status %i", async (code, details, exitCode, line) => {
    const server = createServer();
    server.addService(DECISION_SERVICE, {
      checkBudget: (_: unknown, reply: sendUnaryData<Buffer>) => reply({ code, details }),
    });
    const bound = await listen(server, { addresses: [{ kind: "tcp", host: "127.0.0.1", port: 0 }] });
    onTestFinished(() => server.forceShutdown());
    if (bound.kind === "refused") throw new Error("not bound");
    const [address = ""] = bound.listeners.map((listener) => formatAddress(listener.address));
    onTestFinished(() => Promise.all(bound.listeners.map((listener) => listener.close())).then(() => {}));
    const ran = await runCli(["usage", "--principal", "ada", "--server", address]);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: exitCode, stdout: "" });
    expect(ran.stderr).toMatch(line);
  });

  test("is not looked for behind the proxy of the web", async () => {
    const { env, health } = await startServer();
    health.serve();
    process.env["grpc_proxy"] = "http://127.0.0.1:9";
    onTestFinished(() => {
      delete process.env["grpc_proxy"];
    });
    expect((await runCli(["health"], env)).code).toBe(0);
  });
});
