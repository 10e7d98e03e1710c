import type { AlertTarget } from "../domain/alert.js";
import { alertsDue, isAboutPrincipals } from "../domain/alert-due.js";
import type { Policy } from "../domain/policy.js";
import type { EpochMs, Millis } from "../domain/units.js";
import type { AlertLog, AlertMarks, AlertNotice, Notifier } from "./alert-ports.js";
import type { Desk } from "./desk.js";
import { type ListedLimit, listLimits, readSharedLimits } from "./list-limits.js";

/** Longer than a notifier tries; what others wait after whoever had a mark died or failed. */
export const MARK_MS: Millis = 60_000;
/** What the other replicas wait before one of them looks in place of whoever stopped. */
const LEAD_MS: Millis = 30_000;
/** Principals' limits looked at in one round, so that thousands are gone through little by little. */
const LIMITS_A_ROUND = 500;
/** A store may have many pages without one: no more of them in a round. */
const PAGES_A_ROUND = 40;
/** Told at a time, of one target. */
const AT_ONCE = 8;

export interface AlertRoundOptions {
  readonly desk: Desk;
  readonly marks: AlertMarks;
  readonly notifier: Notifier;
  readonly log: AlertLog;
  /** Ends telling between two notices. */
  readonly stopped: AbortSignal;
}

/**
 * Looks at limits and tells of those that alerts are about: those that many share each time, principals' some at a time.
 *
 * Nothing is remembered here: what is due is read off the counters anew, so that a restart loses none. Of replicas, one
 * at a time looks. A target that hangs keeps no other waiting.
 */
export class AlertRounds {
  readonly #options: AlertRoundOptions;
  readonly #telling = new Map<string, Promise<void>>();
  #after = "";
  /** After it could tell nobody: another replica may be able to. */
  #restsUntil: EpochMs = 0;

  constructor(options: AlertRoundOptions) {
    this.#options = options;
  }

  /** Look once, and begin to tell what is due. */
  async run(): Promise<void> {
    const { desk, marks } = this.#options;
    const { policy } = desk.snapshot();
    if (policy.alerts.length === 0 || desk.clock.now() < this.#restsUntil) return;
    if ((await marks.lead(LEAD_MS)) !== true) return;
    const shared = await readSharedLimits(desk);
    if ("kind" in shared) return;
    const own = isAboutPrincipals(policy) ? await this.#readSome() : [];
    this.#begin(policy, [...shared, ...own]);
  }

  /** Resolves when all that is being told was told, or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#telling.values());
  }

  /** Read on where the round before came to, begun anew after the last one. */
  async #readSome(): Promise<readonly ListedLimit[]> {
    const { desk, stopped } = this.#options;
    const limits: ListedLimit[] = [];
    for (let pages = 0; pages < PAGES_A_ROUND && limits.length < LIMITS_A_ROUND && !stopped.aborted; pages++) {
      const page = await listLimits(desk, { after: this.#after, limit: LIMITS_A_ROUND });
      if ("kind" in page) break;
      limits.push(...page.limits);
      this.#after = page.next ?? "";
      if (page.next === undefined) break;
    }
    return limits;
  }

  /** Tell of limits as they were read under a policy, unless another has come since. */
  #begin(policy: Policy, limits: readonly ListedLimit[]): void {
    const { desk } = this.#options;
    const { policy: inForce, calendar } = desk.snapshot();
    if (inForce !== policy) return;
    const now = desk.clock.now();
    const { organization, revision: policyRevision, alerts } = policy;
    const byTarget = new Map<AlertTarget, DueNotice[]>();
    for (const limit of limits) {
      for (const { target, occasion, id, until } of alertsDue(alerts, limit, calendar.at(now), now)) {
        const notice = { target, occasion, limit, organization, policyRevision, now };
        const named = `${target.name} ${limit.limit.name} ${limit.workspace} ${limit.principal} ${id}`;
        byTarget.set(target, [...(byTarget.get(target) ?? []), { id: named, until, notice }]);
      }
    }
    for (const [{ name }, due] of byTarget) {
      // What is due to a target that is being told comes again in a later round.
      if (this.#telling.has(name)) continue;
      const telling = this.#tell(due).finally(() => this.#telling.delete(name));
      this.#telling.set(name, telling);
    }
  }

  /** Tell one target, until it fails. */
  async #tell(due: readonly DueNotice[]): Promise<void> {
    const { stopped, desk } = this.#options;
    let told = 0;
    for (let from = 0; from < due.length && !stopped.aborted; from += AT_ONCE) {
      const outcomes = await Promise.all(due.slice(from, from + AT_ONCE).map((one) => this.#tellOne(one)));
      told += outcomes.filter((outcome) => outcome === "told").length;
      if (!outcomes.includes("failed")) continue;
      if (told === 0) this.#restsUntil = desk.clock.now() + LEAD_MS;
      return;
    }
  }

  async #tellOne({ id, until, notice }: DueNotice): Promise<"told" | "failed" | "known"> {
    const { marks, notifier, log, desk } = this.#options;
    if ((await marks.take(id, MARK_MS)) !== true) return "known";
    const why = await notifier.notify(notice);
    if (why !== undefined) {
      // The mark ends by itself, and then it is tried again.
      log.failed(notice, why);
      return "failed";
    }
    await marks.keep(id, Math.max(MARK_MS, until - desk.clock.now()));
    log.told(notice);
    return "told";
  }
}

interface DueNotice {
  /** Unlike any other's, in all windows. */
  readonly id: string;
  /** Until when it must not be told again. */
  readonly until: EpochMs;
  readonly notice: AlertNotice;
}
