import type { KeyFault, KeyProvider, SecretSink } from "./key-ports.js";

/** Secrets that have passed through, so that no text of others' that repeats one is passed on. */
export class KnownSecrets {
  readonly #secrets = new Set<string>();

  /** Let a sink be read and written, noting what passes. */
  noting(sink: SecretSink): SecretSink {
    return {
      place: sink.place,
      read: async () => {
        const held = await sink.read();
        if (held.kind === "secret") this.#secrets.add(held.secret);
        return held.kind === "unreadable" ? { ...held, why: this.#clean(held.why) } : held;
      },
      store: async (secret) => {
        this.#secrets.add(secret);
        const stored = await sink.store(secret);
        return stored.kind === "failed" ? { ...stored, why: this.#clean(stored.why) } : stored;
      },
    };
  }

  /** Let a provider be asked. A fault may tell what the provider answered, and that may be anything. */
  keptFrom(provider: KeyProvider): KeyProvider {
    const cleaned = <T extends { readonly kind: string }>(answer: T | KeyFault): T | KeyFault =>
      "why" in answer ? { ...answer, why: this.#clean(answer.why) } : answer;
    return {
      list: async () => cleaned(await provider.list()),
      create: async (order) => {
        const made = await provider.create(order);
        if (made.kind === "made") this.#secrets.add(made.key.secret);
        return cleaned(made);
      },
      revoke: async (id) => cleaned(await provider.revoke(id)),
    };
  }

  #clean(text: string): string {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "…");
    return cleaned;
  }
}
