import { setImmediate as nextTurn } from "node:timers/promises";
import { BodyReader } from "./body-reader.js";
import { BODY_SHAPES, type JsonForm } from "./body-shapes.js";
import { callOf } from "./json-call.js";
import { type JsonFault, JsonWalk } from "./json-walk.js";
import { faultOf, mediaTypeOf, type RequestHead } from "./media-type.js";
import { type MistralCall, type UnknownModel, type Unreadable, unreadable } from "./mistral-call.js";
import type { CallRoute } from "./route.js";
import { readTranscription } from "./transcription.js";

/** A request as it came. */
export interface RequestBody extends RequestHead {
  readonly body: Buffer;
  /** Nobody waits for the outcome any more. */
  readonly isGivenUp?: () => boolean;
}

export type Reading = MistralCall | Unreadable | UnknownModel;

/** A value, or the promise of it where it takes more than one turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>;

/** Bytes that are read in one turn of the event loop: the worst JSON of this size takes some milliseconds. */
const SLICE = 16 * 1024;

/** Nobody hears it. */
const GIVEN_UP = unreadable("the caller has gone");

const STORED: UnknownModel = {
  kind: "unknown_model",
  message: "the model of a stored conversation is not known: start a new one, with its model and all of its entries",
};

/**
 * Read what a request to Mistral asks for.
 *
 * What Mistral might read differently is not read at all: a key twice, another encoding, a type that a field does not
 * have. A body of up to 16 KiB is read at once; a longer one lets others run between slices.
 */
export function readCall({ form }: CallRoute, request: RequestBody): MaybePromise<Reading> {
  if (form === "stored_conversation") return STORED;
  const fault = faultOf(request, request.body.length);
  if (fault) return fault;
  const type = mediaTypeOf(request.contentType);
  if (form === "transcription") {
    return type.kind === "multipart"
      ? readTranscription(request.body, type.boundary)
      : wrongType("multipart/form-data");
  }
  return type.kind === "json" ? readJson(form, request) : wrongType("application/json");
}

function wrongType(wanted: string): Unreadable {
  return { kind: "unreadable", status: 415, message: `the content type must be ${wanted}`, param: undefined };
}

function readJson(form: JsonForm, { body: bytes, isGivenUp }: RequestBody): MaybePromise<MistralCall | Unreadable> {
  const body = new BodyReader(BODY_SHAPES[form]);
  const walk = new JsonWalk(body, { uniqueKeys: true });
  const end = () => {
    const fault = walk.end();
    return fault ? notJson(fault) : callOf(form, body);
  };
  const fault = walk.push(bytes.subarray(0, SLICE));
  if (fault) return notJson(fault);
  return bytes.length <= SLICE ? end() : readOn(walk, { bytes, end, isGivenUp });
}

interface Rest<T> {
  readonly bytes: Buffer;
  readonly end: () => T;
  readonly isGivenUp: (() => boolean) | undefined;
}

async function readOn<T>(walk: JsonWalk, { bytes, end, isGivenUp }: Rest<T>): Promise<T | Unreadable> {
  for (let from = SLICE; from < bytes.length; from += SLICE) {
    await nextTurn();
    if (isGivenUp?.()) return GIVEN_UP;
    const fault = walk.push(bytes.subarray(from, from + SLICE));
    if (fault) return notJson(fault);
  }
  return end();
}

function notJson({ what, at }: JsonFault): Unreadable {
  return unreadable(`the body cannot be read: ${what} (byte ${at})`);
}
