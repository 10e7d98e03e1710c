import type { KeyFault, KeyOrder, KeyProvider, ListedKey, MadeKey } from "../../app/key-ports.js";
import type { AdminApi, Dialect } from "../../domain/keys-file.js";
import { adminFault, misread } from "./admin-fault.js";
import { adminHeaders } from "./admin-headers.js";
import { type Answered, type Asked, ask, askAgain, type Wire } from "./exchange.js";
import { PAGE_SIZE, readAll } from "./read-all.js";
import { readKeyPage, readMadeKey } from "./read-keys.js";

export interface AdminKeysOptions {
  readonly api: Pick<AdminApi, "dialect" | "url" | "auth">;
  /** The admin key itself. */
  readonly key: string;
  readonly wire: Wire;
}

/** What a new key's fields are called; undefined: the dialect has none. */
const FIELDS: Readonly<
  Record<Dialect, { readonly workspace: string; readonly owner?: string; readonly expiration?: string }>
> = {
  admin: { workspace: "workspace_uuid", owner: "user_id", expiration: "expiration" },
  document: { workspace: "workspace_id" },
};

/**
 * Mistral's keys, by its Admin API.
 *
 * Answers are read with tolerance, because the API is a preview whose fields change; what is sent is as the dialect
 * says. Listing and revoking are tried again where that may help, making never is: a second key could be made. No fault
 * shows the admin key or a new one.
 */
export class AdminKeys implements KeyProvider {
  readonly #options: AdminKeysOptions;
  readonly #place: string;

  constructor(options: AdminKeysOptions) {
    this.#options = options;
    this.#place = `${options.api.url}/api-keys`;
  }

  async list(): Promise<{ readonly kind: "keys"; readonly keys: readonly ListedKey[] } | KeyFault> {
    const all = await readAll((offset) => this.#page(offset));
    return all.kind === "endless" ? misread(this.#place, "a list that has no end") : all;
  }

  async create(order: KeyOrder): Promise<{ readonly kind: "made"; readonly key: MadeKey } | KeyFault> {
    const { api, wire } = this.#options;
    const { workspace, owner, expiration } = FIELDS[api.dialect];
    if (order.expiresAt !== undefined && expiration === undefined) {
      return { kind: "refused", why: `the dialect ${api.dialect} does not say when a key ends; leave its end out` };
    }
    const body = {
      name: order.name,
      [workspace]: order.workspace,
      ...(owner === undefined || order.owner === undefined ? {} : { [owner]: order.owner }),
      ...(expiration === undefined || order.expiresAt === undefined
        ? {}
        : { [expiration]: new Date(order.expiresAt).toISOString().slice(0, 10) }),
    };
    const answered = await ask(wire, this.#asked("POST", this.#place, body));
    if (!isDone(answered)) return this.#fault(answered);
    const { id, secret, expiresAt } = readMadeKey(answered.body);
    if (id !== undefined && secret !== undefined) {
      return { kind: "made", key: { id, name: order.name, secret, expiresAt } };
    }
    return misread(this.#place, `${answered.status} and without a key's id and secret, though one may have been made`);
  }

  async revoke(id: string): Promise<{ readonly kind: "revoked" } | KeyFault> {
    // As a part of a path it would lead elsewhere.
    if (/^\.{0,2}$/.test(id))
      return { kind: "refused", why: `"${id}" is no key's id; see windbreak keys list --upstream` };
    const asked = this.#asked("DELETE", `${this.#place}/${encodeURIComponent(id)}`);
    const answered = await askAgain(this.#options.wire, asked);
    if (answered.kind === "answer" && answered.status === NOT_FOUND) return this.#isGone(id);
    return isDone(answered) ? { kind: "revoked" } : this.#fault(answered);
  }

  /** Whether 404 means that the key is gone, or that this is not the Admin API: the list tells. */
  async #isGone(id: string): Promise<{ readonly kind: "revoked" } | KeyFault> {
    const listed = await this.list();
    if (listed.kind !== "keys") return listed;
    if (!listed.keys.some((key) => key.id === id)) return { kind: "revoked" };
    return {
      kind: "refused",
      why: `${this.#place} lists the key ${id}, and cannot revoke it; revoke it in Mistral's console`,
    };
  }

  async #page(offset: number): Promise<{ readonly kind: "keys"; readonly keys: readonly ListedKey[] } | KeyFault> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), offset: String(offset) });
    const answered = await askAgain(this.#options.wire, this.#asked("GET", `${this.#place}?${query}`));
    if (!isDone(answered)) return this.#fault(answered);
    const keys = readKeyPage(answered.body);
    return keys ? { kind: "keys", keys } : misread(this.#place, "no list of keys that this version can read");
  }

  #asked(method: Asked["method"], url: string, body?: object): Asked {
    const { api, key } = this.#options;
    return { method, url, headers: adminHeaders(api.auth, key), ...(body && { body }) };
  }

  #fault(answered: Answered): KeyFault {
    return adminFault(answered, this.#place, this.#options.key);
  }
}

const NOT_FOUND = 404;

/** 200, 201 and 204 have all been seen. */
function isDone(answered: Answered): answered is Extract<Answered, { readonly kind: "answer" }> {
  return answered.kind === "answer" && answered.status >= 200 && answered.status < 300;
}
