import assert from "node:assert/strict";
import { readQuestion } from "../../../src/commands/question.js";
import { parseDuration } from "../../../src/domain/duration.js";
import { parseUsd } from "../../../src/domain/money.js";
import { readNumber } from "../../../src/policy/number-text.js";
import { type Flags, formatSettingFault } from "../../../src/settings/given.js";
import { readAskSettings, readServeSettings } from "../../../src/settings.js";
import { formatAddress, parseAddress } from "../../../src/transport/address.js";
import { assertLine, isAmount } from "../laws.js";
import type { Target } from "../target.js";

const WORDS = [
  ...[
    "listen=",
    "listen-envoy=",
    "admin=",
    "identity=",
    "redis=",
    "state=",
    "policy=p",
    "tls-cert=",
    "tls-key=",
    "timeout=",
  ],
  ...[
    "server=",
    "socket-mode=",
    "socket-group=",
    "envoy-peer=",
    "store-timeout=",
    "log-level=",
    "label=",
    "input-tokens=",
  ],
  ...[
    "127.0.0.1:1",
    "[::1]:0",
    "0.0.0.0:50051",
    "localhost:65536",
    "unix:/a",
    "unix:///a",
    "declared",
    "fixed:",
    "credential",
  ],
  ...[
    "redis://a",
    "1h30m",
    "50ms",
    "99999999999h",
    "0660",
    "07777",
    ",",
    "true",
    "\u0000",
    "\u2028",
    "\n",
    "=",
    "spiffe://a/b",
  ],
];

/** Lines of `name=value`, as flags or as variables. */
function givenIn(text: string): { readonly flags: Flags; readonly env: Readonly<Record<string, string>> } {
  const flags = new Map<string, string | readonly string[]>();
  const env = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name = "", ...rest] = line.split("=");
    const value = rest.join("=");
    const isList = ["listen", "listen-envoy", "envoy-peer", "label"].includes(name);
    const before = flags.get(name);
    if (name.startsWith("$")) env.set(`WINDBREAK_${name.slice(1).toUpperCase().replaceAll("-", "_")}`, value);
    else flags.set(name, isList ? [...(typeof before === "object" ? before : []), value] : value);
  }
  return { flags: Object.fromEntries(flags), env: Object.fromEntries(env) };
}

export const SETTINGS: readonly Target[] = [
  {
    name: "settings",
    law: "settings, or faults of one line each",
    words: WORDS,
    run(bytes) {
      const { flags, env } = givenIn(bytes.toString("utf8"));
      const reads = [readServeSettings({ flags, env, isTerminal: false }), readAskSettings({ flags, env })];
      for (const read of [...reads, readQuestion(flags)]) {
        if (read.kind === "faulty") for (const fault of read.faults) assertLine(formatSettingFault(fault));
        if (read.kind === "question") assert.ok(isAmount(read.call.request.inputTokens));
      }
    },
  },
  {
    name: "small-texts",
    law: "durations, amounts and addresses are read or not; an address is the same when it is written and read again",
    words: [
      "1",
      "h",
      "m",
      "s",
      "ms",
      "_",
      ".",
      "e",
      "-",
      "0x",
      "0o7",
      "unix:",
      ":",
      "[",
      "]",
      "::1",
      "127.0.0.1",
      "localhost",
      "9999999999",
    ],
    run(bytes) {
      const text = bytes.toString("utf8");
      const span = parseDuration(text);
      if (span !== undefined) assert.ok(isAmount(span));
      const dollars = parseUsd(text);
      if (dollars !== undefined) assert.ok(dollars >= 0n);
      readNumber(text);
      const address = parseAddress(text);
      if (address.kind === "fault") assertLine(formatSettingFault(address));
      else assert.deepEqual(parseAddress(formatAddress(address)), address);
    },
  },
];
