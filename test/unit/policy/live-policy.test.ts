import { readFile, utimes, writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Load } from "../../../src/policy/judge.js";
import { Events } from "./events.js";
import { by, DETACHED, replace, WatchedFile } from "./watched-file.js";

let watched: WatchedFile;

beforeEach(async () => {
  watched = await WatchedFile.create();
});

afterEach(() => watched.end());

describe("opening a policy", () => {
  test("puts it in force and logs its warnings", async () => {
    await writeFile(watched.file, "hmm 1");
    const live = await watched.open();
    expect(live.current().revision).toBe("hmm 1");
    expect(live.state()).toEqual({
      revision: "hmm 1",
      loadedAt: 1,
      stale: false,
      faults: [],
      reloads: { ok: 0, failed: 0 },
    });
    expect(watched.heard.lines).toEqual([`warn ${watched.file}: hmm 1`]);
  });

  test.each([
    ["a file at fault", "broken 1", ":3:5: broken 1"],
    ["a missing file", undefined, ": no such file"],
  ])("answers %s with its faults", async (_, text, fault) => {
    if (text) await writeFile(watched.file, text);
    await expect(watched.open()).rejects.toThrow(`${watched.file}${fault}`);
  });
});

describe("a reload that is asked for", () => {
  test("reads the file although nothing noticed a change", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    await writeFile(watched.file, "v2");
    expect(await live.reload()).toBe("swapped");
    expect(live.current().revision).toBe("v2");
  });

  test("reads the file although its stat says that nothing changed", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    expect(await live.reload()).toBe("unchanged");
    expect(await live.reload()).toBe("unchanged");
    expect(watched.loads).toEqual(["v1"]);
  });

  test("does not load refused content again, says so once and keeps its faults", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    await writeFile(watched.file, "broken");
    expect(await live.reload()).toBe("faulty");
    expect(await live.reload()).toBe("faulty");
    expect(watched.linesOf("error")).toHaveLength(1);
    expect(live.state().reloads).toEqual({ ok: 0, failed: 1 });
    expect(watched.loads).toEqual(["v1", "broken"]);
    expect(live.state()).toMatchObject({ stale: true, faults: [`${watched.file}:3:5: broken`, expect.anything()] });
    await writeFile(watched.file, "v2");
    expect(await live.reload()).toBe("swapped");
    expect(live.state()).toMatchObject({ stale: false, faults: [] });
  });

  test("says each content once, also in turns, and anew once it has healed", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    for (const text of ["broken 1", "broken 2", "broken 1"]) {
      await writeFile(watched.file, text);
      await live.reload();
    }
    expect(watched.linesOf("error")).toHaveLength(2);
    expect(live.state()).toMatchObject({ faults: [`${watched.file}:3:5: broken 1`, `${watched.file}:9:1: more`] });

    await writeFile(watched.file, "v1");
    expect(await live.reload()).toBe("unchanged");
    await writeFile(watched.file, "broken 1");
    await live.reload();
    expect(watched.linesOf("error")).toHaveLength(3);
  });

  test("keeps the policy where the loader itself fails, and may be tried again", async () => {
    let fails = false;
    const failing: Load = (bytes, path) => (fails ? Promise.reject(new Error("no memory")) : watched.load(bytes, path));
    await writeFile(watched.file, "v1");
    const live = await watched.open({ ...DETACHED, load: failing });
    fails = true;
    await writeFile(watched.file, "v2");
    expect(await live.reload()).toBe("faulty");
    expect(live.state().faults).toEqual([`${watched.file}: cannot be checked (no memory); send SIGHUP to try again`]);
    fails = false;
    expect(await live.reload()).toBe("swapped");
    expect(live.state()).toMatchObject({ revision: "v2", stale: false });
  });

  test("comes to nothing once the policy is closed", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    await writeFile(watched.file, "v2");
    const underWay = live.reload();
    live.close();
    expect(await underWay).toBe("closed");
    expect(await live.reload()).toBe("closed");
    expect(live.current().revision).toBe("v1");
  });
});

describe("a byte-identical file", () => {
  test.each([
    ["touched", async () => utimes(watched.file, new Date(), new Date())],
    ["written anew", async () => replace(watched.file, "v1")],
  ])("changes nothing when it is %s", async (_, change) => {
    await writeFile(watched.file, "v1");
    const reading = new Events();
    const live = await watched.open({
      ...DETACHED,
      load: async (bytes, path) => {
        reading.add("load");
        return watched.load(bytes, path);
      },
    });
    const before = { policy: live.current(), state: live.state() };
    await change();
    expect(await live.reload()).toBe("unchanged");
    expect(live.current()).toBe(before.policy);
    expect(live.state()).toEqual(before.state);
    expect(reading.lines).toEqual(["load"]);
    expect(watched.heard.lines).toEqual([]);
  });
});

describe("reloads that overlap", () => {
  test("run one after another, and the newest content wins", async () => {
    let running = 0;
    let most = 0;
    await writeFile(watched.file, "v1");
    const live = await watched.open({
      ...DETACHED,
      load: async (bytes, path) => {
        running += 1;
        most = Math.max(most, running);
        const result = await watched.load(bytes, path);
        if (watched.loads.at(-1) === "v2") {
          watched.heard.add("loading v2");
          // Long enough for the next one to pass it, were it not made to wait.
          await setTimeout(50);
        }
        running -= 1;
        return result;
      },
    });

    await writeFile(watched.file, "v2");
    const second = live.reload();
    await watched.heard.until("loading v2");
    await writeFile(watched.file, "v3");
    const third = live.reload();
    const fourth = live.reload();

    expect(await Promise.all([second, third, fourth])).toEqual(["swapped", "swapped", "swapped"]);
    expect(watched.linesOf("swap")).toEqual(["swap v2", "swap v3"]);
    expect(watched.loads).toEqual(["v1", "v2", "v3"]);
    expect(most).toBe(1);
    expect(live.current().revision).toBe("v3");
  });
});

describe("a file that is written bit by bit", () => {
  test("is in force only when it is whole", async () => {
    await writeFile(watched.file, "v1");
    await watched.open({ ...by({ pollMs: 1 }), settleMs: 1_000 });
    const whole = `v2 ${"x".repeat(200)}`;
    for (let length = 0; length <= whole.length; length++) await writeFile(watched.file, whole.slice(0, length));
    await watched.heard.until("swap v2");
    expect(watched.loads).toEqual(["v1", whole]);
    expect(await readFile(watched.file, "utf8")).toBe(whole);
  });
});

describe("listeners of a swap", () => {
  test("are told while the new policy is in force, all of them, until they end", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(DETACHED);
    live.onSwap(() => {
      throw new Error("no");
    });
    const seen: string[] = [];
    const end = live.onSwap(({ revision }) => seen.push(`${revision} ${live.current().revision}`));
    await writeFile(watched.file, "v2");
    await live.reload();
    end();
    await writeFile(watched.file, "v3");
    await live.reload();
    expect(seen).toEqual(["v2 v2"]);
    expect(watched.linesOf("error")).toEqual([
      "error a listener failed on policy v2: no",
      "error a listener failed on policy v3: no",
    ]);
  });
});
