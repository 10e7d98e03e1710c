import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { look } from "../../../src/policy/steady-read.js";
import { type Listen, watchPolicyFile } from "../../../src/policy/watch.js";
import { by, listenTo, NEVER_LISTEN, NEVER_POLL, replace, WatchedFile } from "./watched-file.js";

let watched: WatchedFile;

beforeEach(async () => {
  watched = await WatchedFile.create();
});

afterEach(() => watched.end());

describe.each([
  ["by listening", NEVER_POLL],
  ["by polling", NEVER_LISTEN],
])("a change is noticed %s", (_, how) => {
  test("when the file is edited in place", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(how);
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
    await writeFile(watched.file, "v3");
    await watched.heard.until("swap v3");
    expect(live.current().revision).toBe("v3");
    expect(live.state()).toMatchObject({ loadedAt: 3, reloads: { ok: 2, failed: 0 } });
  });

  test("when the file is replaced by rename", async () => {
    await writeFile(watched.file, "v1");
    await watched.open(how);
    await replace(watched.file, "v2");
    await watched.heard.until("swap v2");
    await replace(watched.file, "v3");
    await watched.heard.until("swap v3");
  });

  test("when Kubernetes swaps the ..data link", async () => {
    const publish = async (version: string) => {
      const data = join(watched.directory, `..2026_${version}`);
      await mkdir(data);
      await writeFile(join(data, "policy.yaml"), version);
      await symlink(`..2026_${version}`, join(watched.directory, "..data_tmp"));
      await rename(join(watched.directory, "..data_tmp"), join(watched.directory, "..data"));
    };
    await publish("v1");
    await symlink("..data/policy.yaml", watched.file);
    await watched.open(how);
    await publish("v2");
    await rm(join(watched.directory, "..2026_v1"), { recursive: true });
    await watched.heard.until("swap v2");
    await publish("v3");
    await watched.heard.until("swap v3");
  });

  test("when the file is removed, and when it is back", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(how);
    await rm(watched.file);
    expect(await watched.heard.until("error")).toBe(
      `error policy v1 stays in force: ${watched.file}: no such file; create it, or correct the path`,
    );
    expect(live.current().revision).toBe("v1");
    expect(live.state()).toMatchObject({ stale: true, reloads: { ok: 0, failed: 1 } });

    await writeFile(watched.file, "v1");
    await watched.heard.until("info");
    expect(live.state()).toMatchObject({ stale: false, faults: [], loadedAt: 1, reloads: { ok: 0, failed: 1 } });
    expect(watched.linesOf("swap")).toEqual([]);

    await rm(watched.file);
    await watched.heard.until("error", watched.heard.lines.length);
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
    expect(live.state()).toMatchObject({ revision: "v2", stale: false, reloads: { ok: 1, failed: 2 } });
  });

  test("when the file becomes a directory, and when it is a file again", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(how);
    await rm(watched.file);
    await mkdir(watched.file);
    await watched.heard.until("is a directory");
    expect(live.current().revision).toBe("v1");
    await rm(watched.file, { recursive: true });
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
  });

  test("when the content is broken, said once with the line at fault, and when it is mended", async () => {
    await writeFile(watched.file, "v1");
    const live = await watched.open(how);
    await writeFile(watched.file, "broken 1");
    await watched.heard.until("error");
    expect(live.current().revision).toBe("v1");
    expect(live.state()).toMatchObject({
      stale: true,
      faults: [`${watched.file}:3:5: broken 1`, `${watched.file}:9:1: more`],
      reloads: { ok: 0, failed: 1 },
    });

    await replace(watched.file, "broken 2");
    await watched.heard.until("broken 2");
    await replace(watched.file, "v2");
    await watched.heard.until("swap v2");
    expect(watched.linesOf("error")).toEqual([
      `error policy v1 stays in force: ${watched.file}:3:5: broken 1 (and 1 more)`,
      `error policy v1 stays in force: ${watched.file}:3:5: broken 2 (and 1 more)`,
    ]);
    expect(live.state()).toMatchObject({ stale: false, faults: [], reloads: { ok: 1, failed: 2 } });
  });
});

