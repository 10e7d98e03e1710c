import { createHash } from "node:crypto";
import type { Reserve } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import { ENDPOINTS, type Endpoint } from "../../domain/model.js";
import type { OpenPlan } from "../../domain/plan.js";

/** What a reservation was made for, and what its first answer said: all that a resend is held against. */
export interface Asked {
  /** Of the model's name as it was asked for. */
  readonly modelDigest: number;
  readonly endpoint: Endpoint | undefined;
  /** As it was asked for; undefined: it was left to the model. */
  readonly askedEndpoint: Endpoint | undefined;
  readonly capAsked: boolean;
  readonly annotatedPages: boolean;
  readonly pages: number;
  readonly audioSeconds: number;
  readonly policyRevision: string;
  /** Names of per-request limits in shadow that refused. */
  readonly shadowDenials: readonly string[];
  /** Places of counters in shadow that refused, from 1. */
  readonly shadowPlaces: Buffer;
}

const FLAG = { capAsked: 1, annotatedPages: 2, hasUnits: 4 } as const;
const UNITS_BYTES = 16;
const NO_ENDPOINT = 255;
const NEW_LINE = 10;
const HEX_REVISION = /^(?:[0-9a-f]{2}){1,64}$/;
/** Set on the length of a revision that is written as bytes rather than as text. */
const AS_BYTES = 0x80;

/** What all reservations of one plan have alike: digest, endpoint, asked endpoint; then the revision. */
interface PlanBytes {
  readonly head: Buffer;
  readonly revision: Buffer;
}
const written = new WeakMap<OpenPlan, PlanBytes>();

/**
 * Write `<I4 digest> <B endpoint> <B asked endpoint> <B flags> [<d pages> <d seconds>] <B n> revision`, then the names of
 * per-request limits in shadow, joined by spaces, which none of them holds. The script may add a line of the places of others.
 */
export function writeAsked({ plan, request, shadowDenials }: Reserve): Buffer {
  const { head, revision } = planBytes(plan);
  const { pages, audioSeconds, annotatedPages, maxOutputTokens } = request;
  const hasUnits = pages > 0 || audioSeconds > 0;
  const names = shadowDenials.join(" ");
  const flagsAt = head.length;
  const revisionAt = flagsAt + 1 + (hasUnits ? UNITS_BYTES : 0);
  const bytes = Buffer.allocUnsafe(revisionAt + revision.length + names.length);
  head.copy(bytes);
  const flags =
    (maxOutputTokens > 0 ? FLAG.capAsked : 0) |
    (annotatedPages ? FLAG.annotatedPages : 0) |
    (hasUnits ? FLAG.hasUnits : 0);
  bytes.writeUInt8(flags, flagsAt);
  if (hasUnits) {
    bytes.writeDoubleLE(pages, flagsAt + 1);
    bytes.writeDoubleLE(audioSeconds, flagsAt + 9);
  }
  revision.copy(bytes, revisionAt);
  bytes.write(names, revisionAt + revision.length, "latin1");
  return bytes;
}

function planBytes(plan: OpenPlan): PlanBytes {
  const known = written.get(plan);
  if (known) return known;
  const head = Buffer.alloc(6);
  head.writeUInt32LE(digestOf(plan.asked.model), 0);
  head.writeUInt8(ENDPOINTS.indexOf(plan.endpoint), 4);
  head.writeUInt8(plan.asked.endpoint === undefined ? NO_ENDPOINT : ENDPOINTS.indexOf(plan.asked.endpoint), 5);
  const bytes = { head, revision: revisionBytes(plan.policyRevision) };
  written.set(plan, bytes);
  return bytes;
}

/** Four bytes are enough to tell two names apart that one principal asks for under one request_id. */
function digestOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32LE(0);
}

function revisionBytes(revision: string): Buffer {
  const isHex = HEX_REVISION.test(revision);
  const bytes = Buffer.from(revision, isHex ? "hex" : "latin1");
  return Buffer.concat([Buffer.from([bytes.length | (isHex ? AS_BYTES : 0)]), bytes]);
}

/** Read what `writeAsked` wrote from a place on, to the end. */
export function readAsked(bytes: Buffer, at: number): Asked {
  const flags = bytes.readUInt8(at + 6);
  const hasUnits = (flags & FLAG.hasUnits) !== 0;
  const revisionAt = at + 7 + (hasUnits ? UNITS_BYTES : 0);
  const length = bytes.readUInt8(revisionAt);
  const namesAt = revisionAt + 1 + (length & ~AS_BYTES);
  const lineAt = bytes.indexOf(NEW_LINE, namesAt);
  const names = bytes.toString("latin1", namesAt, lineAt < 0 ? bytes.length : lineAt);
  return {
    modelDigest: bytes.readUInt32LE(at),
    endpoint: ENDPOINTS[bytes.readUInt8(at + 4)],
    askedEndpoint: ENDPOINTS[bytes.readUInt8(at + 5)],
    capAsked: (flags & FLAG.capAsked) !== 0,
    annotatedPages: (flags & FLAG.annotatedPages) !== 0,
    pages: hasUnits ? bytes.readDoubleLE(at + 7) : 0,
    audioSeconds: hasUnits ? bytes.readDoubleLE(at + 15) : 0,
    policyRevision: bytes.toString(length & AS_BYTES ? "hex" : "latin1", revisionAt + 1, namesAt),
    shadowDenials: names === "" ? [] : names.split(" "),
    shadowPlaces: lineAt < 0 ? Buffer.alloc(0) : bytes.subarray(lineAt + 1),
  };
}

/** Whether the same is asked again. A name that has come to mean another model since still asks for what it asked for. */
export function isAskedAgain(asked: Asked, model: string, amounts: Amounts, { plan, request }: Reserve): boolean {
  const isAsked = asked.modelDigest === digestOf(plan.asked.model) && asked.askedEndpoint === plan.asked.endpoint;
  const isMeant = model === plan.model.id && asked.endpoint === plan.endpoint;
  const cap = asked.capAsked ? amounts.outputTokens : 0;
  return (
    (isAsked || isMeant) &&
    amounts.inputTokens === request.inputTokens &&
    cap === (plan.hasOutput ? request.maxOutputTokens : 0) &&
    asked.pages === request.pages &&
    asked.audioSeconds === request.audioSeconds &&
    asked.annotatedPages === request.annotatedPages
  );
}
