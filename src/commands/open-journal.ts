import { hostname } from "node:os";
import type { RotationJournal } from "../app/rotation-ports.js";
import { holdDirectory } from "../counters/durable/lock.js";
import { createClient, runScript } from "../counters/redis/client.js";
import { Keys } from "../counters/redis/keys.js";
import { RedisRotationJournal } from "../counters/redis/redis-rotation-journal.js";
import { formatTarget, type RedisTarget } from "../counters/redis/redis-url.js";
import { readScripts } from "../counters/redis/scripts.js";
import type { Millis } from "../domain/units.js";
import { FileRotationJournal } from "../keys/file-rotation-journal.js";
import { EXIT, type Failure, failure } from "./context.js";

export interface OpenJournal {
  readonly kind: "open";
  readonly journal: RotationJournal;
  close(): void;
}

const CONNECT_MS: Millis = 5_000;

/** Open the journal of rotations in a directory. Nothing is made there before a rotation begins. */
export function fileJournal(directory: string): RotationJournal {
  return new FileRotationJournal(directory, (folder) => holdDirectory(folder, `${process.pid}x${Date.now()}`));
}

/** Say who rotates, for a person who finds a rotation taken. */
export function thisProcess(): string {
  return `${process.pid} of ${hostname()}`;
}

/** Open the journal of rotations in Redis, for a command that runs by itself. */
export async function redisJournal(target: RedisTarget, organization: string): Promise<OpenJournal | Failure> {
  const client = createClient(target);
  const place = formatTarget(target);
  let last = `no answer within ${CONNECT_MS} ms`;
  client.on("error", (cause: Error) => {
    last = cause.message;
  });
  const isReady = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), CONNECT_MS);
    client.once("ready", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  if (!isReady) {
    client.disconnect();
    return failure(EXIT.unreachable, `the Redis at ${place} cannot be reached (${last}); see that it runs`);
  }
  const keys = new Keys(organization);
  const journal = new RedisRotationJournal({
    place,
    server: { away: () => undefined, run: (script, names, args) => runScript(client, script, names, args) },
    rotation: readScripts().rotation,
    keys: () => keys,
    who: thisProcess(),
  });
  return { kind: "open", journal, close: () => client.disconnect() };
}
