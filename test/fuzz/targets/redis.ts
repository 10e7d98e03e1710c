import assert from "node:assert/strict";
import { readCharged } from "../../../src/counters/redis/ask-charge.js";
import { departuresOf, readCell } from "../../../src/counters/redis/cell.js";
import { lotsInCell, lotsOfRecord, nameLot, readLotName } from "../../../src/counters/redis/drift-lots.js";
import { reached } from "../../../src/counters/redis/open-windows.js";
import { readRecord } from "../../../src/counters/redis/record.js";
import { formatTarget, holdsPassword, parseRedisUrl } from "../../../src/counters/redis/redis-url.js";
import { readReservationId, writeReservationId } from "../../../src/counters/redis/reservation-id.js";
import { Calendar } from "../../../src/domain/window.js";
import { instant } from "../../support/fake-clock.js";
import { NOW } from "../desk.js";
import { assertLine, isAmount, unlessThrown } from "../laws.js";
import type { Target } from "../target.js";

const now = instant(NOW);
const windows = new Calendar("UTC").at(now);
const WORDS = [
  "\x00",
  "\x01",
  "\xff",
  "\x00\x00\x00\x00\x00\x00\xf0\x3f",
  "\x00\x00\x00\x00\x00\x00\xf8\x7f",
  "7,0",
  "a b",
  "\n",
];

/** What has come out of a reader of stored bytes, unless it said that they are none. */
const orRefused = <T>(make: () => T) => unlessThrown([RangeError], make);

export const REDIS: readonly Target[] = [
  {
    name: "redis-cell",
    law: "what a cell holds at an instant, or a RangeError",
    words: WORDS,
    run(bytes) {
      for (const window of ["second", "minute", "day", "in_flight"] as const) {
        const cell = orRefused(() => readCell(bytes, window, { windows, now, seen: now }));
        if (cell) departuresOf(cell.lots, window, undefined);
      }
      for (const field of ["ts", "td dev", "cf"]) orRefused(() => [...lotsInCell("ann", field, bytes)]);
      orRefused(() => reached(windows, bytes));
    },
  },
  {
    name: "redis-record",
    law: "what a record says, or a RangeError",
    words: WORDS,
    run(bytes) {
      const record = orRefused(() => readRecord(bytes));
      orRefused(() => [...lotsOfRecord({ workspace: "dev", principal: "ann" }, bytes)]);
      if (record) assert.ok(record.ends >= 0 && record.counters.length < 256);
      readCharged(bytes);
    },
  },
  {
    name: "redis-names",
    law: "a reservation_id is none, or is written as it was read; a lot's name is none, or is the same again",
    words: ["ann", "dev", "01", "0z", "zz", " ", "\n", "td", "ts dev", "cf dev crew", "1", "é", "-", "_"],
    run(bytes) {
      const text = bytes.toString("utf8");
      const id = readReservationId(text);
      if (id) assert.equal(writeReservationId(id.secret, id, id.requestId), text);
      const lot = orRefused(() => readLotName(text));
      if (lot)
        assert.deepEqual(
          orRefused(() => readLotName(nameLot(lot))),
          lot,
        );
    },
  },
  {
    name: "redis-url",
    law: "a target that is the same when it is written and read again, or a fault that shows nothing of the text",
    words: [
      ...[
        "redis://",
        "rediss://",
        "redis+sentinel://",
        "redis+cluster://",
        "user",
        ":",
        "@",
        "/",
        "?",
        "&",
        ",",
        "%40",
        "%",
      ],
      ...[
        "host",
        "127.0.0.1",
        "[::1]",
        ":6379",
        ":65536",
        "/0",
        "/mymaster/1",
        "sentinel_password=",
        "sentinel_username=",
      ],
    ],
    run(bytes) {
      const text = bytes.toString("utf8");
      const target = parseRedisUrl(text);
      if (target.kind === "fault") {
        assertLine(target.what);
        return assertLine(target.remedy);
      }
      if (target.password !== undefined) assert.ok(holdsPassword(text));
      const again = parseRedisUrl(formatTarget(target));
      assert.notEqual(again.kind, "fault");
      if (again.kind !== "fault") assert.equal(formatTarget(again), formatTarget(target));
      if (target.kind === "single") assert.ok(isAmount(target.database) && target.node.port > 0);
    },
  },
];
