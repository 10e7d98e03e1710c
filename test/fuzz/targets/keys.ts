import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKeyFile } from "../../../src/keys/read-key.js";
import { certificatesIn, readTlsFiles } from "../../../src/keys/tls-files.js";
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
];
