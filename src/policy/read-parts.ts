import type { ReadResult } from "./read.js";
import type { PolicyFile } from "./schema.js";

/** Few enough to be taken in and compiled within some milliseconds. */
const PRINCIPALS_AT_ONCE = 500;

/** What a reading comes to, in parts: all but the principals, and then those, some at a time. */
export type ReadPart =
  | Exclude<ReadResult, { readonly kind: "ok" }>
  | (Omit<Extract<ReadResult, { readonly kind: "ok" }>, "file"> & { readonly file: Omit<PolicyFile, "principals"> })
  | { readonly kind: "principals"; readonly principals: PolicyFile["principals"] };

/** Cut a reading into parts that can be passed between threads one by one. */
export function* partsOf(read: ReadResult): Generator<ReadPart, undefined> {
  if (read.kind === "faulty") {
    yield read;
    return undefined;
  }
  const { principals, ...file } = read.file;
  yield { ...read, file };
  const entries = Object.entries(principals);
  for (let start = 0; start < entries.length; start += PRINCIPALS_AT_ONCE) {
    yield { kind: "principals", principals: Object.fromEntries(entries.slice(start, start + PRINCIPALS_AT_ONCE)) };
  }
  return undefined;
}
