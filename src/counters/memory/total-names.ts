import type { Total } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import { MAX_AMOUNT } from "../../domain/units.js";
import type { Named } from "./owner.js";

/** What requests came to. */
export interface Used extends Amounts {
  readonly requests: number;
}

/** What open reservations will be charged that all end at one instant. */
export interface TotalLot extends Used {
  readonly ends: EpochMs;
}

/** All that a row holds. */
export interface TotalState {
  readonly used: Used;
  readonly lots: readonly TotalLot[];
}

/** Name the row of a caller and a model. No part holds a space, so no two rows have one name. */
export function totalKey({ principal, standing }: Named, model: string): string {
  return `${standing.workspace.name} ${principal} ${model}`;
}

/** The row that principals share who have none of their own. Its name has no principal, whose id is never empty. */
export function sharedTotalKey(key: string): string {
  return `${key.slice(0, key.indexOf(" "))}  ${key.slice(key.lastIndexOf(" ") + 1)}`;
}

/** Tell a row: what it is of, and what was used. */
export function readTotal(key: string, { requests, inputTokens, outputTokens, cost }: Used): Total {
  const [workspace = "", principal = "", model = ""] = key.split(" ");
  return {
    workspace,
    principal,
    model,
    requests: shown(requests),
    inputTokens: shown(inputTokens),
    outputTokens: shown(outputTokens),
    cost: shown(cost),
  };
}

/** What was taken away again after a sum had passed what a double holds may leave it a little below nothing. */
function shown(sum: number): number {
  return Math.min(Math.max(0, sum), MAX_AMOUNT);
}

/** What one request came to, less what it was charged before. */
export function usedInstead(actual: Amounts, charged: Amounts | undefined): Used {
  return {
    requests: charged ? 0 : 1,
    inputTokens: actual.inputTokens - (charged?.inputTokens ?? 0),
    outputTokens: actual.outputTokens - (charged?.outputTokens ?? 0),
    cost: actual.cost - (charged?.cost ?? 0),
  };
}
