import type { KeyFault } from "../../app/key-ports.js";
import type { Bill, SpendLimit } from "../../domain/bill.js";
import type { AdminApi } from "../../domain/keys-file.js";
import { adminFault, misread } from "./admin-fault.js";
import { adminHeaders } from "./admin-headers.js";
import { askAgain, type Wire } from "./exchange.js";
import { readSpendLimit, readUsage } from "./read-usage.js";

export interface AdminBillsOptions {
  readonly api: Pick<AdminApi, "dialect" | "url" | "auth">;
  /** The admin key itself. */
  readonly key: string;
  readonly wire: Wire;
}

/** A calendar month as Mistral counts them: in UTC. */
export interface Month {
  readonly year: number;
  /** From 1. */
  readonly month: number;
}

const BY_HAND = "without it, hold windbreak usage --top --by workspace against the usage page of Mistral's console";

/** Why the bill is not to be had, in place of what is said of keys. */
const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [403, `the Admin API is for Enterprise organizations and their admin keys; ${BY_HAND}`],
  [404, `there is no Admin API at this address, see mistral.url of the keys file; ${BY_HAND}`],
]);

/** What Mistral bills and lets spend, by its Admin API. Answers are read with tolerance: the API is a preview. */
export class AdminBills {
  readonly #options: AdminBillsOptions;
  readonly #root: string;

  constructor(options: AdminBillsOptions) {
    const { dialect, url } = options.api;
    this.#options = options;
    // The older descriptions know keys alone, and name their place without /admin.
    this.#root = dialect === "admin" ? url : `${url}/admin`;
  }

  /** Read what was used in a month. @param workspace Mistral's id of it; left out: of all. */
  async usage(
    { year, month }: Month,
    workspace?: string,
  ): Promise<{ readonly kind: "bill"; readonly bill: Bill } | KeyFault> {
    const query = new URLSearchParams({ month: String(month), year: String(year) });
    if (workspace !== undefined) query.set("workspace_id", workspace);
    const asked = await this.#ask("usage", `?${query}`, readUsage);
    return asked.kind === "read" ? { kind: "bill", bill: asked.value } : asked;
  }

  /** Read what Mistral itself lets the organization spend in this month. */
  async spendLimit(): Promise<{ readonly kind: "limit"; readonly limit: SpendLimit } | KeyFault> {
    const asked = await this.#ask("spend-limit", "", readSpendLimit);
    return asked.kind === "read" ? { kind: "limit", limit: asked.value } : asked;
  }

  async #ask<T>(
    path: string,
    query: string,
    read: (body: unknown) => T | undefined,
  ): Promise<{ readonly kind: "read"; readonly value: T } | KeyFault> {
    const { api, key, wire } = this.#options;
    const place = `${this.#root}/${path}`;
    const headers = adminHeaders(api.auth, key);
    const answered = await askAgain(wire, { method: "GET", url: `${place}${query}`, headers });
    if (answered.kind === "answer" && answered.status === 200) {
      const value = read(answered.body);
      return value === undefined
        ? misread(place, `nothing of ${path} that this version can read`)
        : { kind: "read", value };
    }
    const remedy = answered.kind === "answer" ? UNAVAILABLE.get(answered.status) : undefined;
    if (answered.kind === "answer" && remedy !== undefined) {
      return { kind: "unavailable", why: `${place} answers ${answered.status}; ${remedy}` };
    }
    return adminFault(answered, place, key);
  }
}
