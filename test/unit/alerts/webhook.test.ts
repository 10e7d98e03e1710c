import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Webhook, type WebhookOptions } from "../../../src/alerts/webhook.js";
import type { AlertNotice } from "../../../src/app/alert-ports.js";
import { instant } from "../../support/fake-clock.js";
import { limitOf } from "../../support/policy-words.js";
import { freePort } from "../../support/redis/free-port.js";

const NOW = instant("2026-11-15T12:00:00Z");
const PATH = "/services/T000/B000/channel-secret";

interface Post {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A server that answers each post in turn; the last answer is given again. */
async function hook(...answers: ((response: ServerResponse) => void)[]) {
  const posts: Post[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    posts.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    answers[Math.min(posts.length, answers.length) - 1]?.(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}` };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end("a body");
const silence = () => undefined;

function noticeTo(webhook: string, words: Partial<AlertNotice> = {}, isSigned = false): AlertNotice {
  const secret = isSigned ? ({ kind: "env", name: "HOOK" } as const) : undefined;
  return {
    target: { name: "ops", webhook, secret },
    occasion: { kind: "threshold", percent: 80 },
    limit: {
      limit: limitOf("workspaces.dev.usd_per_month", 100_000_000_000),
      scopeId: "dev",
      workspace: "dev",
      principal: "",
      used: 80_500_000_000,
      reserved: 1_000_000_000,
      remaining: 18_500_000_000,
      resetsAt: instant("2026-12-01T00:00:00Z"),
    },
    organization: "acme",
    policyRevision: "r1",
    now: NOW,
    ...words,
  };
}

function webhook(words: Partial<WebhookOptions> = {}): Webhook {
  return new Webhook({
    secretAt: async () => ({ key: "hush" }),
    userAgent: "windbreak/test",
    pausesMs: [1, 1],
    stopped: new AbortController().signal,
    ...words,
  });
}

describe("a webhook", () => {
  it("is posted a text for people and the figures for programs", async () => {
    const { posts, url } = await hook(status(200));
    expect(await webhook().notify(noticeTo(url))).toBeUndefined();
    expect(posts).toHaveLength(1);
    expect(posts[0]?.headers).toMatchObject({ "content-type": "application/json", "user-agent": "windbreak/test" });
    expect(JSON.parse(posts[0]?.body ?? "")).toEqual({
      text: "Windbreak: dev has taken 81 % of workspaces.dev.usd_per_month: $81.50 of $100.00 (told at 80 %). It resets 2026-12-01T00:00:00.000Z.",
      windbreak: {
        version: 1,
        kind: "threshold",
        percent: 80,
        time: "2026-11-15T12:00:00.000Z",
        organization: "acme",
        limit: "workspaces.dev.usd_per_month",
        scope: "workspace",
        scope_id: "dev",
        workspace: "dev",
        metric: "usd",
        window: "month",
        ceiling: 100_000_000_000,
        used: 80_500_000_000,
        reserved: 1_000_000_000,
        remaining: 18_500_000_000,
        resets_at: "2026-12-01T00:00:00.000Z",
        policy_revision: "r1",
      },
    });
  });

  it("is told when a forecast runs out", async () => {
    const { posts, url } = await hook(status(204));
    const occasion = { kind: "forecast", runsOutAt: instant("2026-11-20T06:00:00Z") } as const;
    await webhook().notify(noticeTo(url, { occasion }));
    expect(JSON.parse(posts[0]?.body ?? "")).toMatchObject({
      text: "Windbreak: at this pace dev uses up workspaces.dev.usd_per_month at 2026-11-20T06:00:00.000Z: $81.50 of $100.00 so far. It resets 2026-12-01T00:00:00.000Z.",
      windbreak: { kind: "forecast", runs_out_at: "2026-11-20T06:00:00.000Z" },
    });
  });

  it("can tell by the signature who posts, and when", async () => {
    const { posts, url } = await hook(status(200));
    await webhook().notify(noticeTo(url, {}, true));
    const seconds = NOW / 1000;
    const digest = createHmac("sha256", "hush").update(`${seconds}.${posts[0]?.body}`).digest("hex");
    expect(posts[0]?.headers["windbreak-signature"]).toBe(`t=${seconds},v1=${digest}`);
  });

  it("is not posted to unsigned where its secret cannot be read", async () => {
    const { posts, url } = await hook(status(200));
    const secretAt = async () => ({ why: "the variable HOOK is not set" });
    expect(await webhook({ secretAt }).notify(noticeTo(url, {}, true))).toBe(
      "it cannot be signed: the variable HOOK is not set",
    );
    expect(posts).toEqual([]);
  });

  it("that fails is tried again, with the same body", async () => {
    const { posts, url } = await hook(status(500), silence, status(200));
    expect(await webhook({ answerMs: 100 }).notify(noticeTo(url))).toBeUndefined();
    expect(posts).toHaveLength(3);
    expect(new Set(posts.map(({ body }) => body)).size).toBe(1);
  });

  it.each([
    ["answers 500", status(500), "it answered 500"],
    ["hangs", silence, "it did not answer within 100 ms"],
    [
      "redirects to loopback",
      status(307, { location: "http://127.0.0.1:1/" }),
      "it answered 307; redirects are not followed",
    ],
  ])("that %s is given up after three tries, with the reason", async (_, answer, why) => {
    const { posts, url } = await hook(answer);
    expect(await webhook({ answerMs: 100 }).notify(noticeTo(url))).toBe(why);
    expect(posts).toHaveLength(3);
  });

  it("that is not there is named by the system's word, and never by its URL", async () => {
    const port = await freePort();
    const why = await webhook().notify(noticeTo(`http://127.0.0.1:${port}${PATH}`));
    expect(why).toBe("it could not be reached (ECONNREFUSED)");
  });

  it("is not waited for once the service ends, nor posted to", async () => {
    const { posts, url } = await hook(silence);
    const stopping = new AbortController();
    const ending = webhook({ answerMs: 60_000, stopped: stopping.signal });
    const telling = ending.notify(noticeTo(url));
    stopping.abort();
    expect(await telling).toBe("the service ends");
    const before = posts.length;
    expect(await ending.notify(noticeTo(url))).toBe("the service ends");
    expect(posts).toHaveLength(before);
  });
});
