import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { AdminToken } from "../../../src/keys/admin-token.js";

let directory = "";
let file = "";
const opened: AdminToken[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "admin-token-"));
  file = join(directory, "token");
});
afterEach(() => {
  for (const token of opened.splice(0)) token.close();
  rmSync(directory, { recursive: true });
});

const FIRST = "first-token-of-sixteen";
const SECOND = "second-token-of-sixteen";

async function open() {
  const lines: string[] = [];
  const result = await AdminToken.open({ file, warn: (line) => lines.push(line), pollMs: 3_600_000 });
  if (result.kind === "bad") return { why: result.why };
  opened.push(result.token);
  return { token: result.token, lines };
}

describe("the admin token", () => {
  it("matches itself and nothing else", async () => {
    writeFileSync(file, `${FIRST}\n`);
    const { token } = await open();
    expect([FIRST, `${FIRST}x`, FIRST.slice(1), FIRST.toUpperCase(), ""].map((shown) => token?.matches(shown))).toEqual(
      [true, false, false, false, false],
    );
  });

  it("is another one once its file says so", async () => {
    writeFileSync(file, FIRST);
    const { token } = await open();
    writeFileSync(file, SECOND);
    await token?.look();
    expect([token?.matches(FIRST), token?.matches(SECOND)]).toEqual([false, true]);
  });

  it("stays when its file holds none any more, and that is told once", async () => {
    writeFileSync(file, FIRST);
    const { token, lines } = await open();
    rmSync(file);
    for (let looks = 0; looks < 4; looks += 1) await token?.look();
    expect(token?.matches(FIRST)).toBe(true);
    expect(lines).toEqual([`${file} does not exist; the token that was there last stays in force`]);
  });

  test.each([
    ["is short", "short"],
    ["is empty", "\n"],
    ["has a space", "a token with several spaces"],
  ])("that %s is none", async (_, text) => {
    writeFileSync(file, text);
    expect((await open()).why).toMatch(new RegExp(`^${file} `));
  });

  it("that is not there is told", async () => {
    expect((await open()).why).toBe(`${file} does not exist`);
  });
});
