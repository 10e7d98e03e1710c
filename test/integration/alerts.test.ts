import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { type RunningProcess, startProcess } from "./running-process.js";
import { temporaryDirectory } from "./running-service.js";

/** A webhook that takes what it is sent, once it is well. */
async function hook() {
  const texts: string[] = [];
  let isWell = true;
  let heard: (() => void) | undefined;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    if (isWell) texts.push(JSON.parse(Buffer.concat(parts).toString()).text);
    response.writeHead(isWell ? 200 : 500).end();
    heard?.();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const post = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/channel-secret`,
    texts,
    post,
    setWell: (well: boolean) => {
      isWell = well;
    },
  };
}

function policy(url: string): string {
  return `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_month: 4 } } }
roles: { crew: { models: ["*"] } }
alerts: [{ at: [50%, 100%], limits: "workspaces.*", notify: ops }]
notify: { ops: { webhook: "${url}" } }
`;
}

/** Two calls are half of what a month has room for. */
const ANN = { id: "ann", role: "crew", workspace: "dev" };

async function askTwice({ client }: RunningProcess): Promise<void> {
  for (let call = 0; call < 2; call++) await client.authorize({ principal: ANN, model: "mistral-small-latest" });
}

/** At what share each text was told, in the order of their coming. */
const shares = (texts: readonly string[]) => texts.map((text) => /told at \d+ %/.exec(text)?.[0]);

describe("alerts of a service", () => {
  it("are posted, are counted, show no URL, and are not posted again by the next process", async () => {
    const { url, texts, post } = await hook();
    const flags = ["--state", join(temporaryDirectory(), "state")];
    const first = await startProcess(policy(url), { flags });
    const posted = post();
    await askTwice(first);
    await posted;
    expect(texts).toEqual([
      expect.stringContaining("dev has taken 50 % of workspaces.dev.requests_per_month: 2 requests of 4 requests"),
    ]);
    await first.line(/told ops of 50 % of workspaces\.dev\.requests_per_month \(dev\)/);
    expect((await first.get("/metrics")).text).toContain('windbreak_alerts_total{target="ops",result="sent"} 1');
    expect(first.lines.join("\n")).not.toContain("channel-secret");
    first.kill("SIGTERM");
    await first.ended();

    const second = await startProcess("", { file: first.file, flags });
    const again = post();
    await askTwice(second);
    await again;
    expect(shares(texts)).toEqual(["told at 50 %", "told at 100 %"]);
  }, 60_000);

  it("that failed are told by the next process", async () => {
    const { url, texts, post, setWell } = await hook();
    setWell(false);
    const flags = ["--state", join(temporaryDirectory(), "state")];
    const first = await startProcess(policy(url), { flags });
    await askTwice(first);
    await first.line(/notify\.ops could not be told of 50 % .*: it answered 500/);
    expect((await first.get("/metrics")).text).toContain('windbreak_alerts_total{target="ops",result="failed"} 1');
    first.kill("SIGKILL");
    await first.ended();

    setWell(true);
    const posted = post();
    await startProcess("", { file: first.file, flags });
    await posted;
    expect(shares(texts)).toEqual(["told at 50 %"]);
  }, 60_000);
});

describeWith(["redis-server"], "alerts of replicas on one Redis", () => {
  it("are told by one of them, and once", async () => {
    const server = await startRedis();
    const { url, texts, post } = await hook();
    const flags = ["--redis", server.url];
    const first = await startProcess(policy(url), { flags });
    const replicas = [first, await startProcess("", { file: first.file, flags })];
    const half = post();
    await askTwice(first);
    await half;
    // Whoever looked goes on to the rest, and the other takes over from it.
    const all = post();
    await askTwice(first);
    await all;
    expect(shares(texts)).toEqual(["told at 50 %", "told at 100 %"]);
    // Said behind the answer to the post, by whichever it was.
    const teller = await Promise.any(replicas.map((each) => each.line(/told ops of 100 %/).then(() => each)));
    for (const each of replicas) {
      expect(each.lines.filter((line) => line.includes("told ops of"))).toHaveLength(each === teller ? 2 : 0);
    }
  }, 60_000);
});
