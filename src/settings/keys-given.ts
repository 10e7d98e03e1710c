import { parseSpan } from "../domain/duration.js";
import type { Millis } from "../domain/units.js";
import { type Flags, given, type Reader, type SettingFault } from "./given.js";

/** Which keys are meant, and where what is said of them lies. */
export interface KeysGiven {
  readonly side: KeySide;
  /** undefined: none was named. */
  readonly keysFile: string | undefined;
  readonly policyFile: string | undefined;
  /** How long a key may go without use; undefined: as the keys file says. */
  readonly unusedMs: Millis | undefined;
}

/** Windbreak's own callers' keys, or Mistral's. */
export type KeySide = "callers" | "upstream";

/** Read `--callers` or `--upstream`, `--keys`, `--policy` and `--unused`. What the side needs must be there. */
export function keysGiven(reader: Reader): KeysGiven {
  const side = sideGiven(reader);
  const keysFile = given(reader, "keys").at(-1)?.text;
  const policyFile = given(reader, "policy").at(-1)?.text;
  if (side === "upstream" && (keysFile ?? "") === "") {
    reader.faults.push({ where: "--keys", what: "missing", remedy: "give --keys FILE, or set WINDBREAK_KEYS" });
  }
  if (side === "callers" && (policyFile ?? "") === "") {
    reader.faults.push({ where: "--policy", what: "missing", remedy: "give --policy FILE, or set WINDBREAK_POLICY" });
  }
  if (side !== undefined) reader.faults.push(...othersFlags(reader.flags, side));
  return { side: side ?? "callers", keysFile, policyFile, unusedMs: unusedGiven(reader) };
}

/** No variable says it: which keys are revoked must stand in the command. */
function sideGiven({ flags, faults }: Reader): KeySide | undefined {
  const sides = (["callers", "upstream"] as const).filter((name) => flags[name] === true);
  const [side] = sides;
  if (side !== undefined && sides.length === 1) return side;
  faults.push({
    where: "--callers or --upstream",
    what: side === undefined ? "missing" : "both given",
    remedy: "give --callers for the keys of Windbreak's callers, or --upstream for Mistral's",
  });
  return undefined;
}

/** Flags that mean something of one side's keys only. */
const ONLY: Readonly<Record<KeySide, readonly string[]>> = {
  callers: ["principal"],
  upstream: ["workspace", "show", "yes"],
};

/** Find flags that were given and mean nothing of this side's keys: a slip that would go unseen. */
export function othersFlags(flags: Flags, side: KeySide): readonly SettingFault[] {
  return ONLY[side === "callers" ? "upstream" : "callers"]
    .filter((name) => flags[name] !== undefined)
    .map((name) => ({ where: `--${name}`, what: `means nothing with --${side}`, remedy: "leave it out" }));
}

function unusedGiven({ flags, faults }: Reader): Millis | undefined {
  const text = flags["unused"];
  if (typeof text !== "string") return undefined;
  const ms = parseSpan(text);
  if (ms !== undefined && ms > 0) return ms;
  faults.push({ where: `--unused ${text}`, what: "no span", remedy: "write it as 30d, 36h or 1d12h" });
  return undefined;
}
