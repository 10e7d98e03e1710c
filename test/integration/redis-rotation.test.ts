import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Holding, RotationJournal } from "../../src/app/rotation-ports.js";
import { createClient, runScript } from "../../src/counters/redis/client.js";
import { Keys } from "../../src/counters/redis/keys.js";
import { RedisRotationJournal } from "../../src/counters/redis/redis-rotation-journal.js";
import { parseRedisUrl } from "../../src/counters/redis/redis-url.js";
import { readScripts } from "../../src/counters/redis/scripts.js";
import { inTime } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { endAfterwards } from "../support/redis/ending.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { rotationStage } from "../unit/app/rotation-stage.js";

const scripts = readScripts();
const CONNECT_MS = 5_000;

/** The journal as another replica has it. */
async function open(server: RedisServer, who = "a/1", url = server.url): Promise<RotationJournal> {
  const target = parseRedisUrl(url);
  if (target.kind === "fault") throw new Error(target.what);
  const client = createClient(target);
  await inTime(CONNECT_MS, "a connection", new Promise<void>((resolve) => client.once("ready", () => resolve())));
  client.on("error", () => {});
  endAfterwards(async () => client.disconnect());
  return new RedisRotationJournal({
    place: "redis",
    server: { away: () => undefined, run: (script, keys, args) => runScript(client, script, keys, args) },
    rotation: scripts.rotation,
    keys: () => new Keys("acme"),
    who,
  });
}

const held = (holding: Holding | { readonly kind: "away" }) => {
  if (holding.kind !== "held") throw new Error(`it is ${holding.kind}`);
  return holding.hold;
};

/** As if its holder were silent for longer than its lease. */
const letExpire = (server: RedisServer) => server.send("DEL", "wb1:{acme}:rotating:dev");

describeWith(["redis-server"], "a journal in Redis", () => {
  it("gives back what was written, to every replica", async () => {
    const server = await startRedis();
    const [one, two] = [await open(server), await open(server)];
    const hold = held(await one.hold("dev"));
    expect(await hold.read()).toEqual({ kind: "none" });
    expect(await hold.write("text")).toEqual({ kind: "written" });
    expect(await two.look("dev")).toEqual({ kind: "text", text: "text" });
    expect(await two.look("ml")).toEqual({ kind: "none" });
  });

  it("is held for a workspace by one at a time, and says by whom", async () => {
    const server = await startRedis();
    const [one, two] = [await open(server, "a/1"), await open(server, "b/2")];
    const hold = held(await one.hold("dev"));
    expect(await two.hold("dev")).toEqual({ kind: "taken", by: "a/1" });
    held(await two.hold("ml"));
    expect(await hold.keep()).toEqual({ kind: "kept" });
    await hold.release();
    held(await two.hold("dev"));
  });

  it("takes nothing from whoever was away while another held it, also once the other has let go", async () => {
    const server = await startRedis();
    const late = held(await (await open(server)).hold("dev"));
    await letExpire(server);
    const next = held(await (await open(server)).hold("dev"));
    await next.write("the next one's");
    expect([await late.keep(), await late.write("late")]).toEqual([{ kind: "lost" }, { kind: "lost" }]);
    await late.release();
    expect(await next.keep()).toEqual({ kind: "kept" });
    await next.release();
    expect(await late.write("late")).toEqual({ kind: "lost" });
    expect(await next.read()).toEqual({ kind: "text", text: "the next one's" });
  });

  it("still takes what comes late where nobody else has held it since", async () => {
    const server = await startRedis();
    const [one, two] = [await open(server, "a/1"), await open(server)];
    const hold = held(await one.hold("dev"));
    await letExpire(server);
    expect(await hold.write("text")).toEqual({ kind: "written" });
    expect((await two.hold("dev")).kind).toBe("taken");
  });

  it("asks for no command that docs/redis.md does not give its user", async () => {
    const server = await startRedis();
    const manual = readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8");
    const rules = /ACL SETUSER windbreak on '>PASSWORD' (.*)/.exec(manual)?.[1]?.replaceAll("'", "").split(" ") ?? [];
    await server.send("ACL", "SETUSER", "windbreak", "on", ">secret", ...rules);
    const journal = await open(server, "a/1", `redis://windbreak:secret@127.0.0.1:${server.port}`);
    const hold = held(await journal.hold("dev"));
    expect([await hold.write("text"), await hold.keep()]).toEqual([{ kind: "written" }, { kind: "kept" }]);
    await letExpire(server);
    expect(await hold.keep()).toEqual({ kind: "kept" });
    await hold.release();
    expect(await journal.look("dev")).toEqual({ kind: "text", text: "text" });
  });

  it("ends by itself once its holder is gone", async () => {
    const server = await startRedis();
    held(await (await open(server)).hold("dev"));
    const left = Number(await server.send("PTTL", "wb1:{acme}:rotating:dev"));
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it("is away where the server is, and says so in time", async () => {
    const server = await startRedis();
    const journal = await open(server);
    await server.stop();
    expect((await journal.hold("dev")).kind).toBe("away");
  });

  it("lets one of many replicas that begin at once make a key, and no more", async () => {
    const server = await startRedis();
    const stage = rotationStage();
    const journals = await Promise.all(Array.from({ length: 8 }, () => open(server)));
    const rotators = journals.map((journal) => stage.rotator({ journal }));
    const results = await Promise.all(rotators.map((rotator) => rotator.advance({ begin: "due" })));
    expect(results.every(({ kind }) => kind === "waiting")).toBe(true);
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
    expect(stage.provider.idOf(stage.sink.secret)).toBe("k2");
  });
});
