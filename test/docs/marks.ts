import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Block, ROOT } from "./markdown.js";

/**
 * Why a block may stay unrun, as `<!-- not run: needs a Docker engine -->` on the line before its fence. A reason is
 * added here only where nothing that the tests can start would do.
 */
export const REASONS: readonly string[] = [
  "needs a Docker engine",
  "needs a Kubernetes cluster",
  "needs Mistral's own API",
  "needs Prometheus's promtool",
  "needs a package that is not published",
  "needs another machine",
  "needs protoc",
  "installs or tests the whole project, as .ci/run does",
  "takes minutes on an idle machine",
  "asks for an administrator's password",
];

/** What becomes of a block. */
export type Marked =
  /** `given`: code that it takes for granted, for the compiler. */
  | { readonly kind: "run"; readonly given?: string }
  /** It shows what the commands before it said, or else what `command` says. */
  | { readonly kind: "output"; readonly command: string | undefined }
  /** It is a part of a file of ours, which tests run. */
  | { readonly kind: "excerpt"; readonly file: string }
  | { readonly kind: "not run"; readonly because: string }
  | { readonly kind: "faulty"; readonly fault: string };

/** Read a block's mark: `not run: REASON`, `not run: run by PATH of a test`, `output` `output of: COMMAND`, `given: CODE`, or the path of a file. */
export function markOf({ at, mark }: Block): Marked {
  if (mark === undefined) return { kind: "run" };
  if (mark === "output") return { kind: "output", command: undefined };
  const command = /^output of: (.+)$/.exec(mark)?.[1];
  if (command !== undefined) return { kind: "output", command };
  if (/^[\w.-]+\/[\w./-]+$/.test(mark)) {
    return existsSync(join(ROOT, mark))
      ? { kind: "excerpt", file: mark }
      : { kind: "faulty", fault: `${at}: there is no ${mark}` };
  }
  const given = /^given: (.+)$/.exec(mark)?.[1];
  if (given !== undefined) return { kind: "run", given };
  const because = /^not run: (.+)$/.exec(mark)?.[1];
  // Whatever else a comment says is not about the block.
  if (because === undefined) return /^(not[ -]run|output)/i.test(mark) ? faulty(at, mark) : { kind: "run" };
  const test = /^run by (\S+)$/.exec(because)?.[1];
  if (test !== undefined && existsSync(join(ROOT, test))) return { kind: "not run", because };
  return REASONS.includes(because) ? { kind: "not run", because } : faulty(at, mark);
}

function faulty(at: string, mark: string): Marked {
  const known = REASONS.map((reason) => `"not run: ${reason}"`).join(", ");
  const fault = `${at}: the mark "${mark}" is not known; write "output", "output of: COMMAND", "not run: run by PATH" with a test that there is, or one of ${known}`;
  return { kind: "faulty", fault };
}
