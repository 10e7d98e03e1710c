import { z } from "zod";
import type { EpochMs } from "../domain/units.js";

/** What a rotation does next. It is written down before it is done, and safe to do again. */
export type Step = OpenRotation["step"];

/** A key that is to be revoked once nobody uses it. */
export interface LeavingKey {
  readonly id: string;
  /** undefined: its secret was never seen. */
  readonly fingerprint: string | undefined;
}

/** A key that a rotation has made. */
export interface NewKey {
  readonly id: string;
  readonly fingerprint: string;
}

interface Begun {
  /** The policy's name of the workspace. */
  readonly workspace: string;
  /** What the names of all keys begin with that this rotation makes, and of no others. */
  readonly name: string;
  /** The how manieth key it makes: a secret that a crash lost is never seen again. */
  readonly attempt: number;
  readonly startedAt: EpochMs;
  /** When the step began. */
  readonly since: EpochMs;
  readonly leaving: readonly LeavingKey[];
}

/** Nothing is made yet, or what was made is lost. */
export interface Creating extends Begun {
  readonly step: "create";
}

/** A key was made, and is on its way to be the one in force. */
export interface Made<S extends "store" | "propagate" | "verify" | "retire" | "revoke"> extends Begun {
  readonly step: S;
  readonly made: NewKey;
}

/** The new key is no good, and is to be taken back. */
export interface Undoing extends Begun {
  readonly step: "undo";
  readonly made: NewKey;
  readonly why: string;
}

/** A rotation that is under way. */
export type OpenRotation =
  | Creating
  | Made<"store">
  | Made<"propagate">
  | Made<"verify">
  | Made<"retire">
  | Made<"revoke">
  | Undoing;

/** A rotation that is over. */
export interface EndedRotation {
  readonly step: "ended";
  readonly workspace: string;
  /** `undone`: the key before is in force, and the new one was revoked. `abandoned`: a person ended it. */
  readonly outcome: "done" | "undone" | "abandoned";
  readonly at: EpochMs;
  /** Which key the sink holds, where that is known. */
  readonly key: LeavingKey | undefined;
  /** Why it was undone. */
  readonly why: string | undefined;
}

export type Rotation = OpenRotation | EndedRotation;

const FORMAT = 1;

const leaving = z.strictObject({ id: z.string().min(1), fingerprint: z.string().optional() });
const made = z.strictObject({ id: z.string().min(1), fingerprint: z.string() });
const begun = {
  version: z.literal(FORMAT),
  workspace: z.string(),
  name: z.string().min(1),
  attempt: z.int().min(1),
  startedAt: z.number(),
  since: z.number(),
  leaving: z.array(leaving),
};
const schema = z.discriminatedUnion("step", [
  z.strictObject({ ...begun, step: z.literal("create") }),
  ...(["store", "propagate", "verify", "retire", "revoke"] as const).map((step) =>
    z.strictObject({ ...begun, step: z.literal(step), made }),
  ),
  z.strictObject({ ...begun, step: z.literal("undo"), made, why: z.string() }),
  z.strictObject({
    version: z.literal(FORMAT),
    step: z.literal("ended"),
    workspace: z.string(),
    outcome: z.enum(["done", "undone", "abandoned"]),
    at: z.number(),
    key: leaving.optional(),
    why: z.string().optional(),
  }),
]);

/** Write a rotation for a journal: ids, times and fingerprints, and no secret. */
export function writeRotation(rotation: Rotation): string {
  return JSON.stringify({ version: FORMAT, ...rotation });
}

/** Read what `writeRotation` wrote for a workspace; undefined where it is anything else, so that it is not taken for none. */
export function readRotation(text: string, workspace: string): Rotation | undefined {
  const parsed = schema.safeParse(asJson(text));
  if (!parsed.success || parsed.data.workspace !== workspace) return undefined;
  const { version: _, ...rotation } = parsed.data;
  if (rotation.step === "ended") {
    return { ...rotation, key: rotation.key && leavingKey(rotation.key), why: rotation.why };
  }
  return { ...rotation, leaving: rotation.leaving.map(leavingKey) };
}

function leavingKey({ id, fingerprint }: z.infer<typeof leaving>): LeavingKey {
  return { id, fingerprint };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
}
