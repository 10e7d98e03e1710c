import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { alertBody } from "../../src/alerts/message.js";
import { Webhook } from "../../src/alerts/webhook.js";
import type { AlertNotice } from "../../src/app/alert-ports.js";
import { readLine } from "../../src/telemetry/decisions/read-line.js";
import { instant } from "../support/fake-clock.js";
import { limitOf } from "../support/policy-words.js";
import { askUntil, inTime } from "../support/redis/deadlines.js";
import { freePort } from "../support/redis/free-port.js";
import { codeIn, readPage } from "./markdown.js";

const DEADLINE_MS = 10_000;

/** The text of a page's only block in a language. */
function blockIn(page: string, language: string): string {
  const blocks = readPage(page).blocks.filter((block) => block.language === language);
  if (blocks.length !== 1 || !blocks[0]) throw new Error(`${page} has ${blocks.length} blocks of ${language}`);
  return blocks[0].text;
}

/** The alert that docs/alerts.md shows. */
function notice(webhook: string): AlertNotice {
  return {
    target: { name: "ops", webhook, secret: { kind: "env", name: "HOOK" } },
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
    policyRevision: "4050c12d7c44bb66",
    now: instant("2026-11-15T12:00:00Z"),
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(true));
    socket.once("error", () => resolve(false)).once("connect", () => socket.destroy());
  });
}

describe("docs/alerts.md", () => {
  it("shows what is posted", () => {
    expect(JSON.parse(blockIn("docs/alerts.md", "json"))).toEqual(JSON.parse(alertBody(notice("http://127.0.0.1:1"))));
  });

  it("shows a receiver that knows what Windbreak has signed", async () => {
    const port = await freePort();
    const program = blockIn("docs/alerts.md", "js").replace("8099", String(port));
    const receiver = spawn(process.execPath, ["--input-type=module", "-e", program]);
    onTestFinished(() => void receiver.kill("SIGKILL"));
    const said = once(createInterface({ input: receiver.stdout }), "line");
    await askUntil(
      DEADLINE_MS,
      () => accepts(port),
      (isOpen) => isOpen,
    );
    const secretAt = async () => ({ key: "hush" });
    const webhook = new Webhook({ secretAt, userAgent: "windbreak/test", stopped: new AbortController().signal });
    expect(await webhook.notify(notice(`http://127.0.0.1:${port}/`))).toBeUndefined();
    expect(await inTime(DEADLINE_MS, "a line", said)).toEqual([
      expect.stringMatching(/^signed by Windbreak: Windbreak: /),
    ]);
  });
});

describe("docs/decision-log.md", () => {
  const lines = blockIn("docs/decision-log.md", "json").trim().split("\n");

  it("shows lines that are read back", () => {
    const kinds = lines.map((line) => readLine(line).kind);
    expect(kinds).toEqual(["decision", "settlement", "decision", "release"]);
  });

  it("tells of every field that its lines have", () => {
    const told = new Set(readPage("docs/decision-log.md").prose.flatMap(({ text }) => codeIn(text)));
    const fields = new Set(lines.flatMap((line) => Object.keys(JSON.parse(line))));
    expect([...fields].filter((field) => !told.has(field))).toEqual([]);
  });
});
