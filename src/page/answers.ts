// What the admin port answers, as far as the page reads it. Numbers of 64 bits are strings.

/** A limit as it stands. */
export interface LimitRow {
  readonly name: string;
  readonly metric: string;
  readonly window: string;
  readonly ceiling: string;
  readonly used: string;
  readonly reserved: string;
  readonly resets_at?: string;
  readonly scope_id: string;
  readonly shadow: boolean;
  readonly workspace: string;
  readonly principal: string;
}

/** A page of `/v1/limits`. */
export interface LimitsPage {
  readonly limits: readonly LimitRow[];
  readonly next?: string;
}

/** A limit that each principal of a role has for itself. */
export interface RoleLimit {
  readonly name: string;
  readonly metric: string;
  readonly window: string;
  readonly ceiling: string;
  readonly shadow: boolean;
  readonly role: string;
}

/** `/v1/budgets` */
export interface Budgets {
  readonly policy_revision: string;
  readonly limits: readonly LimitRow[];
  readonly of_each_principal: readonly RoleLimit[];
}

/** `/v1/overview` */
export interface Overview {
  readonly status: "ready" | "not_ready";
  readonly policy: "current" | "stale" | null;
  readonly policy_revision: string | null;
  readonly policy_loaded_at: string | null;
  readonly policy_reloads: { readonly ok: number; readonly failed: number };
  readonly faults: readonly string[];
  readonly store: "up" | "down";
  readonly draining: boolean;
  readonly version: string;
  readonly now: string;
  readonly started_at: string;
  readonly organization: string | null;
  readonly timezone: string | null;
}

/** `/v1/decisions` */
export interface Rates {
  readonly step_seconds: number;
  readonly from: string;
  readonly counts: Readonly<Record<string, readonly number[]>>;
}

/** One of `/v1/denials`. */
export interface Denial {
  readonly number: string;
  readonly time: string;
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  readonly model: string;
  readonly reason: string;
  readonly message: string;
  readonly limits: readonly string[];
}

/** `/v1/denials` */
export interface Denials {
  readonly denials: readonly Denial[];
}

/** What one principal used. */
export interface Spender {
  readonly principal: string;
  readonly requests: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_nano_usd: string;
}

/** `/v1/usage?by=principal` */
export interface Usage {
  readonly from: string;
  readonly to: string;
  readonly usage: readonly Spender[];
  readonly others: Omit<Spender, "principal"> & { readonly count: number };
  readonly total: Omit<Spender, "principal">;
}

/** What was decided for a principal, or settled. */
export interface Happening {
  readonly time: string;
  readonly outcome: string;
  readonly workspace: string;
  readonly model: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_nano_usd: string;
}

/** `/v1/principals` */
export interface PrincipalView {
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  readonly listed: boolean;
  readonly limits: readonly LimitRow[] | null;
  readonly limits_missing?: string;
  readonly history: readonly Happening[];
}
