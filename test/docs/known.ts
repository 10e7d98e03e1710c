import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFINITIONS } from "../../src/telemetry/definitions.js";
import { type Block, ROOT } from "./markdown.js";

const READS: Readonly<Record<"counter" | "gauge" | "histogram", readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["", "_bucket", "_sum", "_count"],
};
/** Rooms in which names are made, and the endings of their texts. */
const ROOMS = ["src", "proto", "deploy", "test"];
const TEXTS = /\.(ts|mjs|proto|yaml|json|lua|py)$/;

/** Every series that a scrape shows. */
export const SERIES: ReadonlySet<string> = new Set(
  Object.values(DEFINITIONS).flatMap(({ name, kind }) => READS[kind].map((end) => name + end)),
);

/** Metrics that a block asks for and that there are not. */
export function metricFaults({ at, text }: Block): readonly string[] {
  const asked = text.match(/\bwindbreak_[a-z_]+/g) ?? [];
  const unknown = asked.filter((name) => !SERIES.has(name));
  return unknown.map((name) => `${at}: no metric is named ${name}; see docs/metrics.md`);
}

/** All text of the program, of its proto, of what is shipped and of what tests it; but not of what tests the docs. */
export function sources(): string {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })
      .filter((file) => TEXTS.test(file) && !file.startsWith("docs/") && !file.startsWith("fuzz/corpus/"))
      .map((file) => join(ROOT, room, file)),
  );
  return files.map((file) => readFileSync(file, "utf8")).join("\n");
}
