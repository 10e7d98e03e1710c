import type { KeyOrder, KeyProbe, KeyProvider, ListedKey, SecretSink } from "../../../src/app/key-ports.js";
import type { Clock } from "../../../src/app/ports.js";
import type { EpochMs } from "../../../src/domain/units.js";

interface Kept {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly secret: string;
  readonly createdAt: EpochMs;
  isAlive: boolean;
  usedAt: EpochMs | undefined;
}

/** How a provider tells when a key was used last. */
export type Tells = "instants" | "days" | "nothing";

/** A provider of keys in memory, with the ways of a real one: a secret is told once, uses are told by the day. */
export class MemoryProvider implements KeyProvider, KeyProbe {
  readonly #clock: Clock;
  readonly #keys: Kept[] = [];
  tells: Tells = "instants";
  /** Whether it takes keys that it made from now on. */
  takesNewKeys = true;
  /** What every call is answered by; undefined: as it should be. */
  fault: { readonly kind: "unavailable" | "refused" | "unknown"; readonly why: string } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Make a key beforehand. @returns its id and its secret. */
  seed(name: string, workspace = "m-dev"): { readonly id: string; readonly secret: string } {
    const id = `k${this.#keys.length + 1}`;
    const secret = `sec${this.#keys.length + 1}`.padEnd(28, "x") + `Ug${this.#keys.length + 1}`.padStart(4, "e");
    const createdAt = this.#clock.now();
    this.#keys.push({ id, name, workspace, secret, createdAt, isAlive: true, usedAt: undefined });
    return { id, secret };
  }

  async list() {
    if (this.fault) return this.fault;
    const keys = this.#keys.filter(({ isAlive }) => isAlive).map((key) => this.#listed(key));
    return { kind: "keys", keys } as const;
  }

  async create({ name, workspace }: KeyOrder) {
    if (this.fault) return this.fault;
    const { id, secret } = this.seed(name, workspace);
    return { kind: "made", key: { id, name, secret, expiresAt: undefined } } as const;
  }

  async revoke(id: string) {
    if (this.fault) return this.fault;
    for (const key of this.#keys) if (key.id === id) key.isAlive = false;
    return { kind: "revoked" } as const;
  }

  async verify(secret: string) {
    if (this.fault) return { kind: "unknown", why: "no answer" } as const;
    const isNew = this.#keys.findIndex((key) => key.secret === secret) > 0;
    if (isNew && !this.takesNewKeys) return { kind: "rejected", why: "HTTP 401" } as const;
    return this.use(secret) ? ({ kind: "works" } as const) : ({ kind: "rejected", why: "HTTP 401" } as const);
  }

  /** Call Mistral with a secret. @returns whether it was taken. */
  use(secret: string | undefined): boolean {
    const key = this.#keys.find((one) => one.secret === secret && one.isAlive);
    if (key) key.usedAt = this.#clock.now();
    return key !== undefined;
  }

  alive(): readonly string[] {
    return this.#keys.filter(({ isAlive }) => isAlive).map(({ id }) => id);
  }

  names(): readonly string[] {
    return this.#keys.map(({ name }) => name);
  }

  secrets(): readonly string[] {
    return this.#keys.map(({ secret }) => secret);
  }

  idOf(secret: string | undefined): string | undefined {
    return this.#keys.find((key) => key.secret === secret)?.id;
  }

  #listed({ id, name, workspace, secret, createdAt, usedAt }: Kept): ListedKey {
    const mask = `${secret.slice(0, 4)}...${secret.slice(-4)}`;
    const lastUse = this.#lastUse(usedAt);
    return { id, name, workspace: { id: workspace, name: undefined }, mask, createdAt, expiresAt: undefined, lastUse };
  }

  #lastUse(at: EpochMs | undefined): ListedKey["lastUse"] {
    if (this.tells === "nothing") return { kind: "unknown" };
    if (at === undefined) return { kind: "never" };
    return this.tells === "instants" ? { kind: "instant", at } : { kind: "day", start: at - (at % 86_400_000) };
  }
}

/** A sink in memory. */
export class MemorySink implements SecretSink {
  readonly place = "memory";
  secret: string | undefined;
  givesBack = true;
  fails: string | undefined;

  async store(secret: string) {
    if (this.fails !== undefined) return { kind: "failed", why: this.fails } as const;
    this.secret = secret;
    return { kind: "stored" } as const;
  }

  async read() {
    if (!this.givesBack) return { kind: "unreadable", why: "it gives nothing back" } as const;
    return this.secret === undefined
      ? ({ kind: "empty" } as const)
      : ({ kind: "secret", secret: this.secret } as const);
  }
}
