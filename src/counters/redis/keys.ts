import type { RequestScope } from "../memory/reservations.js";

/** Of what is stored. Another layout takes another number, and leaves what it finds of this one to expire. */
const FORMAT = 1;

/**
 * The names of all keys of one organization.
 *
 * They carry one hash tag, so that each decision is one script in one slot. Workspaces, principals and request_ids are
 * joined by spaces, which none of them holds; and no organization's name holds a brace.
 */
export class Keys {
  /** A hash: the counters of organization, workspaces and shared roles. */
  readonly shared: string;
  /** Patterns of all principals' hashes, and of all reservations' records. */
  readonly owns: string;
  readonly records: string;
  readonly #prefix: string;

  constructor(organization: string) {
    this.#prefix = `wb${FORMAT}:{${organization}}:`;
    this.shared = `${this.#prefix}s`;
    this.owns = `${this.#prefix}p:*`;
    this.records = `${this.#prefix}r:*`;
  }

  /** A hash: the counters of one principal. */
  own(principal: string): string {
    return `${this.#prefix}p:${principal}`;
  }

  /** The principal whose hash a key names. */
  principalOf(key: string): string {
    return key.slice(this.owns.length - 1);
  }

  /** The record of one reservation. */
  record({ workspace, principal }: RequestScope, requestId: string): string {
    return `${this.#prefix}r:${workspace} ${principal} ${requestId}`;
  }

  /** Whose reservation a key names. */
  recordNameOf(key: string): RequestScope & { readonly requestId: string } {
    const [workspace = "", principal = "", requestId = ""] = key.slice(this.records.length - 1).split(" ");
    return { workspace, principal, requestId };
  }

  /** A hash: what was used on one day, by its label. `lua/totals.lua` makes the same name. */
  day(label: number): string {
    return `${this.#prefix}t:${label}`;
  }

  /** What usage without a reservation is remembered by. */
  once(onceKey: string): string {
    return `${this.#prefix}u:${onceKey}`;
  }

  /** What a probe writes. Another key each time, as decisions do: a slot that moves to another server refuses those. */
  probe(nth: number): string {
    return `${this.#prefix}probe:${nth}`;
  }

  /** Says that an alert is being told, or was. */
  alert(id: string): string {
    return `${this.#prefix}a:${id}`;
  }

  /** A hash: when keys were used last. */
  get uses(): string {
    return `${this.#prefix}k`;
  }

  /** Where one replica at a time says that it looks after alerts. */
  get alertLead(): string {
    return `${this.#prefix}alerts`;
  }

  /** A hash: how far the rotation of each workspace's key has come. */
  get rotations(): string {
    return `${this.#prefix}rotations`;
  }

  /** Where one process at a time says that it rotates a workspace's key. */
  rotating(workspace: string): string {
    return `${this.#prefix}rotating:${workspace}`;
  }

  /** Where one replica at a time says that it looks for drift. */
  get lease(): string {
    return `${this.#prefix}drift`;
  }
}
