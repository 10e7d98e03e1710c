import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FunctionLibrary, functionName, makeLibrary } from "./function-library.js";

/** A script as it is sent, and the name that the server knows it by once it was. */
export interface Script {
  readonly source: string;
  readonly sha: string;
  /** What the library's function is called that does the same; undefined: there is none. */
  readonly functionName?: string;
}

const FOLDER = join(import.meta.dirname, "lua");

/** All scripts of the store, each with the parts that it begins with. */
export interface Scripts {
  readonly reserve: Script;
  readonly settle: Script;
  readonly release: Script;
  readonly charge: Script;
  readonly read: Script;
  readonly list: Script;
  readonly day: Script;
  readonly probe: Script;
  readonly walk: Script;
  readonly look: Script;
  readonly lease: Script;
  readonly rotation: Script;
  readonly uses: Script;
  readonly repair: Script;
  /** Those that every call of Mistral takes, as functions. */
  readonly library: FunctionLibrary;
}

/** Read the scripts that stand beside this file. */
export function readScripts(): Scripts {
  const cells = text("cells");
  const state = text("state");
  const reserved = text("reserved");
  const record = text("record");
  const settlement = text("settlement");
  const totals = text("totals");
  const drift = text("drift");
  const reserve = { parts: joined(cells, state, reserved, record, totals), body: text("reserve") };
  const settle = { parts: joined(cells, reserved, record, totals, settlement), body: text("settle") };
  const library = makeLibrary({ reserve, settle });
  return {
    library,
    reserve: {
      ...script(reserve.parts, reserve.body),
      functionName: functionName(library.name, "reserve"),
    },
    settle: { ...script(settle.parts, settle.body), functionName: functionName(library.name, "settle") },
    release: script(cells, reserved, record, totals, settlement, text("release")),
    charge: script(cells, state, totals, text("charge")),
    read: script(cells, text("read")),
    list: script(cells, text("list")),
    day: script(cells, text("day")),
    probe: script(cells, text("probe")),
    walk: script(cells, record, drift, text("walk")),
    look: script(cells, drift, text("look")),
    lease: script(text("lease")),
    rotation: script(text("rotation")),
    uses: script(text("uses")),
    repair: script(cells, state, reserved, drift, text("repair")),
  };
}

function text(name: string): string {
  return readFileSync(join(FOLDER, `${name}.lua`), "utf8");
}

function joined(...parts: readonly string[]): string {
  return parts.join("\n");
}

function script(...parts: readonly string[]): Script {
  const source = joined(...parts);
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
