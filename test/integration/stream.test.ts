import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type ClientDuplexStream, type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import { type Answer, type RunningService, startService } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_minute: 50 } } }
roles: { crew: { models: ["*"] } }
`;

const question = (request_id: string, more: object = {}) => ({
  request: {
    request_id,
    principal: { id: "ada", role: "crew", workspace: "dev" },
    model: "mistral-small-latest",
    input_tokens: 1,
    max_output_tokens: 1,
    ...more,
  },
});

type Stream = ClientDuplexStream<object, object>;

/** Collect the next answers of a stream. */
function take(stream: Stream, count: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.on("data", (answer) => {
      answers.push(answer);
      if (answers.length === count) resolve(answers);
    });
  });
}

function endOf(stream: Stream): Promise<StatusObject> {
  stream.on("error", () => {});
  return new Promise((resolve) => stream.once("status", resolve));
}

describe("AuthorizeStream", () => {
  it("answers each question once, by its request_id", async () => {
    const { client } = await startService(POLICY);
    const stream = client.authorizeStream();
    const answered = take(stream, 100);
    for (let index = 0; index < 100; index++) stream.write(question(`q${index}`));
    const answers = await answered;
    expect(new Set(answers.map((answer) => answer.request_id)).size).toBe(100);
    expect(answers.every((answer) => answer.response.request_id === answer.request_id)).toBe(true);
    expect(answers.filter((answer) => answer.response.allowed)).toHaveLength(50);
    expect(answers.find((answer) => !answer.response.allowed).response).toMatchObject({
      reason: "REASON_RATE_LIMITED",
      http_status: 429,
    });
    stream.end();
    expect(await endOf(stream)).toMatchObject({ code: status.OK });
  });

  it("gives the same answer as the unary call", async () => {
    const { client } = await startService(POLICY);
    const stream = client.authorizeStream();
    const answered = take(stream, 1);
    stream.write(question("same"));
    const [answer] = await answered;
    expect(await client.authorize(question("same").request)).toEqual(answer.response);
    stream.end();
  });

  it("answers a question at fault by an error and lives on", async () => {
    const { client } = await startService(POLICY);
    const stream = client.authorizeStream();
    const answered = take(stream, 7);
    stream.write(question("bad-number", { input_tokens: -1 }));
    stream.write(question("huge-number", { input_tokens: "9007199254740992" }));
    stream.write(question("bad-endpoint", { endpoint: 42 }));
    stream.write(question(""));
    stream.write({});
    stream.write(question("a b"));
    stream.write(question("good"));
    const byId = new Map((await answered).map((answer) => [answer.request_id, answer]));
    expect(byId.get("bad-number").error).toEqual({ code: 3, message: "input_tokens: must not be negative" });
    expect(byId.get("huge-number").error).toMatchObject({
      code: 3,
      message: expect.stringMatching(/^input_tokens: /),
    });
    expect(byId.get("bad-endpoint").error).toMatchObject({ code: 3 });
    expect(byId.get("").error).toMatchObject({ code: 3 });
    expect(byId.get("a b").error).toMatchObject({ code: 3, message: expect.stringMatching(/^request_id: /) });
    expect(byId.get("good").response).toMatchObject({ allowed: true });
    stream.end();
  });

  it("refuses an id that is in use for another call, and lives on", async () => {
    const { client } = await startService(POLICY);
    const stream = client.authorizeStream();
    const answered = take(stream, 3);
    stream.write(question("one"));
    stream.write(question("one", { input_tokens: 2 }));
    stream.write(question("two"));
    const answers = await answered;
    expect(answers.map((answer) => answer.error?.code ?? 0)).toEqual([0, status.ALREADY_EXISTS, 0]);
    stream.end();
  });

  it("ends with INVALID_ARGUMENT at bytes that are no message, after the answers before them", async () => {
    const running = await startService(POLICY);
    const { answers, grpcStatus } = await sendFrames(running, [
      running.client.encode("AuthorizeStream", question("before")),
      Buffer.from([0x0a, 0xff, 0xff]),
      running.client.encode("AuthorizeStream", question("after")),
    ]);
    expect(grpcStatus).toBe(String(status.INVALID_ARGUMENT));
    expect(answers).toContain("before");
    expect(answers).not.toContain("after");
    const { limits } = await running.client.checkBudget({ principal: question("").request.principal });
    expect(limits[0]).toMatchObject({ reserved: 1 });
  });

  it("ends with RESOURCE_EXHAUSTED at a message that is too large", async () => {
    const { client } = await startService(POLICY);
    const stream = client.authorizeStream();
    const end = endOf(stream);
    stream.write(question("big", { labels: { a: "x".repeat(70_000) } }));
    expect(await end).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it("stops reading from a client that does not read its answers, and goes on when it does", async () => {
    const running = await startService(POLICY.replace("requests_per_minute: 50", "requests_per_day: 1_000_000"));
    const count = 20_000;
    const { stream, session } = openStream(running);
    stream.pause();
    for (let index = 0; index < count; index++) {
      stream.write(frame(running.client.encode("AuthorizeStream", question(`q${index}`))));
    }
    const stalled = await settledCount(running);
    expect(stalled).toBeLessThan(count);

    stream.end();
    stream.resume();
    await once(stream, "end");
    expect(await settledCount(running)).toBe(count);
    session.close();
  });

  it("answers what was asked and ends when the server drains", async () => {
    const { client, service } = await startService(POLICY);
    const stream = client.authorizeStream();
    const answered = take(stream, 1);
    stream.write(question("last"));
    await answered;
    const end = endOf(stream);
    expect(await service.stop()).toBe("drained");
    expect(await end).toMatchObject({ code: status.OK });
  });
});

/** How many questions have been answered, once that number has stopped to grow. */
async function settledCount({ client }: RunningService): Promise<number> {
  const answered = async () => {
    const { limits } = await client.checkBudget({ principal: question("").request.principal });
    return limits[0].reserved;
  };
  for (let before = -1; ; ) {
    const now = await answered();
    if (now === before && now > 0) return now;
    before = now;
  }
}

function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Open a stream over bare HTTP/2: a client library would neither send what is no message nor leave answers unread. */
function openStream({ service }: RunningService) {
  const [address] = service.addresses();
  if (!address) throw new Error("nothing listens");
  const session = connectHttp2(`http://${formatAddress(address)}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/windbreak.v1.PolicyDecisionService/AuthorizeStream",
    "content-type": "application/grpc",
    te: "trailers",
  });
  return { stream, session };
}

async function sendFrames(running: RunningService, messages: readonly Buffer[]) {
  const { stream, session } = openStream(running);
  for (const message of messages) stream.write(frame(message));
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [trailers] = await once(stream, "trailers");
  stream.close();
  session.close();
  return { answers: Buffer.concat(chunks).toString("latin1"), grpcStatus: trailers["grpc-status"] };
}
