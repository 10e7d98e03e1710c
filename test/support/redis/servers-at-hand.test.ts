import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Binary, judge, serversAtHand } from "./servers-at-hand.js";

/** A directory with these programs, and one file that is none. */
function roomWith(...programs: readonly string[]): string {
  const room = mkdtempSync(join(tmpdir(), "path-"));
  onTestFinished(() => rmSync(room, { recursive: true }));
  for (const program of programs) {
    writeFileSync(join(room, program), "");
    chmodSync(join(room, program), 0o755);
  }
  writeFileSync(join(room, "valkey-server"), "", { mode: 0o644 });
  return room;
}

const ALL: readonly Binary[] = ["redis-server", "redis-cli", "redis-sentinel", "valkey-server"];

describe("the servers at hand", () => {
  it("are the programs along PATH, and what is missing is told with its remedy", () => {
    const path = [roomWith("redis-server"), "/nowhere", roomWith("redis-cli")].join(delimiter);
    const { found, missing } = serversAtHand(path);
    expect([...found]).toEqual(["redis-server", "redis-cli"]);
    expect([...missing]).toEqual([
      [
        "redis-sentinel",
        "redis-sentinel is missing: on Debian, run .ci/install-servers or apt-get install redis-sentinel.",
      ],
      [
        "valkey-server",
        "valkey-server is missing: on Debian, run .ci/install-servers or apt-get install -t bookworm-backports valkey-server.",
      ],
    ]);
  });

  it.each<{ needs: readonly Binary[]; has: readonly string[]; isCi: boolean; kind: string }>([
    { needs: ["redis-server"], has: ALL, isCi: true, kind: "run" },
    { needs: [], has: [], isCi: true, kind: "run" },
    { needs: ["redis-server"], has: [], isCi: false, kind: "skip" },
    { needs: ["redis-server"], has: [], isCi: true, kind: "fail" },
    { needs: ["redis-server", "redis-sentinel"], has: ["redis-server"], isCi: true, kind: "fail" },
    { needs: ["valkey-server"], has: ["redis-server"], isCi: true, kind: "skip" },
    { needs: ["valkey-server", "redis-server"], has: [], isCi: true, kind: "fail" },
  ])("make a suite that needs $needs with $has in CI $isCi $kind", ({ needs, has, isCi, kind }) => {
    const programs = has.filter((program) => program !== "valkey-server");
    const atHand = serversAtHand(roomWith(...programs));
    expect(judge(needs, atHand, isCi).kind).toBe(kind);
  });

  it("give every missing one's sentence as the reason", () => {
    const verdict = judge(["redis-cli", "redis-server"], serversAtHand(""), false);
    expect(verdict).toEqual({
      kind: "skip",
      because:
        "redis-cli is missing: on Debian, run .ci/install-servers or apt-get install redis-tools. " +
        "redis-server is missing: on Debian, run .ci/install-servers or apt-get install redis-server.",
    });
  });
});
