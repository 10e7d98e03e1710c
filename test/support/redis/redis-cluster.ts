import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { askUntil } from "./deadlines.js";
import { freePort } from "./free-port.js";
import { RedisServer } from "./redis-server.js";

const FORM_MS = 20_000;
const MASTERS = 3;

/** What a cluster is started as. */
export interface ClusterOptions {
  /** Replicas of each of the three masters; none when left out. */
  readonly replicas?: number;
  /** After how long a node that is silent counts as failed; 1000 ms when left out. */
  readonly nodeTimeoutMs?: number;
  /** What each node is told besides, as on its command line. */
  readonly flags?: readonly string[];
}

/** A real cluster. Its nodes can be paused, killed and restarted one by one. */
export interface RedisCluster {
  /** The masters first, then their replicas; as formed. */
  readonly nodes: readonly RedisServer[];
  readonly urls: readonly string[];
  /** End all nodes for good. */
  stop(): Promise<void>;
}

/**
 * Start three masters, and replicas where asked for, and form a cluster of them. Resolves when every node says that
 * the cluster is in order and every replica has its master's data.
 *
 * @throws Error with what redis-cli or a node said, where it does not form.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { replicas = 0, nodeTimeoutMs = 1_000, flags = [] } = options;
  const count = MASTERS * (1 + replicas);
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(nodeTimeoutMs, flags)));
  const addresses = nodes.map(({ node, busPort }) => `127.0.0.1:${node.port}@${busPort}`);
  await promisify(execFile)(
    "redis-cli",
    ["--cluster", "create", ...addresses, "--cluster-replicas", String(replicas), "--cluster-yes"],
    { timeout: FORM_MS },
  );
  const servers = nodes.map(({ node }) => node);
  await Promise.all(servers.map((node) => formed(node, count)));
  return {
    nodes: servers,
    urls: servers.map(({ url }) => url),
    stop: async () => void (await Promise.all(servers.map((node) => node.stop()))),
  };
}

async function startNode(nodeTimeoutMs: number, flags: readonly string[]) {
  // Left to itself a node listens to the others at its port + 10000, where outgoing connections may be.
  let busPort = 0;
  const node = await RedisServer.start({
    binary: "redis-server",
    port: undefined,
    argsFor: async (port, directory) => {
      busPort = await freePort();
      return [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
        ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
        ...["--cluster-node-timeout", String(nodeTimeoutMs), "--repl-diskless-sync-delay", "0", ...flags],
      ];
    },
  });
  return { node, busPort };
}

async function formed(node: RedisServer, count: number): Promise<void> {
  await askUntil(
    FORM_MS,
    async () => `${await node.send("CLUSTER", "INFO")}\n${await node.send("INFO", "replication")}`,
    (info) =>
      info.includes("cluster_state:ok") &&
      info.includes(`cluster_known_nodes:${count}\r`) &&
      (info.includes("role:master") || info.includes("master_link_status:up")),
  );
}
