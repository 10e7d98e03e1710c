import type { Claims, Evidence } from "../../app/ports.js";
import type { AttributeContext, HeaderMap } from "../../gen/envoy/service/auth/v3/external_auth.js";

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
  readonly body: Buffer;
  readonly evidence: Evidence;
  /** Envoy does not wait for the answer any more. */
  readonly isGivenUp?: () => boolean;
}

const JWT_FILTER = "envoy.filters.http.jwt_authn";
const BEARER_KEY = /^bearer +(wb_[^\s,]+)$/i;
const NAMES_A_KEY = /(?:^|[\s,])wb_/i;
/** Is none: every key is longer. */
const NO_KEY = "wb_";

/** Read what Envoy says of a call; undefined where it says nothing of HTTP. */
export function readHttpCall(attributes: AttributeContext | undefined): HttpCall | undefined {
  const http = attributes?.request?.http;
  if (!http) return undefined;
  const header = headersOf(http.headers, http.headerMap);
  const length = header("content-length");
  return {
    method: http.method,
    path: http.path,
    contentType: header("content-type"),
    contentEncoding: header("content-encoding"),
    isPartial: header("x-envoy-auth-partial-body") === "true",
    contentLength: /^\d{1,15}$/.test(length) ? Number(length) : undefined,
    body:
      http.rawBody.length > 0
        ? Buffer.from(http.rawBody.buffer, http.rawBody.byteOffset, http.rawBody.length)
        : Buffer.from(http.body),
    evidence: evidenceIn(attributes, header("authorization")),
  };
}

/** By lower-case name; empty: not sent. */
function headersOf(plain: Readonly<Record<string, string>>, map: HeaderMap | undefined): (name: string) => string {
  if (!map) return (name) => (Object.hasOwn(plain, name) ? (plain[name] ?? "") : "");
  return (name) =>
    map.headers
      .filter(({ key }) => key.toLowerCase() === name)
      .map(({ value, rawValue }) => (rawValue.length > 0 ? Buffer.from(rawValue).toString("latin1") : value))
      .join(",");
}

function evidenceIn(attributes: AttributeContext, authorization: string): Evidence {
  const principal = attributes.source?.principal ?? "";
  const spiffeId = principal.startsWith("spiffe://") ? principal : undefined;
  const [claims, ...otherClaims] = claimsIn(attributes.metadataContext?.filterMetadata[JWT_FILTER]);
  const apiKey = keyIn(authorization);
  const named = namedIn(attributes.contextExtensions);
  return {
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(claims === undefined ? {} : { claims }),
    ...(otherClaims.length === 0 ? {} : { otherClaims }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(named === undefined ? {} : { named }),
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

function namedIn(extensions: Readonly<Record<string, string>>): Evidence["named"] {
  const part = (name: string) => (Object.hasOwn(extensions, name) ? (extensions[name] ?? "") : "");
  const named = {
    id: part("windbreak.principal"),
    role: part("windbreak.role"),
    workspace: part("windbreak.workspace"),
  };
  return named.id + named.role + named.workspace === "" ? undefined : named;
}
