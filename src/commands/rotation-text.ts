import type { RotationResult } from "../app/rotate-key.js";
import type { EpochMs } from "../domain/units.js";

/** How far one workspace's rotation came. */
export interface RotationShown {
  readonly workspace: string;
  readonly result: RotationResult;
  readonly line: string | undefined;
}

/** Say what came of a rotation, in one line; undefined where each change was told already. */
export function lineOfResult(result: RotationResult): string | undefined {
  switch (result.kind) {
    case "done":
      return result.rotation.outcome === "abandoned" ? result.told : undefined;
    case "undone":
      return `nothing was rotated: ${result.told}; mend what is wrong, and rotate again`;
    case "rests":
      return result.dueAt === undefined ? "no rotation is under way" : `not due before ${dayOf(result.dueAt)}`;
    case "waiting":
      return `waiting: ${result.why}`;
    case "stuck":
      return `${result.why}; ${result.remedy}`;
  }
}

/** Write what came of rotations for programs. */
export function rotationsJson(shown: readonly RotationShown[]): string {
  const rows = shown.map(({ workspace, result, line }) => ({
    workspace,
    ...fieldsOf(result),
    ...(line ? { line } : {}),
  }));
  return `${JSON.stringify({ rotations: rows }, undefined, 2)}\n`;
}

function fieldsOf(result: RotationResult): object {
  switch (result.kind) {
    case "done":
    case "undone":
      return { state: result.rotation.outcome, key_id: result.rotation.key?.id };
    case "rests":
      return { state: "rests", ...(result.dueAt === undefined ? {} : { due_at: instant(result.dueAt) }) };
    case "waiting":
      return { state: "waiting", step: result.step, next_look: instant(result.until) };
    case "stuck":
      return { state: "stuck", step: result.step };
  }
}

function instant(at: EpochMs): string {
  return new Date(at).toISOString();
}

function dayOf(at: EpochMs): string {
  return instant(at).slice(0, 10);
}