describe("what only polling notices", () => {
  test("is an edit where a link leads to", async () => {
    const target = join(watched.directory, "elsewhere");
    await mkdir(target);
    await writeFile(join(target, "real.yaml"), "v1");
    await symlink("elsewhere/real.yaml", watched.file);
    await watched.open(by({ pollMs: 10 }));
    await writeFile(join(target, "real.yaml"), "v2");
    await watched.heard.until("swap v2");
  });

  test("is a directory that is gone and back, which is then listened to again", async () => {
    const listened: string[] = [];
    const listen: Listen = (path, onEvent, onError) => {
      listened.push(path);
      return listenTo(path, onEvent, onError);
    };
    watched.file = join(watched.directory, "etc", "policy.yaml");
    await mkdir(dirname(watched.file));
    await writeFile(watched.file, "v1");
    await watched.open(by({ pollMs: 10, listen }));
    await rm(dirname(watched.file), { recursive: true });
    await watched.heard.until("no such file");
    await mkdir(dirname(watched.file));
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
    expect(listened).toEqual([dirname(watched.file), dirname(watched.file)]);
    expect(watched.linesOf("warn")).toEqual([]);
  });

  test("is a directory that another takes the place of, which is then listened to", async () => {
    await mkdir(join(watched.directory, "release1"));
    await mkdir(join(watched.directory, "release2"));
    await writeFile(join(watched.directory, "release1", "policy.yaml"), "v1");
    await writeFile(join(watched.directory, "release2", "policy.yaml"), "v2");
    await symlink("release1", join(watched.directory, "current"));
    let listening = 0;
    const listen: Listen = (path, onEvent, onError) => {
      listening += 1;
      watched.heard.add(`listening ${listening}`);
      return listenTo(path, onEvent, onError);
    };
    watched.file = join(watched.directory, "current", "policy.yaml");
    await watched.open(by({ pollMs: 10, listen }));
    await symlink("release2", join(watched.directory, "next"));
    await rename(join(watched.directory, "next"), join(watched.directory, "current"));
    await watched.heard.until("swap v2");
    await watched.heard.until("listening 2");
  });
});

describe("listening that fails", () => {
  const noSpace = () => Object.assign(new Error("ENOSPC: no watches left"), { code: "ENOSPC" });

  test("at once leaves the poll and one line, and is tried again until it works", async () => {
    let tries = 0;
    const listen: Listen = (path, onEvent, onError) => {
      tries += 1;
      if (tries < 4) throw noSpace();
      watched.heard.add("listening");
      return listenTo(path, onEvent, onError);
    };
    await writeFile(watched.file, "v1");
    await watched.open(by({ pollMs: 10, listen }));
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
    await watched.heard.until("listening");
    expect(tries).toBe(4);
    expect(watched.linesOf("warn")).toEqual([
      `warn cannot listen to ${watched.directory} (ENOSPC: no watches left): a new policy is noticed within 0.01 s instead of at once`,
    ]);
  });

  test("later leaves the poll and one line, and is taken up again", async () => {
    const fail: ((error: Error) => void)[] = [];
    const listen: Listen = (_path, _onEvent, onError) => {
      fail.push(onError);
      watched.heard.add(`listening ${fail.length}`);
      return { close: () => watched.heard.add("closed") };
    };
    await writeFile(watched.file, "v1");
    await watched.open(by({ pollMs: 10, listen }));
    await watched.heard.until("listening 1");
    fail[0]?.(noSpace());
    await watched.heard.until("listening 2");
    await writeFile(watched.file, "v2");
    await watched.heard.until("swap v2");
    expect(watched.linesOf("warn")).toHaveLength(1);
    expect(watched.heard.lines.filter((line) => line === "closed")).toHaveLength(1);
  });
});

describe("a recheck", () => {
  test("tells of the file once more although it looks the same", async () => {
    await writeFile(watched.file, "v1");
    const { stamp } = await look(watched.file);
    const watching = watchPolicyFile({
      file: watched.file,
      seen: stamp,
      onChange: () => watched.heard.add("changed"),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      pollMs: 10,
    });
    watching.recheck();
    await watched.heard.until("changed");
    watching.recheck();
    await watched.heard.until("changed", 1);
    watching.close();
    expect(watched.heard.lines).toEqual(["changed", "changed"]);
  });

  test("follows a reading that failed for a reason that may pass", async () => {
    await writeFile(watched.file, "v1");
    const watching = { recheck: () => watched.heard.add("recheck"), close: () => undefined };
    const live = await watched.open({ watch: () => watching, settleMs: 10 });
    let writes = 0;
    const writing = setInterval(() => void writeFile(watched.file, `v2 ${"x".repeat(++writes % 9)}`), 1);
    expect(await live.reload()).toBe("faulty");
    clearInterval(writing);
    expect(live.state().faults).toEqual([
      `${watched.file}: is being written to without a pause; write it once, or replace it by rename`,
    ]);
    expect(watched.heard.lines).toContain("recheck");
  });
});
