import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A script as it is sent, and the name that the server knows it by once it was. */
export interface Script {
  readonly source: string;
  readonly sha: string;
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
  readonly probe: Script;
  readonly walk: Script;
  readonly look: Script;
  readonly lease: Script;
  readonly repair: Script;
}

/** Read the scripts that stand beside this file. */
export function readScripts(): Scripts {
  const cells = text("cells");
  const state = text("state");
  const reserved = text("reserved");
  const record = text("record");
  const settlement = text("settlement");
  const drift = text("drift");
  return {
    reserve: script(cells, state, reserved, record, text("reserve")),
    settle: script(cells, reserved, record, settlement, text("settle")),
    release: script(cells, reserved, record, settlement, text("release")),
    charge: script(cells, state, text("charge")),
    read: script(cells, text("read")),
    list: script(cells, text("list")),
    probe: script(cells, text("probe")),
    walk: script(cells, record, drift, text("walk")),
    look: script(cells, drift, text("look")),
    lease: script(text("lease")),
    repair: script(cells, state, reserved, drift, text("repair")),
  };
}

function text(name: string): string {
  return readFileSync(join(FOLDER, `${name}.lua`), "utf8");
}

function script(...parts: readonly string[]): Script {
  const source = parts.join("\n");
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
