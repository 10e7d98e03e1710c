import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandSink } from "../../../../src/keys/sinks/command-sink.js";
import { askUntil } from "../../../support/redis/deadlines.js";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-command-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const out = () => join(directory, "out");
const variables: Readonly<Record<string, string>> = { PATH: process.env["PATH"] ?? "", MISTRAL_ADMIN_KEY: "admin-key" };

/** A script that a shell runs, named so in the command; the sink itself runs none. */
function scripted(script: string, timeoutMs = 10_000): CommandSink {
  const place = { kind: "command", argv: ["sh", "-c", script, "sh", out()] } as const;
  return new CommandSink(place, { timeoutMs, variable: (name) => variables[name] });
}

describe("a command", () => {
  it("gets the secret on its standard input, that and nothing else", async () => {
    expect(await scripted('cat > "$1"').store("key-of-dev")).toEqual({ kind: "stored" });
    expect(readFileSync(out(), "utf8")).toBe("key-of-dev");
  });

  it("gets its arguments as they are, without a shell", async () => {
    const place = { kind: "command", argv: ["tee", `${out()} $(id)`] } as const;
    const sink = new CommandSink(place, { timeoutMs: 10_000, variable: (name) => variables[name] });
    expect(await sink.store("key-of-dev")).toEqual({ kind: "stored" });
    expect(existsSync(`${out()} $(id)`)).toBe(true);
  });

  it("gets no variable that might hold a secret", async () => {
    await scripted('env > "$1"').store("key-of-dev");
    expect(readFileSync(out(), "utf8")).toContain("PATH=");
    expect(readFileSync(out(), "utf8")).not.toMatch(/MISTRAL|key-of-dev|VITEST/);
  });

  it("may print as much as it likes, and nothing of that is shown", async () => {
    expect(await scripted("cat; cat >&2; head -c 3000000 /dev/zero").store("key-of-dev")).toEqual({ kind: "stored" });
    const stored = await scripted("cat; exit 3").store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toBe(
      "command sh ended with 3; run it by hand to see what it says, for nothing of that is kept",
    );
  });

  it("may leave its input unread", async () => {
    expect(await scripted("exec <&-; exit 0").store("k".repeat(1_000_000))).toEqual({ kind: "stored" });
  });

  it("that takes too long is killed with all that it started", async () => {
    const stored = await scripted('sleep 600 & echo $! > "$1"; wait', 300).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("had not ended after 300 ms and was killed");
    const sleeper = Number(readFileSync(out(), "utf8"));
    await askUntil(
      5_000,
      async () => isGone(sleeper),
      (gone) => gone,
    );
  });

  it("that a signal ended did not store", async () => {
    const stored = await scripted("kill -TERM $$").store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("was ended by SIGTERM");
  });

  it("that cannot be started is told with the code of the system", async () => {
    const place = { kind: "command", argv: [join(directory, "none")] } as const;
    const sink = new CommandSink(place, { timeoutMs: 10_000, variable: () => undefined });
    const stored = await sink.store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("none cannot be started (ENOENT)");
  });

  it("gives nothing back", async () => {
    expect((await scripted("exit 0").read()).kind).toBe("unreadable");
  });
});

/** Gone, or dead and not yet fetched by whoever inherited it. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
