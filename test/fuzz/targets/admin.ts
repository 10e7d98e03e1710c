import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Desk } from "../../../src/app/desk.js";
import { isLimitCursor, listLimits } from "../../../src/app/list-limits.js";
import { readTotals } from "../../../src/app/read-totals.js";
import { readLimitsPage } from "../../../src/commands/limit-rows.js";
import { operationsSource } from "../../../src/commands/operations.js";
import { Activity } from "../../../src/telemetry/activity/activity.js";
import { refuseRequest, refuseStranger } from "../../../src/transport/admin-guard.js";
import { answer, type Paged, type Routing, refused } from "../../../src/transport/admin-routes.js";
import type { AdminSource } from "../../../src/transport/admin-source.js";
import { Desks } from "../desk.js";
import type { Target } from "../target.js";

const desks = new Desks();

/** A request as it is written: its line, its headers, an empty line, its body. None where it has no method. */
function requestIn(text: string): IncomingMessage {
  const [head = "", ...rest] = text.split("\n\n");
  const [line = "", ...headers] = head.split("\n");
  const [method = "", url = ""] = line.split(" ");
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = url;
  for (const header of headers) {
    const colon = header.indexOf(":");
    if (colon > 0) request.headers[header.slice(0, colon).toLowerCase()] = header.slice(colon + 1).trim();
  }
  request.push(Buffer.from(rest.join("\n\n"), "latin1"));
  request.push(null);
  return request;
}

function routing(): Routing & Paged {
  const desk = desks.fresh();
  const startedAt = desk.clock.now();
  const operations = operationsSource({ desk, activity: new Activity(desk.clock), startedAt, live: () => undefined });
  return { source: sourceOf(desk), operations, scrape: () => Promise.resolve(""), page: new Map() };
}

function sourceOf(desk: Desk): AdminSource {
  const now = desk.clock.now();
  const { calendar } = desk.snapshot();
  return {
    ready: () => ({ policy: undefined, faults: [], store: "up", draining: false, listeners: [] }),
    limits: (page) => (isLimitCursor(page.after) ? listLimits(desk, page) : { kind: "bad_cursor" }),
    totals: (asked) => readTotals(desk, asked),
    keys: () => ({ since: now, callers: [], upstream: [] }),
    reservations: (page) => desk.store.reservations(page, now),
    release: (reservationId) => desk.store.release({ reservationId, forget: false, now, calendar }),
  };
}

const HOSTS = new Set(["localhost", "[::1]", "127.0.0.1"]);

export const ADMIN: readonly Target[] = [
  {
    name: "admin",
    law: "every request is refused or answered, with a status and a body; pages of limits are read by the command again",
    words: [
      ...[
        "GET ",
        "POST ",
        "HEAD ",
        "/v1/limits",
        "/v1/reservations",
        "/v1/usage",
        "/v1/decisions?span=1h",
        "/v1/denials",
        "/v1/budgets",
        "/v1/principals?id=ada",
        "&role=",
        "&workspace=",
        "/page/",
        "?month=2026-11",
        "day=yesterday",
        "by=model",
        "top=",
        "/release",
        "/metrics",
        "?after=",
        "listed-",
        "counted-",
      ],
      ...[
        "99999999999999999999",
        "&",
        "%",
        "%00",
        "%ff",
        "#",
        "\n",
        "\n\n",
        "host: localhost",
        "origin: null",
        "authorization: ",
      ],
      ...[
        "content-type: application/json",
        '{"reservation_id":"',
        '"}',
        "sec-fetch-site: cross-site",
        "__proto__: a",
        "é",
      ],
    ],
    async run(bytes) {
      const request = requestIn(bytes.toString("latin1"));
      const refusal =
        refuseRequest(request, HOSTS) ?? refuseStranger(request, { matches: (shown) => shown === "token" });
      if (refusal) assert.ok(refusal.status >= 400 && refused(refusal).body.endsWith("\n"));
      const { status, body } = await answer(routing(), request);
      assert.ok(status >= 200 && status < 504, `${status}`);
      const asked = request.url?.split("?")[0];
      if (status === 200 && asked === "/v1/limits") assert.ok(readLimitsPage(JSON.parse(body)));
      if (status === 200 && asked === "/v1/reservations") JSON.parse(body);
    },
  },
];
