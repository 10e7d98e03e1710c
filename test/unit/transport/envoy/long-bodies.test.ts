import { describe, expect, it } from "vitest";
import { LongBodies } from "../../../../src/transport/envoy/long-bodies.js";

const OPTIONS = { shortBytes: 10, mostAtOnce: 2, mostBytes: 100 };

/** Bodies whose reading ends when the test says so. */
function held(bodies: LongBodies) {
  const begun: string[] = [];
  const ends = new Map<string, { resolve: (value: string) => void; reject: (cause: Error) => void }>();
  const read = (name: string, length: number) =>
    bodies.read(length, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) => ends.set(name, { resolve, reject }));
    });
  return { begun, read, end: (name: string) => ends.get(name)?.resolve(name), ends };
}

describe("long bodies", () => {
  it("are read a few at a time, in the order in which they came", async () => {
    const { begun, read, end } = held(new LongBodies(OPTIONS));
    const all = ["a", "b", "c", "d"].map((name) => read(name, 20));
    expect(begun).toEqual(["a", "b"]);
    end("b");
    expect(await all[1]).toBe("b");
    expect(begun).toEqual(["a", "b", "c"]);
    end("a");
    await all[0];
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });

  it("do not hold up short ones, which are read at once", () => {
    const bodies = new LongBodies(OPTIONS);
    const { read } = held(bodies);
    for (const name of ["a", "b", "c", "d", "e"]) void read(name, 20);
    expect(bodies.read(10, () => "short")).toBe("short");
  });

  it("are turned away while too much of them waits, and no longer", async () => {
    const { read, end } = held(new LongBodies(OPTIONS));
    const first = read("a", 60);
    expect(read("b", 41)).toBe("full");
    end("a");
    await first;
    const second = read("b", 41);
    end("b");
    expect(await second).toBe("b");
  });

  it("give their place back where reading fails", async () => {
    const { begun, read, ends } = held(new LongBodies({ ...OPTIONS, mostAtOnce: 1 }));
    const failing = read("a", 100);
    ends.get("a")?.reject(new Error("no memory"));
    await expect(failing).rejects.toThrow("no memory");
    void read("b", 100);
    expect(begun).toEqual(["a", "b"]);
  });
});
