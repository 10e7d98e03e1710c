import type { Answer } from "./ask.js";

/** Something that is asked for again and again. */
export interface Watched {
  readonly everyMs: number;
  /** Asks, shows what came, and says what it was. */
  readonly look: () => Promise<Answer<unknown>["kind"]>;
}

/** How the page stands with the service. */
export type Contact =
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly since: number; readonly nextAt: number }
  | { readonly kind: "token_wanted" }
  | { readonly kind: "paused" };

const TURN_MS = 250;
const LONGEST_MS = 10_000;

/** Looks at each thing when its time has come; rests while the page is hidden, and ever longer while nobody answers. */
export class Watch {
  readonly #watched: readonly Watched[];
  readonly #tell: (contact: Contact) => void;
  readonly #dueAt = new Map<Watched, number>();
  #answeredAt = Date.now();
  #pauseMs = 0;
  #waitUntil = 0;
  #isLooking = false;
  #wantsToken = false;

  /** @param tell told of the contact after each look. */
  constructor(watched: readonly Watched[], tell: (contact: Contact) => void) {
    this.#watched = watched;
    this.#tell = tell;
  }

  start(): void {
    setInterval(() => void this.#turn(), TURN_MS);
    document.addEventListener("visibilitychange", () => void this.#turn());
    void this.#turn();
  }

  /** Look at everything now: something that matters has changed. */
  lookNow(): void {
    this.#dueAt.clear();
    this.#waitUntil = 0;
    this.#wantsToken = false;
    void this.#turn();
  }

  async #turn(): Promise<void> {
    if (document.hidden) this.#tell({ kind: "paused" });
    if (document.hidden || this.#isLooking || this.#wantsToken || Date.now() < this.#waitUntil) return;
    const now = Date.now();
    const due = this.#watched.filter((one) => (this.#dueAt.get(one) ?? 0) <= now);
    if (due.length === 0) return;
    for (const one of due) this.#dueAt.set(one, now + one.everyMs);
    this.#isLooking = true;
    try {
      this.#judge(await Promise.all(due.map(({ look }) => look())));
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(kinds: readonly Answer<unknown>["kind"][]): void {
    if (kinds.includes("token_wanted")) {
      this.#wantsToken = true;
      this.#tell({ kind: "token_wanted" });
    } else if (kinds.includes("no_answer")) {
      this.#pauseMs = Math.min(LONGEST_MS, this.#pauseMs === 0 ? 1_000 : this.#pauseMs * 2);
      this.#waitUntil = Date.now() + this.#pauseMs;
      this.#dueAt.clear();
      this.#tell({ kind: "lost", since: this.#answeredAt, nextAt: this.#waitUntil });
    } else {
      this.#pauseMs = 0;
      this.#answeredAt = Date.now();
      this.#tell({ kind: "live" });
    }
  }
}
