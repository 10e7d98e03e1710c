import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Holding } from "../../../src/app/rotation-ports.js";
import { holdDirectory } from "../../../src/counters/durable/lock.js";
import { FileRotationJournal } from "../../../src/keys/file-rotation-journal.js";
import { rotationStage } from "../app/rotation-stage.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windbreak-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let processes = 0;
/** The journal as another process has it. */
const open = () => {
  const token = `p${processes++}`;
  return new FileRotationJournal(directory, (folder) => holdDirectory(folder, token));
};
const held = (holding: Holding | { readonly kind: "away" }) => {
  if (holding.kind !== "held") throw new Error(`it is ${holding.kind}`);
  return holding.hold;
};
const file = (workspace: string) => join(directory, "rotations", workspace, "rotation.json");

describe("a journal in a directory", () => {
  it("gives back what was written, to this process and the next", async () => {
    const hold = held(await open().hold("dev"));
    expect(await hold.read()).toEqual({ kind: "none" });
    expect(await hold.write("one")).toEqual({ kind: "written" });
    expect(await hold.write("two")).toEqual({ kind: "written" });
    await hold.release();
    expect(await open().look("dev")).toEqual({ kind: "text", text: "two\n" });
    expect(await open().look("ml")).toEqual({ kind: "none" });
    expect(statSync(file("dev")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, "rotations", "dev"))).toEqual(["rotation.json"]);
  });

  it("is held for a workspace by one at a time", async () => {
    const hold = held(await open().hold("dev"));
    expect(await open().hold("dev")).toEqual({ kind: "taken", by: String(process.pid) });
    const other = held(await open().hold("ml"));
    await hold.release();
    await held(await open().hold("dev")).release();
    await other.release();
  });

  it("is away where the file system refuses, and says by what", async () => {
    writeFileSync(join(directory, "rotations"), "a file");
    const holding = await open().hold("dev");
    expect(holding.kind).toBe("away");
    expect(await open().look("dev")).toMatchObject({ kind: "away", cause: { code: "ENOTDIR" } });
  });

  it("holds a whole rotation, whose record a damage makes unreadable and not none", async () => {
    const stage = rotationStage();
    await stage.rotator({ journal: open() }).advance({ begin: "now" });
    const text = readFileSync(file("dev"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ version: 1, workspace: "dev", step: "propagate", made: { id: "k2" } });
    for (const damaged of ["", text.slice(0, 40), text.replace("propagate", "propagated"), text.replace("dev", "ml")]) {
      writeFileSync(file("dev"), damaged);
      expect(await stage.rotator({ journal: open() }).advance({ begin: "now" })).toMatchObject({
        kind: "stuck",
        why: expect.stringContaining("cannot be read, so it is not known whether one is under way"),
      });
    }
    writeFileSync(file("dev"), text);
    expect(await stage.rotator({ journal: open() }).advance({ begin: "now" })).toMatchObject({ kind: "waiting" });
  });
});
