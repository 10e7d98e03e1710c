import type { Total } from "../../app/ports.js";
import type { EpochMs } from "../../domain/units.js";
import { readTotal, type Used } from "../memory/total-names.js";

const USED_BYTES = 32;
const ENDS_BYTES = 6;
const LOT_BYTES = ENDS_BYTES + USED_BYTES;

/** Read a row as `lua/totals.lua` lays it out, with what has expired by an instant. */
export function readRow(field: string, row: Buffer, now: EpochMs): Total {
  let sums = usedAt(row, 0);
  for (let at = USED_BYTES; at < row.length; at += LOT_BYTES) {
    if (row.readUIntLE(at, ENDS_BYTES) / 2 > now) continue;
    const lot = usedAt(row, at + ENDS_BYTES);
    sums = {
      requests: sums.requests + lot.requests,
      inputTokens: sums.inputTokens + lot.inputTokens,
      outputTokens: sums.outputTokens + lot.outputTokens,
      cost: sums.cost + lot.cost,
    };
  }
  return readTotal(field, sums);
}

function usedAt(row: Buffer, at: number): Used {
  return {
    requests: row.readDoubleLE(at),
    inputTokens: row.readDoubleLE(at + 8),
    outputTokens: row.readDoubleLE(at + 16),
    cost: row.readDoubleLE(at + 24),
  };
}
