/** One amount of a month, as Mistral's Admin API tells it. */
export interface UsageWords {
  readonly category?: "completion" | "ocr" | "audio" | "chat" | "connectors";
  readonly model?: string;
  readonly group?: string;
  /** Left out: the entry does not say. */
  readonly event?: string;
  readonly used: number;
  readonly paid?: number;
}

const EMPTY = { models: {} };

/** A price of the answer. */
export function priceOf(metric: string, group: string, price: number | string, more: object = {}): object {
  const rest = { event_type: "api_tokens", api_zone: "global", service_tier: "standard", ...more };
  return { billing_metric: metric, billing_group: group, price, ...rest };
}

/** What `GET /v1/admin/usage` answers: every category, and in lists by model what was used of it. */
export function usageAnswer(used: readonly UsageWords[], prices: readonly object[] | null, more: object = {}): object {
  const categories: Record<string, { models: Record<string, Record<string, object[]>> }> = {};
  for (const { category = "completion", model = "mistral-small-2603", group = "input", ...one } of used) {
    const named = `mistral-small-latest::${model}`;
    const models = categories[category]?.models ?? {};
    const groups = models[named] ?? {};
    const entry = {
      billing_metric: model,
      billing_group: group,
      billing_display_name: "mistral-small-latest",
      timestamp: "2026-11-10",
      value: one.used,
      value_paid: one.paid ?? one.used,
      ...(one.event === undefined ? {} : { event_type: one.event }),
    };
    const grown = { ...groups, [group]: [...(groups[group] ?? []), entry] };
    categories[category] = { models: { ...models, [named]: grown } };
  }
  return {
    completion: EMPTY,
    chat: EMPTY,
    ocr: EMPTY,
    audio: EMPTY,
    audio_characters: EMPTY,
    connectors: EMPTY,
    libraries_api: { pages: EMPTY, tokens: EMPTY, audio_seconds: EMPTY },
    fine_tuning: { training: {}, storage: {} },
    vibe_usage: 0,
    vibe_code: {},
    date: "2026-11-22T00:00:00Z",
    start_date: "2026-11-01T00:00:00Z",
    end_date: "2026-11-30T23:59:59Z",
    currency: "USD",
    currency_symbol: "$",
    ...categories,
    prices,
    ...more,
  };
}
