import { parseMonth } from "../domain/day.js";
import { given, type Reader } from "./given.js";

/** What Mistral's bill is held against, and how closely. */
export interface ReconcileGiven {
  readonly keysFile: string;
  /** As 2026-03; undefined: this one. */
  readonly month: string | undefined;
  /** A share of the bill. */
  readonly tolerance: number;
}

const TOLERANCE = "5%";

/** Read `--keys`, `--month` and `--tolerance`. */
export function reconcileGiven(reader: Reader): ReconcileGiven {
  const keysFile = given(reader, "keys").at(-1)?.text ?? "";
  if (keysFile === "") {
    reader.faults.push({ where: "--keys", what: "missing", remedy: "give --keys FILE, or set WINDBREAK_KEYS" });
  }
  const { month } = reader.flags;
  if (typeof month === "string" && !parseMonth(month)) {
    reader.faults.push({ where: `--month ${month}`, what: "is no month", remedy: "write it as 2026-03" });
  }
  return { keysFile, month: typeof month === "string" ? month : undefined, tolerance: toleranceGiven(reader) };
}

function toleranceGiven({ flags, faults }: Reader): number {
  const text = typeof flags["tolerance"] === "string" ? flags["tolerance"] : TOLERANCE;
  const percent = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) / 100;
  faults.push({ where: `--tolerance ${text}`, what: "is no share", remedy: "write it as 5% or 0.5%" });
  return 0;
}
