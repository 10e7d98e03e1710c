import { existsSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTo, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startProcess, within } from "./running-process.js";
import { healthClient, watch } from "./running-server.js";
import { type Answer, afterwards, temporaryDirectory } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_day: 1_000_000 } } }
roles: { crew: { models: ["*"] } }
`;
const ann = { id: "ann", role: "crew", workspace: "dev" };
const call = { principal: ann, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };

/** Open a stream of questions, whose answers are awaited one by one. */
function openStream({ client }: Awaited<ReturnType<typeof startProcess>>) {
  const stream = client.authorizeStream();
  const answered: ((answer: Answer) => void)[] = [];
  stream.on("data", (answer: Answer) => answered.shift()?.(answer));
  // The status tells it too.
  stream.on("error", () => undefined);
  return {
    ask: (id: string) => {
      const answer = new Promise<Answer>((resolve) => answered.push(resolve));
      stream.write({ request: { ...call, request_id: id } });
      return within(5_000, `the answer to ${id}`, answer);
    },
    status: new Promise<number>((resolve) => stream.on("status", ({ code }) => resolve(code))),
  };
}

/** What an HTTP/2 client says first: who has said nothing is not waited for. */
const FIRST_WORDS = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

describe("SIGTERM", () => {
  it("says NOT_SERVING, answers what is under way, and ends with 0 and without the socket", async () => {
    const path = join(temporaryDirectory(), "windbreak.sock");
    const running = await startProcess(POLICY, { listen: `unix:${path}`, flags: ["--drain-delay", "1s"] });
    const health = watch(healthClient(running.address));
    expect(await health.next()).toBe("SERVING");
    const stream = openStream(running);
    expect(await stream.ask("before")).toMatchObject({ request_id: "before", response: { allowed: true } });
    expect((await running.get("/readyz")).status).toBe(200);

    running.kill("SIGTERM");
    expect(await within(5_000, "the change of health", health.next())).toBe("NOT_SERVING");
    const ready = await running.get("/readyz");
    expect([ready.status, JSON.parse(ready.text)]).toMatchObject([503, { status: "not_ready", draining: true }]);
    expect(await stream.ask("after")).toMatchObject({ request_id: "after", response: { allowed: true } });

    expect(await within(5_000, "the end of the stream", stream.status)).toBe(0);
    expect(await within(5_000, "the end of the watch", health.next())).toBe("end OK");
    expect(await running.ended()).toMatchObject({ code: 0, signal: null, stdout: "" });
    expect(running.lines.at(-1)).toMatch(/ info +all calls finished$/);
    expect(existsSync(path)).toBe(false);
  });

  it("is not cut short by a SIGHUP that comes meanwhile", async () => {
    const running = await startProcess(POLICY, { flags: ["--drain-delay", "1s"] });
    running.kill("SIGTERM");
    await running.line(/ SIGTERM: draining/);
    running.kill("SIGHUP");
    expect(await running.client.authorize(call)).toMatchObject({ allowed: true });
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
  });

  it("answers each call in flight, or refuses it as unavailable", async () => {
    const running = await startProcess(POLICY);
    const asked = Array.from({ length: 500 }, () => running.client.authorize(call).catch((error: unknown) => error));
    await Promise.race(asked);
    running.kill("SIGTERM");
    for (const answer of await Promise.all(asked)) {
      if (answer instanceof Error) expect(answer).toMatchObject({ code: 14 });
      else expect(answer).toMatchObject({ allowed: true });
    }
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("asked for twice, the second time by %s, ends at once with %i", async (signal, code) => {
    const running = await startProcess(POLICY, { flags: ["--drain-grace", "10m"] });
    const [host = "", port = ""] = running.address.split(":");
    // A connection whose client does not let go of it.
    const idle = connectTo({ host, port: Number(port), allowHalfOpen: true });
    afterwards(() => idle.destroy());
    await new Promise((resolve) => idle.once("connect", resolve));
    idle.write(FIRST_WORDS);
    // Known to the process too: it answers the connections in their order.
    await running.client.authorize(call);

    running.kill("SIGTERM");
    await running.line(/ SIGTERM: draining/);
    running.kill(signal);
    expect(await running.ended()).toMatchObject({ code, signal: null });
  });

  it("cuts off after the grace time whoever does not let go, and says so", async () => {
    const running = await startProcess(POLICY, { flags: ["--drain-grace", "100ms"] });
    const [host = "", port = ""] = running.address.split(":");
    const idle = connectTo({ host, port: Number(port), allowHalfOpen: true });
    afterwards(() => idle.destroy());
    await new Promise((resolve) => idle.once("connect", resolve));
    idle.write(FIRST_WORDS);
    await running.client.authorize(call);

    running.kill("SIGTERM");
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
    expect(running.lines.at(-1)).toMatch(/ info +calls were cut off after the grace time$/);
  });
});

describe("kill -9", () => {
  it("leaves a socket that the next start takes over, and decides by its policy from the first call on", async () => {
    const path = join(temporaryDirectory(), "windbreak.sock");
    const first = await startProcess(POLICY, { listen: `unix:${path}` });
    const asking = Promise.allSettled(Array.from({ length: 200 }, () => first.client.authorize(call)));
    expect(await statusByHand(path)).toBe(NAMES_NOBODY);
    first.kill("SIGKILL");
    expect(await first.ended()).toMatchObject({ code: null, signal: "SIGKILL" });
    await asking;
    expect(existsSync(path)).toBe(true);

    const starting = startProcess(POLICY, { listen: `unix:${path}` });
    expect(await within(15_000, "the first answer", statusByHand(path))).toBe(NAMES_NOBODY);
    const second = await starting;
    expect(await second.client.authorize(call)).toMatchObject({ allowed: true });
    second.kill("SIGTERM");
    expect(await second.ended()).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });
});

/** INVALID_ARGUMENT: the call was read and judged. */
const NAMES_NOBODY = "3";

/** Ask by hand, as soon as anyone may connect: a gRPC client would wait between its attempts. @returns the status. */
async function statusByHand(path: string): Promise<string> {
  for (;;) {
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const trying = connectTo({ path });
      trying.once("connect", () => resolve(trying));
      // Also what comes later: its server is killed while it is open.
      trying.on("error", () => resolve(undefined));
    });
    if (socket) return statusOver(socket);
  }
}

function statusOver(socket: Socket): Promise<string> {
  const session = connectHttp2("http://localhost", { createConnection: () => socket });
  session.on("error", () => {});
  afterwards(() => session.destroy());
  const call = session.request({
    ":method": "POST",
    ":path": "/windbreak.v1.PolicyDecisionService/CheckBudget",
    "content-type": "application/grpc",
    te: "trailers",
  });
  call.end(EMPTY_MESSAGE);
  return new Promise((resolve, reject) => {
    // An error comes with the first headers, being the last.
    call.once("response", (headers) => resolve(String(headers["grpc-status"])));
    call.once("error", reject);
  });
}

/** Not compressed, of no bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);
