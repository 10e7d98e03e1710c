import type { Away, Grant, Reserve, ReserveResult } from "../../app/ports.js";
import type { EpochMs } from "../../domain/units.js";
import { inventRequestId, type Random24 } from "../memory/ids.js";
import { totalKey } from "../memory/total-names.js";
import { askRelease } from "./ask-release.js";
import type { FloodGate, Turn } from "./flood-gate.js";
import type { Answered } from "./gather.js";
import { writeWindows } from "./open-windows.js";
import { readingsOf } from "./readings.js";
import { isFor, isOpen, type ReservationRecord, readRecord, shadowDenialsOf, writeBody } from "./record.js";
import type { RedisAccount } from "./redis-account.js";
import type { RefusalMemory } from "./refusal-memory.js";
import { type Asking, cellsIn, timeIn } from "./replies.js";
import { makeSecret, writeReservationId } from "./reservation-id.js";
import type { ScriptServer } from "./script-server.js";

const FLAG = { dryRun: 1, named: 2, readAll: 4, givesBack: 8, othersWait: 16 } as const;
const HEAD_BYTES = 35;
const COUNT_BYTES = 2;
const ENDS_BYTES = 6;

/** What a reservation is asked for with. Both who remembers refusals and who shares them are told of each. */
export interface ReserveMeans {
  readonly asking: Asking;
  readonly server: ScriptServer;
  readonly random: Random24;
  readonly refusals: RefusalMemory;
  readonly gate: FloodGate;
}

/** One reservation as it is asked for: the ids that it gets if it is made. */
interface Wish {
  readonly reserve: Reserve;
  readonly account: RedisAccount;
  readonly scope: { readonly workspace: string; readonly principal: string };
  readonly requestId: string;
  readonly secret: Buffer;
  /** How many waited at the gate up to the asking. */
  readonly comers: number;
  readonly turn: Turn | undefined;
}

/**
 * Reserve by one script call; by two where the windows turned on the way.
 *
 * @param turn of who waited at the gate.
 */
export async function askReserve(
  means: ReserveMeans,
  reserve: Reserve,
  account: RedisAccount,
  turn?: Turn,
): Promise<ReserveResult> {
  const { principal, standing } = account.caller;
  const wish: Wish = {
    reserve,
    account,
    scope: { workspace: standing.workspace.name, principal },
    requestId: reserve.requestId || inventRequestId(means.random),
    secret: makeSecret(means.random),
    comers: means.gate.comers,
    turn,
  };
  const first = await ask(means, wish, reserve.now);
  if (first.kind === "away" || kindOf(first) !== "T") return conclude(means, wish, first);
  const second = await ask(means, wish, timeIn(first.head));
  if (second.kind === "answered" && kindOf(second) === "T") {
    return { kind: "away", cause: new Error("the store's clock moved a window on twice in one call") };
  }
  return conclude(means, wish, second);
}

function ask({ asking, server }: ReserveMeans, wish: Wish, now: EpochMs): Promise<Answered | Away> {
  const { reserve, account, scope, requestId, secret, turn } = wish;
  const reservationId = () => writeReservationId(secret, scope, requestId);
  return asking.reserve.ask(account.keys.shared, {
    keys: keysOf(wish),
    args: [
      headOf(reserve, account, turn?.named.length ?? 0),
      writeWindows(reserve.calendar.at(now)),
      account.limits,
      writeBody(reserve, account, secret),
      totalKey(account.caller, reserve.plan.model.id),
      ...account.fields,
    ],
    waitedMs: turn?.waitedMs,
    // Its caller was told that nothing was reserved, so nothing must stay reserved.
    late: (answer) => {
      if (kindOf(answer) !== "A") return;
      void askRelease(asking.release, account.keys, reservationId(), true).then((released) => {
        if (released.kind === "away") server.inDoubt(reservationId());
      });
    },
    lost: () => {
      if (!reserve.dryRun) server.inDoubt(reservationId());
    },
  });
}

function keysOf({ account, scope, requestId, turn }: Wish): readonly string[] {
  const keys = [account.ownKey, account.keys.record(scope, requestId)];
  if (turn) keys.push(...turn.named.map((id) => account.keys.record(scope, id)));
  return keys;
}

