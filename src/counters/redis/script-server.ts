import type { Away } from "../../app/ports.js";
import type { GatherOptions } from "./gather.js";
import type { Script } from "./scripts.js";

/** What the store needs of a connection to the servers. */
export interface ScriptServer {
  /** Why nothing is to be asked now; undefined: ask. */
  away(): Away | undefined;

  /** Run a script once. Rejects where it was not run, and where nobody knows. */
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<readonly unknown[]>;

  /** Told how each call went. */
  readonly told: GatherOptions["told"];

  /** Told the first part of each answer: the server's time, and its epoch where it says that too. */
  heard(head: Buffer): void;

  /** Told of a reservation that may have been made though its caller was told that the store is away. */
  inDoubt(reservationId: string): void;
}
