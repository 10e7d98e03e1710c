import type { ReserveResult } from "../../../../src/app/ports.js";
import { FloodGate, type Turn } from "../../../../src/counters/redis/flood-gate.js";
import { refusalBy } from "../../../../src/counters/redis/refusal.js";
import type { Ask } from "../../../support/stage.js";
import { cellOf, stateOf } from "./bytes.js";
import { callsUnder } from "./reserve-of.js";

/** What the developer may reserve. */
export const CEILING = 10;

interface Asked {
  readonly ask: Ask;
  readonly turn: Turn | undefined;
  readonly comers: number;
  readonly answer: (result: ReserveResult) => void;
}

/**
 * Calls of one caller at a gate, before a store of a single counter that carries questions out, and tells its answers,
 * only when it is told to.
 */
export function floodOf(timeoutMs = 60_000) {
  const { account, calendar, clock, reserveOf } = callsUnder({
    limits: { "roles.developer.tokens_per_day": CEILING },
  });
  const gate = new FloodGate(timeoutMs);
  const asked: Asked[] = [];
  const told: (() => void)[] = [];
  const open: number[] = [];
  /** request_ids that are remembered. */
  const admitted = new Set<string>();
  const windows = calendar.at(clock.now());
  let questions = 0;

  const send = (ask: Ask, turn?: Turn): Promise<ReserveResult> => {
    questions++;
    return new Promise((answer) => asked.push({ ask, turn, comers: gate.comers, answer }));
  };
  const reserved = () => open.reduce((sum, amount) => sum + amount, 0);

  function carryOut({ ask, turn, comers, answer }: Asked): () => void {
    if (ask.id && admitted.has(ask.id)) return () => answer(GRANTED);
    const isNew = new Set(turn?.named.filter((id) => !admitted.has(id)));
    const lot = { amount: reserved(), ends: clock.now() + 900_000 };
    const cells = { values: [stateOf(windows), cellOf(windows.day.label, 0, lot)], now: clock.now() };
    const refusal = refusalBy(cells, reserveOf(ask), account);
    if (refusal) {
      return () => {
        gate.refused(account, cells, { comers, isNew });
        answer(refusal);
      };
    }
    if (ask.dryRun) return () => answer({ kind: "would_admit", shadowDenials: [], readings: undefined });
    open.push(ask.input ?? 1);
    if (ask.id) admitted.add(ask.id);
    return () => answer(GRANTED);
  }

  return {
    gate,
    account,
    reserveOf,
    reserved,
    remembered: (): ReadonlySet<string> => new Set(admitted),
    call: (ask: Ask = {}): Promise<ReserveResult> => {
      const reserve = reserveOf(ask);
      if (!gate.holds(account)) return send(ask);
      return gate.wait(reserve, account, (turn) => send(ask, turn));
    },
    /** Questions that are sent and not carried out, in their order. */
    sent: (): readonly Asked[] => asked,
    questions: () => questions,
    /** Carry the next question out. */
    carryOutNext: () => {
      const next = asked.shift();
      if (next) told.push(carryOut(next));
    },
    /** Tell the next answer. */
    tellNext: () => told.shift()?.(),
    /** The next question fails. */
    failNext: () => asked.shift()?.answer({ kind: "away", cause: new Error("no answer") }),
    /** Another replica has admitted this request_id. */
    remember: (id: string) => void admitted.add(id),
    releaseOne: (nth = 0) => void open.splice(nth % Math.max(1, open.length), 1),
    isIdle: () => asked.length + told.length === 0,
  };
}

export type FloodStage = ReturnType<typeof floodOf>;

const GRANTED: ReserveResult = {
  kind: "admitted",
  grant: {
    requestId: "r",
    reservationId: "i",
    expiresAt: 0,
    model: "m",
    outputTokens: 0,
    cost: 0,
    policyRevision: "p",
    shadowDenials: [],
  },
  readings: undefined,
};
