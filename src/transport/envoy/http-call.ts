import type { Origin } from "../../app/decision-log.js";
import type { Claims, Evidence } from "../../app/identity-ports.js";
import { HeaderMap, Metadata } from "../../gen/envoy/service/auth/v3/external_auth.js";
import { ByteFields } from "./byte-fields.js";

/** One HTTP call that Envoy holds and asks about. */
export interface HttpCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** As sent; empty: not sent. */
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Envoy handed over less than the client sends. */
  readonly isPartial: boolean;
  /** undefined: not said. */
  readonly contentLength: number | undefined;
  /** A part of the message that it came in. */
  readonly body: Buffer;
  readonly evidence: Evidence;
  /** As the client or Envoy sent it; undefined: not sent. */
  readonly traceparent: string | undefined;
  /** Envoy does not wait for the answer any more. */
  readonly isGivenUp?: () => boolean;
  /** undefined: no log asks for it. */
  readonly origin?: Origin | undefined;
}

/** What a message tells, as it is found. Texts that are not there are empty. */
interface Told {
  hasHttp: boolean;
  method: string;
  path: string;
  /** By lower-case name, those of HEADERS. */
  readonly headers: Record<string, string>;
  body: Buffer;
  rawBody: Buffer;
  /** A HeaderMap, in place of `headers`. */
  headerMap: Buffer | undefined;
  principal: string;
  metadata: Buffer | undefined;
  readonly named: { id: string; role: string; workspace: string };
}

/** Numbers of the fields that are read; see proto/envoy/service/auth/v3/external_auth.proto. */
const ATTRIBUTES = 1;
const OF_ATTRIBUTES = { source: 1, request: 4, contextExtensions: 10, metadataContext: 11 } as const;
const PRINCIPAL = 4;
const HTTP = 2;
const OF_HTTP = { method: 2, headers: 3, path: 4, body: 11, rawBody: 12, headerMap: 13 } as const;
const OF_ENTRY = { key: 1, value: 2 } as const;

const HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "content-type",
  "content-encoding",
  "content-length",
  "traceparent",
  "x-envoy-auth-partial-body",
]);
const HEADER_LENGTHS: ReadonlySet<number> = new Set([...HEADERS].map(({ length }) => length));
const JWT_FILTER = "envoy.filters.http.jwt_authn";
const BEARER_KEY = /^bearer +(wb_[^\s,]+)$/i;
const NAMES_A_KEY = /(?:^|[\s,])wb_/i;
/** Is none: every key is longer. */
const NO_KEY = "wb_";
const NOTHING = Buffer.alloc(0);

/**
 * Read a CheckRequest; undefined where it says nothing of HTTP.
 *
 * By hand: the generated decoder makes a string of every header, and takes longer than the decision.
 *
 * @throws Error where the bytes are no message.
 */
export function readHttpCall(bytes: Buffer): HttpCall | undefined {
  const told: Told = {
    hasHttp: false,
    method: "",
    path: "",
    headers: {},
    body: NOTHING,
    rawBody: NOTHING,
    headerMap: undefined,
    principal: "",
    metadata: undefined,
    named: { id: "", role: "", workspace: "" },
  };
  const fields = new ByteFields(bytes, 0, bytes.length);
  while (fields.next()) if (fields.number === ATTRIBUTES) readAttributes(told, bytes, fields);
  return told.hasHttp ? callOf(told) : undefined;
}

function callOf(told: Told): HttpCall {
  const { method, path, body, rawBody } = told;
  const headers = told.headerMap ? headersIn(HeaderMap.decode(told.headerMap)) : told.headers;
  const length = headers["content-length"] ?? "";
  return {
    method,
    path,
    contentType: headers["content-type"] ?? "",
    contentEncoding: headers["content-encoding"] ?? "",
    isPartial: headers["x-envoy-auth-partial-body"] === "true",
    contentLength: /^\d{1,15}$/.test(length) ? Number(length) : undefined,
    body: rawBody.length > 0 ? rawBody : body,
    evidence: evidenceIn(told, headers["authorization"] ?? ""),
    traceparent: headers["traceparent"],
  };
}

function readAttributes(told: Told, bytes: Buffer, within: ByteFields): void {
  const fields = new ByteFields(bytes, within.start, within.end);
  while (fields.next()) {
    switch (fields.number) {
      case OF_ATTRIBUTES.source:
        told.principal = textOf(bytes, fields, PRINCIPAL) ?? told.principal;
        break;
      case OF_ATTRIBUTES.request:
        readRequest(told, bytes, fields);
        break;
      case OF_ATTRIBUTES.contextExtensions:
        readExtension(told, bytes, fields);
        break;
      case OF_ATTRIBUTES.metadataContext:
        told.metadata = bytes.subarray(fields.start, fields.end);
        break;
    }
  }
}

