import type { IncomingMessage } from "node:http";
import type { Page } from "../app/ports.js";
import { readBody } from "./admin-body.js";
import { type Refusal, refuseChange } from "./admin-guard.js";
import { isReady, type Json, keysJson, limitJson, readinessJson, reservationJson, totalsJson } from "./admin-json.js";
import type { AdminSource } from "./admin-source.js";
import { budgetsJson, denialJson, overviewJson, principalJson, ratesJson } from "./operations-json.js";
import { readDenialsQuery, readPrincipalQuery, readSpanQuery } from "./operations-query.js";
import type { OperationsSource } from "./operations-source.js";
import { asksForPage, type PageFiles } from "./page-files.js";
import { readTotalsQuery } from "./totals-query.js";

/** What is sent back. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the routes need to answer. */
export interface Routing {
  readonly source: AdminSource;
  /** What else the operations page shows. */
  readonly operations: OperationsSource;
  /** Everything measured, in Prometheus's text format. */
  readonly scrape: () => Promise<string>;
}

/** Where the page's files are at hand. */
export interface Paged {
  readonly page: PageFiles;
}

interface Route {
  readonly method: "GET" | "POST";
  /** For the index. */
  readonly about: string;
  readonly answer: (routing: Routing, asked: Asked) => Promise<Answer> | Answer;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
}

export const PAGE_SIZE = 500;
const MAX_BODY_BYTES = 4 * 1024;
const MAX_CURSOR_LENGTH = 1024;
/** What a store may give as a `next`. */
const RESERVATION_CURSOR = /^[A-Za-z0-9_-]{0,64}$/;
const MAX_RESERVATION_ID_LENGTH = 512;

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";
const BAD_CURSOR = "no page begins there; give the next of the page before, or leave after out";
const STORE_AWAY = "the store of counters does not answer; see store in /readyz, and ask again";

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    "/",
    {
      method: "GET",
      about: "the operations page for browsers, this list for others",
      answer: () => text(200, index()),
    },
  ],
  ["/metrics", { method: "GET", about: "metrics, in Prometheus's text format", answer: metrics }],
  ["/healthz", { method: "GET", about: "200 while the process lives", answer: () => json(200, { status: "ok" }) }],
  ["/readyz", { method: "GET", about: "200 while callers may be sent here", answer: readiness }],
  ["/v1/limits", { method: "GET", about: "every limit as it stands; ?after=<next> for the next page", answer: limits }],
  ["/v1/usage", { method: "GET", about: "who used most; ?by= &top= and &day= or &month=", answer: usage }],
  ["/v1/keys", { method: "GET", about: "when callers' keys and Mistral's were used last", answer: keys }],
  ["/v1/overview", { method: "GET", about: "all of /readyz, and version, start and reloads", answer: overview }],
  ["/v1/decisions", { method: "GET", about: "decisions by outcome and time; ?span=5m or 1h", answer: decisions }],
  ["/v1/denials", { method: "GET", about: "the latest denials; ?after=<number>", answer: denials }],
  ["/v1/budgets", { method: "GET", about: "budgets of the organization, workspaces and roles", answer: budgets }],
  ["/v1/principals", { method: "GET", about: "one principal: ?id= with &role= and &workspace=", answer: principal }],
  ["/v1/reservations", { method: "GET", about: "open reservations; ?after=<next>", answer: reservations }],
  ["/v1/reservations/release", { method: "POST", about: 'gives one back: {"reservation_id": "…"}', answer: release }],
]);

/**
 * Answer one request that the guard let through.
 *
 * @throws what the source or the scrape throws.
 */
export async function answer(routing: Routing & Paged, request: IncomingMessage): Promise<Answer> {
  const url = request.url ?? "/";
  const queryAt = url.indexOf("?");
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt));

  const file = asksForPage(request) ? routing.page.get(path) : undefined;
  const route: Route | undefined = file
    ? { method: "GET", about: "", answer: () => ({ status: 200, ...file }) }
    : ROUTES.get(path);
  if (!route) return json(404, { error: "no such path", paths: [...ROUTES.keys()] });

  const allowed = route.method === "GET" ? ["GET", "HEAD"] : [route.method];
  if (!allowed.includes(request.method ?? "")) {
    const allow = allowed.join(", ");
    return { ...refused({ status: 405, error: `this path takes ${allow} only` }), headers: { allow } };
  }
  return route.answer(routing, { request, query });
}

/** A refusal as an answer. */
export function refused({ status, error }: Refusal): Answer {
  return json(status, { error });
}

async function metrics({ scrape }: Routing): Promise<Answer> {
  return { status: 200, type: PROMETHEUS_TEXT, body: await scrape() };
}

function readiness({ source }: Routing): Answer {
  const state = source.ready();
  return json(isReady(state) ? 200 : 503, readinessJson(state));
}

