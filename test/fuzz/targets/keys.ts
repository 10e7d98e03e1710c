import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKeyFile } from "../../../src/keys/read-key.js";
import { certificatesIn, readTlsFiles } from "../../../src/keys/tls-files.js";
import { readKeyPage, readMadeKey } from "../../../src/mistral/admin/read-keys.js";
import { parseJson } from "../../../src/mistral/json-value.js";
import { formatFault } from "../../../src/policy/faults.js";
import { readKeys } from "../../../src/policy/read-keys.js";
import { assertLine } from "../laws.js";
import type { Target } from "../target.js";

const ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export const KEYS: readonly Target[] = [
  {
    name: "key-files",
    law: "a key, certificates that go together, or a line that shows nothing of what was there",
    words: [
      ...["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n", "\n", "MII"],
      ...[
        "-----BEGIN EC PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        "-----",
        "\x00",
        "\xff",
        " ",
        "==",
      ],
    ],
    async run(bytes) {
      const directory = mkdtempSync(join(ROOT, "keys-"));
      try {
        const file = join(directory, "pem");
        writeFileSync(file, bytes);
        const key = await readKeyFile(file);
        if (key.kind === "none") assertLine(key.why);
        else assert.match(key.key, /^[!-~]{1,512}$/);
        certificatesIn(bytes);
        const pair = await readTlsFiles({ certFile: file, keyFile: file, clientCaFile: file });
        if (pair.kind === "good") assert.ok(Number.isFinite(pair.value.from) && Number.isFinite(pair.value.until));
        else assertLine(pair.why);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  },
  {
    name: "keys-file",
    law: "a keys file, or faults of one line each, in the order of the file",
    words: [
      ...["version: 1\n", "mistral:", "rotation:", "audit:", "upstream:", "workspace:", "owner:", "sink:", "vault:"],
      ...["kubernetes:", "command:", "file:", "env:", "key:", "mode:", '"0640"', "90d", "1d12h", "https://a.example"],
      ...["\n", "\n  ", "\n    ", "- ", ": ", ", ", "{", "}", "[", "]", "&a ", "*a", "__proto__", "null", "\u0000"],
    ],
    mostBytes: 16 * 1024,
    run(bytes) {
      const read = readKeys(bytes, "k", new Set(["dev"]));
      if (read.kind === "ok") {
        for (const name of read.keys.upstream.keys()) assert.equal(name, "dev");
        return;
      }
      assert.ok(read.faults.length > 0);
      for (const fault of read.faults) assertLine(formatFault(fault));
      const places = read.faults.map(({ line, column }) => line * 1e7 + column);
      assert.deepEqual(
        places,
        [...places].sort((left, right) => left - right),
      );
    },
  },
  {
    name: "admin-keys",
    law: "keys with ids and times that a calendar has, or nothing",
    words: [
      ...['{"keys":[', '{"data":[', '"key_id":"a"', '"id":1', '"last_used":', '"last_used_at":', '"created_at":'],
      ...['"2026-11-20"', '"2026-11-20T09:30:00.123456+02:00"', "null", "1e300", "-1", "{", "}", "[", "]", ",", ":"],
      ...['"hidden_key":"HQSx...Ug6Y"', '"workspace":{"id":"w"}', '"expiration_date":', '"key":"0123456789"'],
    ],
    run(bytes) {
      const body = parseJson(bytes.toString("utf8"));
      const { secret } = readMadeKey(body);
      assert.ok(secret === undefined || /^[!-~]{8,512}$/.test(secret));
      for (const { id, createdAt, expiresAt } of readKeyPage(body) ?? []) {
        assert.notEqual(id, "");
        for (const at of [createdAt, expiresAt]) if (at !== undefined) new Date(at).toISOString();
      }
    },
  },
];
