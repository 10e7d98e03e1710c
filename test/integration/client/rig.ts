import { Mistral, type SDKOptions } from "@mistralai/mistralai";
import {
  createWindbreakClient,
  type GuardOptions,
  type Settled,
  type Verdict,
  withWindbreak,
} from "../../../src/client/client.js";
import { ANSWERS } from "../../support/mistral/answers.js";
import { type Answers, ReplayServer } from "../../support/mistral/replay-server.js";
import { afterwards, startService } from "../running-service.js";

/** Who calls; `declared`. */
export const WHO = { principal: "indexer", role: "service", workspace: "search" } as const;

/** What every guarded client asks for: three tokens, which cost 10 x 150 + 3 x 600 nano-USD. */
export const CHAT = { model: "mistral-small-latest", messages: [{ role: "user" as const, content: "Count." }] };
export const COST = 3_300;
/** Of one token of output. */
export const OUTPUT_NANO_USD = 600;

/** A backoff that tries at once, so that a test sees many tries. */
export const EAGER = {
  strategy: "backoff" as const,
  backoff: { initialInterval: 1, maxInterval: 2_000, exponent: 1, maxElapsedTime: 15_000 },
  retryConnectionErrors: true,
};

/** A policy with one workspace. @param limits as YAML: `{ usd_per_month: 10 }`. */
export function policyWith(limits: string): string {
  return `
version: 1
organization: acme
workspaces: { search: { models: ["*"], limits: ${limits} } }
roles: { service: { models: ["*"] } }
`;
}

export interface RigOptions {
  /** Of the workspace. */
  readonly limits?: string;
  /** Where a Windbreak listens already; one is started when left out. */
  readonly address?: string;
  readonly answers?: Answers;
  readonly guard?: GuardOptions;
  readonly sdk?: SDKOptions;
}

/** Windbreak, Mistral as far as it can be replayed, and Mistral's own client guarded between them. */
export async function rig({ limits = "{ usd_per_month: 10 }", answers = {}, guard = {}, sdk = {}, ...at }: RigOptions) {
  const address = at.address ?? (await startService(policyWith(limits))).address;
  const mistral = await ReplayServer.start({ answers: { ...ANSWERS, ...answers } });
  const verdicts: Verdict[] = [];
  const settled: Settled[] = [];
  const options: GuardOptions = {
    ...WHO,
    address,
    // A busy machine is no sidecar that is away.
    timeoutMs: 10_000,
    onDecision: (verdict) => void verdicts.push(verdict),
    onSettled: (one) => void settled.push(one),
    ...guard,
  };
  const client = withWindbreak(new Mistral({ apiKey: "any", serverURL: mistral.url, ...sdk }), options);
  const windbreak = createWindbreakClient({ address });
  afterwards(() => windbreak.close());
  afterwards(() => client.windbreak.close());
  return {
    options,
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
