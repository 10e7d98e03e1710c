import { expect, it } from "vitest";
import { askUntil } from "../../support/redis/deadlines.js";
import { describeWith } from "../../support/redis/describe-with.js";
import { startRedis } from "../../support/redis/redis-server.js";
import { startShared } from "../redis-service.js";
import { CHAT, COST, policyWith, rig } from "./rig.js";

describeWith(["redis-server"], "Mistral's client where Windbreak decides without its store", () => {
  it("has what was called meanwhile charged once the store is back", async () => {
    const redis = await startRedis({ flags: ["--appendonly", "yes"] });
    const lenient = `${policyWith("{ usd_per_month: 10 }")}on_store_failure: allow\n`;
    const service = await startShared(lenient, `redis://127.0.0.1:${redis.port}`);
    const { client, verdicts, standing } = await rig({ address: service.address });
    await client.chat.complete(CHAT);
    expect(await standing()).toEqual({ used: COST, reserved: 0 });

    await redis.shutDown();
    await service.isUp(false);
    await client.chat.complete(CHAT);
    expect(verdicts.at(-1)).toMatchObject({ kind: "allowed", decision: { degraded: true } });
    await redis.restart();
    await service.isUp(true);
    // Windbreak itself may have kept the report for a moment.
    const settled = await askUntil(10_000, standing, (one) => one?.used === 2 * COST);
    expect(settled?.reserved).toBe(0);
  });
});
