import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A policy with a limit of every kind that tables show. */
export const POLICY = `version: 1
organization: acme
limits: { usd_per_month: 3000 }
workspaces:
  dev:
    models: [mistral-small-latest, codestral-latest, mistral-embed]
    limits: { requests_per_minute: 2, usd_per_month: 50 }
  prod:
    models: ["*"]
    limits: { concurrent_requests: { ceiling: 1, on_exceed: shadow } }
roles:
  developer:
    models: [mistral-small-latest, codestral-latest, mistral-embed]
    limits: { tokens_per_request: 2000, tokens_per_day: 500_000 }
  senior:
    models: ["*"]
    limits: { tokens_per_request: 4000 }
principals:
  search-service: { role: senior, workspace: prod, models: [mistral-embed], limits: { usd_per_day: 20 } }
  retired-service: { role: senior, workspace: prod, disabled: true }
`;

/** Make a directory that goes with the test. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "cli-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Write a policy file that goes with the test. @returns its path. */
export function policyFile(text = POLICY): string {
  const path = join(directory(), "policy.yaml");
  writeFileSync(path, text);
  return path;
}
