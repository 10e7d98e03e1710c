import type { IncomingMessage } from "node:http";
import type { Distrust } from "../domain/distrust.js";
import { type Address, isLocal } from "./address.js";
import { asksForPage } from "./page-files.js";

/** Why a request is not looked at any further. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
}

const MAX_URL_BYTES = 8 * 1024;

/** Says nothing but that the process lives, and so to anyone. */
const OPEN_TO_PAGES = "/healthz";
/** What those ask who look after the process, and hold no token. */
const OPEN_TO_PROBES: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz"]);
/** What a browser says of a request that its user or a page of this port made. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/**
 * Judge what can be judged before a request is routed.
 *
 * @param hosts the names that a `Host` may have; undefined where any may.
 */
export function refuseRequest(request: IncomingMessage, hosts: ReadonlySet<string> | undefined): Refusal | undefined {
  const url = request.url ?? "";
  if (Buffer.byteLength(url) > MAX_URL_BYTES) return { status: 414, error: `the URL is over ${MAX_URL_BYTES} bytes` };
  if (!url.startsWith("/")) return { status: 400, error: "the request target must be a path" };
  if (hosts && !isServed(request.headers.host, hosts)) {
    return { status: 421, error: "this Host is not served here; ask by the address that the admin port listens on" };
  }
  if (url.split("?")[0] !== OPEN_TO_PAGES && !isFollowedLink(request) && isFromOtherPage(request)) {
    return { status: 403, error: "pages of other sites may not ask here; use the command line" };
  }
  return undefined;
}

/** Says whether a token is the one that operators hold. */
export interface TokenCheck {
  matches(shown: string): boolean;
}

/**
 * Judge whether a request shows the token, where there is one to show.
 *
 * Probes hold none: they are told whether the process lives and serves. The files of the operations page are the same
 * everywhere, and the page asks its reader for the token.
 */
export function refuseStranger(
  request: IncomingMessage,
  token: TokenCheck | undefined,
): (Refusal & { readonly why: Distrust }) | undefined {
  if (!token || OPEN_TO_PROBES.has(request.url?.split("?")[0]) || asksForPage(request)) return undefined;
  const shown = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  if (shown !== undefined && token.matches(shown)) return undefined;
  if (shown !== undefined) return { status: 401, error: "this is not the admin token", why: "wrong_key" };
  const why = request.headers.authorization === undefined ? "missing" : "malformed";
  return { status: 401, error: "show the admin token: Authorization: Bearer TOKEN", why };
}

/**
 * Whether a page of another site made a browser ask. Such a page cannot read the answer, but it can make this process
 * work for it, and time it. Browsers name the site on every request to loopback or over HTTPS, and an origin on those
 * that a script wants to read; curl and Prometheus send neither.
 */
function isFromOtherPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const isOwn = host !== undefined && origin?.toLowerCase() === `http://${host.toLowerCase()}`;
  if (origin !== undefined && !isOwn) return true;
  const site = headers["sec-fetch-site"];
  return site !== undefined && !OWN_SITES.has(String(site));
}

/** Whether a person followed a link of another page to the operations page: in a window of its own, never in a frame. */
function isFollowedLink({ method, url, headers }: IncomingMessage): boolean {
  const isDocument = headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  return method === "GET" && url?.split("?")[0] === "/" && isDocument && headers.origin === undefined;
}

/**
 * Judge whether a request that changes something can be the work of a web page.
 *
 * A page of any site can make a browser send a POST here. It cannot do so without an `Origin`, nor with this content
 * type unless a preflight was answered, which this port never does.
 */
export function refuseChange(request: IncomingMessage): Refusal | undefined {
  if (request.headers.origin !== undefined) {
    return { status: 403, error: "a request with an Origin header changes nothing here; use the command line" };
  }
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") return { status: 403, error: "the content type must be application/json" };
  return undefined;
}

/**
 * The names by which a listener on loopback may be asked. A page whose name was rebound to 127.0.0.1 sends its own name.
 *
 * @returns undefined where any name may ask: a Unix socket is out of every page's reach, and what names a listener on
 *   the network has is not known here.
 */
export function hostsServed(address: Address): ReadonlySet<string> | undefined {
  if (address.kind === "unix" || !isLocal(address)) return undefined;
  const { host } = address;
  return new Set(["localhost", "[::1]", host.includes(":") ? `[${host}]` : host]);
}

/** Only the name counts, not the port: port forwarding changes it. Without a Host it is HTTP/1.0, and no browser. */
function isServed(header: string | undefined, hosts: ReadonlySet<string>): boolean {
  if (header === undefined) return true;
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]@/]+)(?::\d{0,5})?$/.exec(header.toLowerCase())?.[1];
  return name !== undefined && (hosts.has(name) || isLoopbackV4(name));
}

function isLoopbackV4(address: string): boolean {
  return /^127(?:\.\d{1,3}){3}$/.test(address);
}
