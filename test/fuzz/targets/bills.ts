import assert from "node:assert/strict";
import { keyOfName, nameOfKey } from "../../../src/domain/key-use.js";
import { readSpendLimit, readUsage } from "../../../src/mistral/admin/read-usage.js";
import { parseJson } from "../../../src/mistral/json-value.js";
import { isAmount } from "../laws.js";
import type { Target } from "../target.js";

export const BILLS: readonly Target[] = [
  {
    name: "bill",
    law: "every answer is a bill with whole amounts, or none; so is a spend limit; the same answer is the same bill",
    words: [
      ...['"completion":', '"models":', '"a::b":', '"input":', '"value":', '"value_paid":', '"billing_metric":"b"'],
      ...['"prices":', '"price":', '"1e-7"', "1e308", "-1", "null", "[", "]", "{", "}", '"event_type":"api_tokens"'],
      ...['"limits":', '"usage_limit":', '"no_monthly_limit":true', '"__proto__":', '"currency":"usd"', ","],
    ],
    run(bytes) {
      const body = parseJson(bytes.toString("utf8"));
      const bill = readUsage(body);
      if (bill) for (const amount of [bill.cost, bill.tokens, bill.costElsewhere]) assert.ok(isAmount(amount));
      assert.deepEqual(readUsage(body), bill);
      const limit = readSpendLimit(body);
      if (limit?.used !== undefined) assert.ok(Number.isFinite(limit.used));
    },
  },
  {
    name: "key-uses",
    law: "every name of a key that can be read is written again as it was",
    words: ["c ", "u ", " ", "3fK9mQ2x", "dev", "\n"],
    run(bytes) {
      const name = bytes.toString("utf8");
      const key = keyOfName(name);
      if (key) assert.equal(nameOfKey(key), name);
    },
  },
];
