import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { httpCall } from "../support/envoy/http-call.js";
import { envoyAmong, surroundings } from "../support/envoy/stage.js";
import { eventually } from "../support/eventually.js";
import { startProcess } from "./running-process.js";
import { temporaryDirectory } from "./running-service.js";

export const CHAT = "/v1/chat/completions";
export const KEY = "key-of-mistral-01";
export const TOKENS = "roles.reviewer.tokens_per_day";
export const REQUESTS = "workspaces.reviews.requests_per_day";

/** A chat call's body. */
export function question(more: object = {}): object {
  const messages = [{ role: "user", content: "Count." }];
  return { model: "mistral-small-latest", max_tokens: 50, messages, ...more };
}

/** The policy of these tests, with Mistral's key in a file of its own. */
export function guardedPolicy({ requests = 1000, models = "[mistral-small-latest, mistral-embed]" } = {}) {
  const keyFile = join(temporaryDirectory(), "mistral.key");
  writeFileSync(keyFile, `${KEY}\n`);
  const text = policyText(requests, models, keyFile);
  return { text, keyFile, edited: (other: number) => policyText(other, models, keyFile) };
}

function policyText(requests: number, models: string, keyFile: string): string {
  return `
version: 1
organization: acme
workspaces:
  reviews:
    models: ${models}
    limits: { requests_per_day: ${requests} }
    upstream_key: { file: ${keyFile} }
roles:
  reviewer: { models: ["*"], limits: { tokens_per_day: 1_000_000_000, tokens_per_request: 20_000 } }
principals:
  ci-reviewer:
    role: reviewer
    workspace: reviews
    credentials: [{ spiffe: spiffe://acme/ns/search/sa/default }]
`;
}

/** A real Envoy with deploy/envoy/sidecar.yaml, between its callers and Mistral, guarded by the built service. */
export async function guardedSidecar(version: string, policy = guardedPolicy()) {
  const around = await surroundings();
  const flags = ["--listen-envoy", `unix:${around.socket}`, "--state", join(temporaryDirectory(), "state")];
  const start = () => startProcess(policy.text, { flags });
  const windbreak = await start();
  const envoy = await envoyAmong(around, { version, bootstrap: "sidecar", windbreak: around.socket });
  return {
    ...around,
    policy,
    windbreak,
    envoy,
    /** Begin again after its end, on the same socket and directory. */
    again: start,
    call: (body: unknown = question(), headers: Readonly<Record<string, string | string[]>> = {}) =>
      httpCall({ port: envoy.port, path: CHAT, body, headers }),
  };
}

type Windbreak = Pick<Awaited<ReturnType<typeof startProcess>>, "client">;

/** Expect what a limit of the caller's comes to, used/reserved, as soon as what was answered has been settled. */
export async function settles({ client }: Windbreak, name: string, expected: string): Promise<void> {
  await eventually(async () => expect(await standing(client, name)).toBe(expected));
}

/** used/reserved. */
export async function standing(client: Windbreak["client"], name: string): Promise<string> {
  const { limits } = await client.checkBudget({ principal: { id: "ci-reviewer" } });
  const limit = limits.find((one: { name: string }) => one.name === name);
  return `${limit?.used}/${limit?.reserved}`;
}
