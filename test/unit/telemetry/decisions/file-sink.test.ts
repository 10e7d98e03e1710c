import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { FileSink } from "../../../../src/telemetry/decisions/file-sink.js";
import { type ByteSink, LineOutlet } from "../../../../src/telemetry/decisions/line-outlet.js";
import { allowed, entryOf } from "./told-facts.js";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), "decisions-"));
  directories.push(directory);
  return join(directory, "d.log");
}

/** A log of ten bytes a line: the number that it was given. */
async function openFile(path: string, { maxBytes = 1_000_000, files = 2 } = {}) {
  const stuck: Error[] = [];
  const sink = await FileSink.open({ path, rotation: { maxBytes, files }, stuck: (cause) => stuck.push(cause) });
  return { sink, stuck, ...linesTo(sink) };
}

function linesTo(sink: ByteSink) {
  let next = 0;
  const outlet = new LineOutlet(sink, () => `line ${String(next++).padStart(4, "0")}`);
  const write = async (count: number) => {
    for (let index = 0; index < count; index++) outlet.add(entryOf(allowed()));
    await outlet.flush();
  };
  return { outlet, write };
}

const linesOf = (path: string) => readFileSync(path, "utf8").split("\n").slice(0, -1);

describe("a file", () => {
  it("is appended to", async () => {
    const path = place();
    writeFileSync(path, "before\n");
    const { write, outlet } = await openFile(path);
    await write(2);
    await outlet.close();
    expect(readFileSync(path, "utf8")).toBe("before\nline 0000\nline 0001\n");
  });

  it("whose last line a crash tore ends that line first", async () => {
    const path = place();
    writeFileSync(path, '{"v":1,"ki');
    const { write } = await openFile(path);
    await write(1);
    expect(readFileSync(path, "utf8")).toBe('{"v":1,"ki\nline 0000\n');
  });

  it("is set aside before it grows too large, and only so many are kept", async () => {
    const path = place();
    const { write } = await openFile(path, { maxBytes: 25 });
    for (let batch = 0; batch < 4; batch++) await write(2);
    expect(linesOf(path)).toEqual(["line 0006", "line 0007"]);
    expect(linesOf(`${path}.1`)).toEqual(["line 0004", "line 0005"]);
    expect(linesOf(`${path}.2`)).toEqual(["line 0002", "line 0003"]);
    expect(readdirSync(join(path, "..")).sort()).toEqual(["d.log", "d.log.1", "d.log.2"]);
  });

  it("is begun anew where none is to be kept", async () => {
    const path = place();
    const { write } = await openFile(path, { maxBytes: 25, files: 0 });
    for (let batch = 0; batch < 3; batch++) await write(2);
    expect(linesOf(path)).toEqual(["line 0004", "line 0005"]);
    expect(readdirSync(join(path, ".."))).toEqual(["d.log"]);
  });

  it("grows on where it cannot be set aside, which is told once", async () => {
    const path = place();
    mkdirSync(join(`${path}.1`, "not-empty"), { recursive: true });
    const { write, stuck } = await openFile(path, { maxBytes: 25, files: 1 });
    for (let batch = 0; batch < 3; batch++) await write(2);
    expect(linesOf(path)).toHaveLength(6);
    expect(stuck).toHaveLength(1);
  });

  it.each([
    ["moved away", (path: string) => renameSync(path, `${path}.old`)],
    ["removed", (path: string) => rmSync(path)],
    ["replaced", (path: string) => renameSync(path, `${path}.old`) ?? writeFileSync(path, "")],
  ])("that others %s is made anew", async (_, change) => {
    const path = place();
    const { write } = await openFile(path);
    await write(1);
    change(path);
    await write(1);
    expect(linesOf(path)).toEqual(["line 0001"]);
  });

  it("that others copied and cut is written on from its beginning", async () => {
    const path = place();
    const { write } = await openFile(path);
    await write(3);
    truncateSync(path, 0);
    await write(1);
    expect(linesOf(path)).toEqual(["line 0003"]);
  });

  it("is not opened where something else stands", async () => {
    const path = place();
    mkdirSync(path);
    await expect(openFile(path)).rejects.toThrow("is no file");
    await expect(openFile(join(path, "missing", "d.log"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("that is a full disk takes nothing, and says why", async () => {
    const { write } = await openFile("/dev/full");
    await expect(write(1)).rejects.toMatchObject({ code: "ENOSPC" });
  });
});

describe("a line that was written in part", () => {
  /** Takes so many bytes, and then none. */
  function leaky(path: string) {
    let room = 14;
    let place: "same" | "fresh" = "same";
    const sink: ByteSink = {
      prepare: async () => place,
      write: async (bytes, from) => {
        const length = Math.min(room, bytes.length - from);
        if (length === 0) throw new Error("full");
        appendFileSync(path, bytes.subarray(from, from + length));
        room -= length;
        return length;
      },
      close: async () => {},
    };
    const mend = (next: typeof place) => {
      room = 1_000;
      place = next;
    };
    return { sink, mend };
  }

  it("is written on where it stopped", async () => {
    const path = place();
    const { sink, mend } = leaky(path);
    const { write } = linesTo(sink);
    await expect(write(3)).rejects.toThrow("full");
    expect(readFileSync(path, "utf8")).toBe("line 0000\nline");
    mend("same");
    await write(1);
    expect(linesOf(path)).toEqual(["line 0000", "line 0001", "line 0002", "line 0003"]);
  });

  it("is written whole where its file is another one by then", async () => {
    const path = place();
    const { sink, mend } = leaky(path);
    const { write } = linesTo(sink);
    await expect(write(3)).rejects.toThrow("full");
    writeFileSync(path, "");
    mend("fresh");
    await write(1);
    expect(linesOf(path)).toEqual(["line 0001", "line 0002", "line 0003"]);
  });
});