async function limits({ source }: Routing, { query }: Asked): Promise<Answer> {
  const page = pageOf(query);
  if ("error" in page) return refused(page);
  const found = await source.limits(page);
  if ("kind" in found && found.kind === "bad_cursor") return refused({ status: 400, error: BAD_CURSOR });
  if ("kind" in found) return refused({ status: 503, error: STORE_AWAY });
  return json(200, { policy_revision: found.policyRevision, limits: found.limits.map(limitJson), next: found.next });
}

function overview({ source, operations }: Routing): Answer {
  return json(200, overviewJson(source.ready(), operations.overview()));
}

function decisions({ operations }: Routing, { query }: Asked): Answer {
  const asked = readSpanQuery(query);
  return "error" in asked ? refused(asked) : json(200, ratesJson(operations.rates(asked.span)));
}

function denials({ operations }: Routing, { query }: Asked): Answer {
  const asked = readDenialsQuery(query);
  return "error" in asked ? refused(asked) : json(200, { denials: operations.denials(asked.after).map(denialJson) });
}

async function budgets({ operations }: Routing): Promise<Answer> {
  const read = await operations.budgets();
  return "kind" in read ? refused({ status: 503, error: STORE_AWAY }) : json(200, budgetsJson(read));
}

async function principal({ operations }: Routing, { query }: Asked): Promise<Answer> {
  const asked = readPrincipalQuery(query);
  return "error" in asked ? refused(asked) : json(200, principalJson(await operations.principal(asked)));
}

async function reservations({ source }: Routing, { query }: Asked): Promise<Answer> {
  const page = pageOf(query);
  if ("error" in page) return refused(page);
  if (!RESERVATION_CURSOR.test(page.after)) return refused({ status: 400, error: BAD_CURSOR });
  const found = await source.reservations(page);
  if ("kind" in found) return refused({ status: 503, error: STORE_AWAY });
  return json(200, { reservations: found.reservations.map(reservationJson), next: found.next });
}

async function usage({ source }: Routing, { query }: Asked): Promise<Answer> {
  const asked = readTotalsQuery(query);
  if ("error" in asked) return refused(asked);
  const read = await source.totals(asked);
  if ("kind" in read) return refused({ status: 503, error: STORE_AWAY });
  return json(200, totalsJson(read));
}

async function keys({ source }: Routing): Promise<Answer> {
  const read = await source.keys();
  return "kind" in read ? refused({ status: 503, error: STORE_AWAY }) : json(200, keysJson(read));
}

async function release({ source }: Routing, { request }: Asked): Promise<Answer> {
  const refusal = refuseChange(request);
  if (refusal) return refused(refusal);
  const reservationId = await readReservationId(request);
  if (typeof reservationId !== "string") return refused(reservationId);

  const released = await source.release(reservationId);
  switch (released.kind) {
    case "released":
      return json(200, { reservation_id: reservationId, released: true });
    case "not_open":
      return refused({ status: 404, error: "no open reservation has this id; /v1/reservations lists those that do" });
    case "away":
      return refused({ status: 503, error: STORE_AWAY });
  }
}

async function readReservationId(request: IncomingMessage): Promise<string | Refusal> {
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body.kind === "too_large") return { status: 413, error: `the body is over ${MAX_BODY_BYTES} bytes` };
  if (body.kind === "cut") return { status: 400, error: "the body was cut short" };

  const asked = parse(body.bytes.toString("utf8"));
  const id =
    typeof asked === "object" && asked !== null && "reservation_id" in asked ? asked.reservation_id : undefined;
  if (typeof id !== "string" || id.length === 0 || id.length > MAX_RESERVATION_ID_LENGTH) {
    const form = `{"reservation_id": "…"}, of 1 to ${MAX_RESERVATION_ID_LENGTH} characters`;
    return { status: 400, error: `the body must be ${form}` };
  }
  return id;
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** A parameter that is misspelt would page in circles, so an unknown one is refused. */
function pageOf(query: URLSearchParams): Page | Refusal {
  const unknown = [...query.keys()].some((key) => key !== "after");
  if (unknown || query.size > 1) return { status: 400, error: "the only parameter is after, once" };
  const after = query.get("after") ?? "";
  if (after.length > MAX_CURSOR_LENGTH) {
    return { status: 400, error: "after is too long; give the next of the page before" };
  }
  return { after, limit: PAGE_SIZE };
}

function index(): string {
  const lines = Array.from(ROUTES, ([path, { method, about }]) => `${method.padEnd(5)}${path.padEnd(26)}${about}\n`);
  return `Windbreak: admin port\n\n${lines.join("")}`;
}

function json(status: number, value: Json): Answer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

function text(status: number, body: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body };
}