function readRequest(told: Told, bytes: Buffer, within: ByteFields): void {
  const request = new ByteFields(bytes, within.start, within.end);
  while (request.next()) if (request.number === HTTP) readHttp(told, bytes, request);
}

function readHttp(told: Told, bytes: Buffer, within: ByteFields): void {
  told.hasHttp = true;
  const fields = new ByteFields(bytes, within.start, within.end);
  while (fields.next()) {
    switch (fields.number) {
      case OF_HTTP.method:
        told.method = text(bytes, fields);
        break;
      case OF_HTTP.headers:
        readHeader(told, bytes, fields);
        break;
      case OF_HTTP.path:
        told.path = text(bytes, fields);
        break;
      case OF_HTTP.body:
        told.body = bytes.subarray(fields.start, fields.end);
        break;
      case OF_HTTP.rawBody:
        told.rawBody = bytes.subarray(fields.start, fields.end);
        break;
      case OF_HTTP.headerMap:
        told.headerMap = bytes.subarray(fields.start, fields.end);
        break;
    }
  }
}

function readHeader({ headers }: Told, bytes: Buffer, within: ByteFields): void {
  const fields = new ByteFields(bytes, within.start, within.end);
  let name = "";
  let value = "";
  while (fields.next()) {
    if (fields.number === OF_ENTRY.key) {
      if (!HEADER_LENGTHS.has(fields.end - fields.start)) return;
      name = text(bytes, fields);
      if (!HEADERS.has(name)) return;
    } else if (fields.number === OF_ENTRY.value) {
      value = text(bytes, fields);
    }
  }
  if (HEADERS.has(name)) headers[name] = value;
}

function readExtension({ named }: Told, bytes: Buffer, within: ByteFields): void {
  const value = textOf(bytes, within, OF_ENTRY.value) ?? "";
  switch (textOf(bytes, within, OF_ENTRY.key)) {
    case "windbreak.principal":
      named.id = value;
      break;
    case "windbreak.role":
      named.role = value;
      break;
    case "windbreak.workspace":
      named.workspace = value;
      break;
  }
}

/** The text of one field of a message; of one that comes again the last, as protobuf has it. */
function textOf(bytes: Buffer, within: ByteFields, number: number): string | undefined {
  const fields = new ByteFields(bytes, within.start, within.end);
  let found: string | undefined;
  while (fields.next()) if (fields.number === number) found = text(bytes, fields);
  return found;
}

function text(bytes: Buffer, { start, end }: ByteFields): string {
  return bytes.toString("utf8", start, end);
}

/** Each of HEADERS; one that came more than once is joined by commas. */
function headersIn({ headers }: HeaderMap): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { key, value, rawValue } of headers) {
    const name = key.toLowerCase();
    if (!HEADERS.has(name)) continue;
    const sent = rawValue.length > 0 ? rawValue.toString("latin1") : value;
    found[name] = Object.hasOwn(found, name) ? `${found[name]},${sent}` : sent;
  }
  return found;
}

function evidenceIn({ principal, metadata, named }: Told, authorization: string): Evidence {
  const spiffeId = principal.startsWith("spiffe://") ? principal : undefined;
  const [claims, ...otherClaims] = metadata ? claimsIn(Metadata.decode(metadata).filterMetadata[JWT_FILTER]) : [];
  const apiKey = keyIn(authorization);
  const isNamed = named.id + named.role + named.workspace !== "";
  return {
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(claims === undefined ? {} : { claims }),
    ...(otherClaims.length === 0 ? {} : { otherClaims }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(isNamed ? { named } : {}),
  };
}

/**
 * The key that a client sent; undefined where it sent none of ours.
 *
 * A header that holds one in another way than as the only bearer (twice, joined by a comma; as another scheme) is no
 * key that is known, rather than none: whoever sends a key means to be told by it.
 */
function keyIn(authorization: string): string | undefined {
  return BEARER_KEY.exec(authorization)?.[1] ?? (NAMES_A_KEY.test(authorization) ? NO_KEY : undefined);
}

/** The filter writes the claims of each token that it verified under a name that its operator chose. */
function claimsIn(metadata: Readonly<Record<string, unknown>> | undefined): readonly Claims[] {
  return Object.values(metadata ?? {}).filter(isClaims);
}

function isClaims(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && "iss" in value;
}
