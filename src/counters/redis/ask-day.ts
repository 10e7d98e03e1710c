import type { Away, DayPage, Total, TotalPage } from "../../app/ports.js";
import { readRow } from "./day-rows.js";
import type { Keys } from "./keys.js";
import { timeIn } from "./replies.js";
import type { ScriptServer } from "./script-server.js";
import type { Scripts } from "./scripts.js";

export interface DayMeans {
  readonly server: ScriptServer;
  readonly scripts: Scripts;
  readonly keys: Keys;
  /** The first argument of every script. */
  readonly first: Buffer;
}

const CURSOR = /^\d{0,20}$/;

/** Read a part of what was used on a day. */
export async function askDay(means: DayMeans, { day, after, limit }: DayPage): Promise<TotalPage | Away> {
  const { server, scripts, keys, first } = means;
  // A place that no page named: nothing comes after it.
  if (!CURSOR.test(after)) return { totals: [], next: undefined };
  try {
    const args = [first, after || "0", String(limit)];
    const [head, cursor, ...parts] = await server.run(scripts.day, [keys.shared, keys.day(day)], args);
    if (!Buffer.isBuffer(head)) throw new TypeError("a reply of another form");
    const totals: Total[] = [];
    for (let at = 0; at < parts.length; at += 2) {
      const row = parts[at + 1];
      if (Buffer.isBuffer(row)) totals.push(readRow(String(parts[at]), row, timeIn(head)));
    }
    const next = String(cursor);
    return { totals, next: next === "0" ? undefined : next };
  } catch (cause) {
    if (cause instanceof Error) return { kind: "away", cause };
    throw cause;
  }
}
