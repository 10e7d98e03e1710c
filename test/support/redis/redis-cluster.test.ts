import { Cluster } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { askUntil } from "./deadlines.js";
import { describeWith } from "./describe-with.js";
import { startCluster } from "./redis-cluster.js";

const FORMED_MS = 10_000;

describeWith(["redis-server", "redis-cli"], "a Redis Cluster of a test's own", () => {
  it("forms of three masters that share the slots and serve a cluster client", async () => {
    const start = performance.now();
    const { nodes, urls } = await startCluster();
    expect(performance.now() - start).toBeLessThan(FORMED_MS);
    expect(nodes.map(({ url }) => url)).toEqual(urls);
    const client = new Cluster([...urls]);
    onTestFinished(() => client.disconnect());
    for (const key of ["a", "b", "c", "d"]) expect(await client.set(key, "1")).toBe("OK");
    const sizes = await Promise.all(nodes.map((node) => node.send("DBSIZE")));
    expect(sizes).toHaveLength(3);
    expect(sizes.reduce<number>((sum, size) => sum + Number(size), 0)).toBe(4);
    expect(sizes).not.toContain(0);
  });

  it("fails over to the replica of a master that is killed, and takes that one back", async () => {
    const { nodes } = await startCluster({ replicas: 1 });
    const [killed, witness] = nodes;
    if (!killed || !witness) throw new Error("no nodes");
    const lineOf = async (port: number) => {
      const lines = String(await witness.send("CLUSTER", "NODES")).split("\n");
      return lines.find((line) => line.includes(`:${port}@`)) ?? "";
    };
    const mastersAlive = async () => {
      const lines = String(await witness.send("CLUSTER", "NODES")).split("\n");
      return lines.filter((line) => /master/.test(line) && !/fail/.test(line)).length;
    };
    expect(await lineOf(killed.port)).toMatch(/ master /);
    await killed.kill("SIGKILL");
    await askUntil(
      FORMED_MS,
      () => lineOf(killed.port),
      (line) => /master,fail /.test(line),
    );
    await askUntil(FORMED_MS, mastersAlive, (count) => count === 3);
    await killed.restart();
    await askUntil(
      FORMED_MS,
      () => lineOf(killed.port),
      (line) => / slave /.test(line),
    );
  });

  it("ends whole", async () => {
    const cluster = await startCluster();
    await cluster.stop();
    expect(cluster.nodes.map(({ isAlive }) => isAlive)).toEqual([false, false, false]);
  });
});
