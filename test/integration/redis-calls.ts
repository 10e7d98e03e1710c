import type { Answer, connect } from "./running-service.js";

type Client = ReturnType<typeof connect>;

/** Each call of 100 tokens at 1000 nano-USD a token: room for ten in a day, by requests, by tokens or by money. */
export const ROOM = 10;
export const POLICY = `
version: 1
organization: acme
workspaces:
  strict: { models: ["*"] }
  lenient: { models: ["*"], on_store_failure: allow }
  returning: { models: ["*"], unsettled: release }
roles:
  requests: { models: ["*"], limits: { requests_per_day: ${ROOM} } }
  tokens: { models: ["*"], limits: { tokens_per_day: ${100 * ROOM} } }
  money: { models: ["*"], limits: { usd_per_day: ${0.0001 * ROOM} } }
  quick: { models: ["*"], limits: { requests_per_second: 20 } }
  many: { models: ["*"], limits: { requests_per_day: 500 } }
  mixed:
    models: ["*"]
    limits:
      tokens_per_minute: 1_000_000
      requests_per_hour: 1_000
      usd_per_week: 10
      output_tokens_per_month: 1_000_000
      concurrent_requests: 100
      input_tokens_per_day: { ceiling: 1_000_000, shared_by: role }
  free: { models: ["*"], limits: { requests_per_day: 1_000_000 } }
models:
  even: { endpoints: [chat_completions], prices: { input: 1, output: 1 } }
`;

export interface Who {
  readonly id?: string;
  readonly role?: "requests" | "tokens" | "money" | "quick" | "free" | "many" | "mixed";
  readonly workspace?: "strict" | "lenient" | "returning";
}

/** `ann`, whose requests are counted, in the workspace that denies while the store is away, unless said otherwise. */
export function principal({ id = "ann", role = "requests", workspace = "strict" }: Who = {}) {
  return { id, role, workspace };
}

/** A call of 100 tokens. */
export function question(who: Who = {}, requestId = "") {
  return {
    request_id: requestId,
    principal: principal(who),
    model: "even",
    input_tokens: 60,
    max_output_tokens: 40,
  };
}

/** What one call of ten comes to by the limit that governs someone. */
export const ONE = { requests: 1, tokens: 100, money: 100_000, quick: 1, free: 1, many: 1, mixed: 100 } as const;

/** Used and reserved by the limit that governs someone, in its own unit. */
export async function standing(client: Client, who: Who = {}) {
  const { limits } = await client.checkBudget({ principal: principal(who) });
  const { used, reserved, ceiling } = limits[0];
  return { used: Number(used), reserved: Number(reserved), ceiling: Number(ceiling) };
}

/** Ask again and again until a call is refused by a limit. @returns what was allowed. */
export async function askTillFull(client: Client, who: Who = {}): Promise<readonly Answer[]> {
  const allowed: Answer[] = [];
  for (;;) {
    const answer = await client.authorize(question(who));
    if (!answer.allowed) {
      if (answer.reason === "REASON_STORE_UNAVAILABLE") throw new Error("the store is away");
      return allowed;
    }
    allowed.push(answer);
  }
}

/** Ask the clients in turn, all at once. A call that fails counts as undefined. */
export function askAll(clients: readonly Client[], calls: number, who: Who = {}): Promise<Answer | undefined>[] {
  return Array.from({ length: calls }, async (_, nth) => {
    const client = clients[nth % clients.length];
    return client?.authorize(question(who)).catch((error: unknown) => {
      if (error instanceof Error && "code" in error) return undefined;
      throw error;
    });
  });
}

/** Those that were allowed by the store, not in its absence. */
export function allowedOf(answers: readonly (Answer | undefined)[]): readonly Answer[] {
  return answers.filter((answer) => answer?.allowed && !answer.degraded);
}
