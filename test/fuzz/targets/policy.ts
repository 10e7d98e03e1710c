import assert from "node:assert/strict";
import { formatFault } from "../../../src/policy/faults.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";
import { assertLine } from "../laws.js";
import { randomFor } from "../random.js";
import type { Target } from "../target.js";

const WORDS = [
  ...["version: 1\n", "workspaces:", "roles:", "principals:", "trust:", "models:", "limits:", "alerts:", "notify:"],
  ...["\n", "\n  ", "\n    ", "- ", "? ", ": ", ", ", "{", "}", "[", "]", "&a ", "*a", "<<: ", "!!str ", "!x ", "|\n"],
  ...["'", '"', "#", "---\n", "...\n", "%YAML 1.1\n", "\t", "__proto__", "null", "~", ".inf", ".nan", "1_000", "*"],
  ...["usd_per_month", "tokens_per_day", "ceiling", "like", "jwt", "spiffe", "api_key_sha256", "file", "env", "15m"],
  ...["\u0000", "\ufeff", "\u2028", "é", "😀", "\\u0041", '"a": ', "\r\n"],
];

export const POLICY: readonly Target[] = [
  {
    name: "policy",
    law: "a policy, or faults of one line each, in the order of the file, at places that it has; the same each time",
    words: WORDS,
    mostBytes: 16 * 1024,
    run(bytes) {
      const loaded = loadPolicy(bytes, "p");
      if (loaded.kind === "ok") {
        assert.match(loaded.policy.revision, /^[0-9a-f]{16}$/);
        for (const warning of loaded.warnings) assertLine(formatFault(warning));
        return;
      }
      assert.ok(loaded.faults.length > 0 && loaded.faults.length <= 1_001);
      const lines = bytes.toString("utf8").split("\n").length;
      let before = 0;
      for (const fault of loaded.faults) {
        assertLine(formatFault(fault));
        assert.ok(fault.line >= 1 && fault.line <= lines && fault.column >= 1, `${fault.line}:${fault.column}`);
        const place = fault.line * 1e7 + fault.column;
        assert.ok(place >= before);
        before = place;
      }
      if (randomFor(bytes).below(8) === 0) assert.deepEqual(loadPolicy(bytes, "p"), loaded);
    },
  },
];
