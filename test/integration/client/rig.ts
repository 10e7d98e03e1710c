import { Mistral, type SDKOptions } from "@mistralai/mistralai";
import type { GuardOptions, Settled, Verdict } from "../../../src/client/client.js";
import { createWindbreakClient, withWindbreak } from "../../../src/client/client.js";
import { ANSWERS } from "../../support/mistral/answers.js";
import { type Answers, ReplayServer } from "../../support/mistral/replay-server.js";
import { startProcess } from "../running-process.js";
import { afterwards, temporaryDirectory } from "../running-service.js";

const WHO = { principal: "indexer", role: "service", workspace: "search" } as const;

/** What every guarded client asks for: three tokens, which cost 10 x 150 + 3 x 600 nano-USD. */
export const CHAT = { model: "mistral-small-latest", messages: [{ role: "user" as const, content: "Count." }] };
export const COST = 3_300;
/** Of one token of output. */
export const OUTPUT_NANO_USD = 600;
export const INPUT_NANO_USD = 150;

/** A backoff that tries at once, so that a test sees many tries. */
export const EAGER = {
  strategy: "backoff" as const,
  backoff: { initialInterval: 1, maxInterval: 2_000, exponent: 1, maxElapsedTime: 15_000 },
  retryConnectionErrors: true,
};

export interface RigOptions {
  /** Of the workspace, as YAML: `{ usd_per_month: 10 }`. */
  readonly limits?: string;
  readonly answers?: Answers;
  readonly guard?: GuardOptions;
  readonly sdk?: SDKOptions;
}

/** The built service, Mistral as far as it can be replayed, and Mistral's own client guarded between them. */
export async function rig({ limits = "{ usd_per_month: 10 }", answers = {}, guard = {}, sdk = {} }: RigOptions = {}) {
  const policy = `
version: 1
organization: acme
workspaces: { search: { models: ["*"], limits: ${limits} } }
roles: { service: { models: ["*"] } }
`;
  const socket = `unix:${temporaryDirectory()}/windbreak.sock`;
  const flags = ["--state", temporaryDirectory()];
  const start = () => startProcess(policy, { listen: socket, admin: "", flags });
  const service = await start();
  const mistral = await ReplayServer.start({ answers: { ...ANSWERS, ...answers } });
  const verdicts: Verdict[] = [];
  const settled: Settled[] = [];
  const client = withWindbreak(new Mistral({ apiKey: "any", serverURL: mistral.url, ...sdk }), {
    ...WHO,
    address: socket,
    // A busy machine is no sidecar that is away.
    timeoutMs: 10_000,
    onDecision: (verdict) => void verdicts.push(verdict),
    onSettled: (one) => void settled.push(one),
    ...guard,
  });
  const windbreak = createWindbreakClient({ address: socket });
  afterwards(() => windbreak.close());
  afterwards(() => client.windbreak.close());
  return {
    service,
    /** The same service again, after its end. */
    restart: start,
    mistral,
    client,
    windbreak,
    verdicts,
    settled,
    /** How a limit of the workspace stands once all is settled. */
    standing: async (key = "usd_per_month") => {
      await client.windbreak.settled();
      const { limits: all } = await windbreak.checkBudget(WHO);
      const found = all.find(({ name }) => name === `workspaces.search.${key}`);
      return found && { used: found.used, reserved: found.reserved };
    },
  };
}

/** What Windbreak reserved for the calls that it allowed, in their order. */
export function reservedBy(verdicts: readonly Verdict[]) {
  return verdicts.flatMap((verdict) => {
    if (verdict.kind !== "allowed") return [];
    const { estimatedCostNanoUsd, maxOutputTokens } = verdict.decision;
    return [{ cost: estimatedCostNanoUsd, inputCost: estimatedCostNanoUsd - maxOutputTokens * OUTPUT_NANO_USD }];
  });
}