function headOf({ requestId, dryRun, readAll, worst }: Reserve, account: RedisAccount, others: number): Buffer {
  const { workspace } = account.caller.standing;
  const head = Buffer.allocUnsafe(others > 0 ? HEAD_BYTES + COUNT_BYTES : HEAD_BYTES);
  const flags =
    (dryRun ? FLAG.dryRun : 0) |
    (requestId === "" ? 0 : FLAG.named) |
    (readAll ? FLAG.readAll : 0) |
    (workspace.unsettled === "release" ? FLAG.givesBack : 0) |
    (others > 0 ? FLAG.othersWait : 0);
  head.writeUInt8(flags, 0);
  head.writeUInt8(account.sharedCount, 1);
  head.writeUInt8(account.ownCount, 2);
  head.writeDoubleLE(workspace.reservationTtlMs, 3);
  head.writeDoubleLE(worst.inputTokens, 11);
  head.writeDoubleLE(worst.outputTokens, 19);
  head.writeDoubleLE(worst.cost, 27);
  if (others > 0) head.writeUInt16LE(others, HEAD_BYTES);
  return head;
}

/** The letter that a reply begins with. */
function kindOf({ reply }: Answered): string {
  const first: unknown = Array.isArray(reply) ? reply[0] : reply;
  return Buffer.isBuffer(first) ? first.toString("latin1", 0, 1) : "";
}

function conclude({ refusals, gate }: ReserveMeans, wish: Wish, answer: Answered | Away): ReserveResult {
  if (answer.kind === "away") return answer;
  const { reserve, account } = wish;
  const now = timeIn(answer.head);
  const [said, ...cells]: unknown[] = Array.isArray(answer.reply) ? answer.reply : [answer.reply];
  if (!Buffer.isBuffer(said)) throw new TypeError("a reply of another form");
  const readings = (worst = false) =>
    readingsOf(account, { values: cellsIn(cells), now }, reserve.calendar, worst ? reserve.worst : undefined);
  const asked = () => (reserve.readAll ? readings() : undefined);
  const named = (from: number) => {
    if (said.length === from) return reserve.shadowDenials;
    return [...reserve.shadowDenials, ...Array.from(said.subarray(from), (nth) => account.limitName(nth))];
  };
  switch (kindOf(answer)) {
    case "A":
      return {
        kind: "admitted",
        grant: grantOf(wish, said.readUIntLE(1, ENDS_BYTES) / 2, named(1 + ENDS_BYTES)),
        readings: asked(),
      };
    case "D": {
      const all = cellsIn(cells);
      const seen = { values: all.slice(0, account.fields.length + 1), now };
      refusals.keep(account, seen);
      gate.refused(account, seen, { comers: wish.comers, isNew: newOnes(wish.turn, all[seen.values.length]) });
      return { kind: "refused", shadowDenials: named(1), readings: readings(true) };
    }
    case "W":
      return { kind: "would_admit", shadowDenials: named(1), readings: asked() };
    case "R": {
      const [record, ...rest] = cells;
      if (!Buffer.isBuffer(record)) throw new TypeError("a reply of another form");
      const known = repeat(wish, readRecord(record), now);
      if (known.kind === "conflict" || !reserve.readAll) return known;
      return { ...known, readings: readingsOf(account, { values: cellsIn(rest), now }, reserve.calendar, undefined) };
    }
    default:
      throw new TypeError("a reply of another form");
  }
}

/** Of the request_ids that waited, those that are not remembered. */
function newOnes(turn: Turn | undefined, remembered: Buffer | null | undefined): ReadonlySet<string> {
  const ids = new Set(turn?.named);
  const count = remembered ? remembered.length / COUNT_BYTES : 0;
  for (let nth = 0; nth < count; nth++)
    ids.delete(turn?.named[(remembered?.readUInt16LE(nth * COUNT_BYTES) ?? 0) - 1] ?? "");
  return ids;
}

function grantOf({ reserve, scope, requestId, secret }: Wish, expiresAt: EpochMs, shadow: readonly string[]): Grant {
  const { plan, worst } = reserve;
  return {
    requestId,
    reservationId: writeReservationId(secret, scope, requestId),
    expiresAt,
    model: plan.model.id,
    outputTokens: worst.outputTokens,
    cost: worst.cost,
    policyRevision: plan.policyRevision,
    shadowDenials: shadow,
  };
}

/** The first answer again, where the same is asked of a reservation that is open. */
function repeat(
  { reserve, scope, requestId }: Wish,
  record: ReservationRecord,
  now: EpochMs,
): Extract<ReserveResult, { kind: "admitted" | "conflict" }> {
  if (!isOpen(record, now)) {
    return { kind: "conflict", message: `request_id ${requestId} was used, and its reservation is closed` };
  }
  if (!isFor(record, reserve)) {
    return { kind: "conflict", message: `request_id ${requestId} is in use for a call with other content` };
  }
  const grant = {
    requestId,
    reservationId: writeReservationId(record.secret, scope, requestId),
    expiresAt: record.ends,
    model: record.model,
    outputTokens: record.amounts.outputTokens,
    cost: record.amounts.cost,
    policyRevision: record.asked?.policyRevision ?? "",
    shadowDenials: shadowDenialsOf(record, scope),
  };
  return { kind: "admitted", grant, readings: undefined };
}
