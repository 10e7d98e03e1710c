import { alertsDue, type Due } from "../domain/alert-due.js";
import type { Millis } from "../domain/units.js";
import type { AlertLog, AlertMarks, AlertNotice, Notifier } from "./alert-ports.js";
import type { Desk } from "./desk.js";
import { type ListedLimit, listLimits } from "./list-limits.js";

/** Longer than a notifier tries; what others wait after whoever had a mark died or failed. */
export const MARK_MS: Millis = 60_000;
/** Longer than a round takes; what the others wait before one of them looks in place of whoever died. */
const LEAD_MS: Millis = 30_000;
/** Looked at in one round, so that a policy of thousands of principals is gone through little by little. */
const LIMITS_A_ROUND = 500;
/** Told at a time. */
const AT_ONCE = 8;

export interface AlertRoundOptions {
  readonly desk: Desk;
  readonly marks: AlertMarks;
  readonly notifier: Notifier;
  readonly log: AlertLog;
}

/**
 * Looks at limits, some each time, and tells of those that alerts are about.
 *
 * Nothing is remembered here: what is due is read off the counters anew, so that a restart loses none. Of replicas, one
 * at a time looks.
 */
export class AlertRounds {
  readonly #options: AlertRoundOptions;
  #after = "";

  constructor(options: AlertRoundOptions) {
    this.#options = options;
  }

  /** Look once. */
  async run(): Promise<void> {
    const { desk, marks } = this.#options;
    const { policy } = desk.snapshot();
    if (policy.alerts.length === 0) return;
    if ((await marks.lead(LEAD_MS)) !== true) return;
    const page = await listLimits(desk, { after: this.#after, limit: LIMITS_A_ROUND });
    if ("kind" in page) return;
    this.#after = page.next ?? "";
    await this.#tell(page.limits.flatMap((limit) => this.#due(limit)));
  }

  #due(limit: ListedLimit): readonly DueNotice[] {
    const { desk } = this.#options;
    const { policy, calendar } = desk.snapshot();
    const now = desk.clock.now();
    const { organization, revision: policyRevision } = policy;
    return alertsDue(policy.alerts, limit, calendar.at(now), now).map((due) => ({
      id: `${due.target.name} ${limit.limit.name} ${limit.workspace} ${limit.principal} ${due.id}`,
      until: due.until,
      notice: { target: due.target, occasion: due.occasion, limit, organization, policyRevision, now },
    }));
  }

  async #tell(due: readonly DueNotice[]): Promise<void> {
    for (let from = 0; from < due.length; from += AT_ONCE) {
      await Promise.all(due.slice(from, from + AT_ONCE).map((one) => this.#tellOne(one)));
    }
  }

  async #tellOne({ id, until, notice }: DueNotice): Promise<void> {
    const { marks, notifier, log, desk } = this.#options;
    if ((await marks.take(id, MARK_MS)) !== true) return;
    const why = await notifier.notify(notice);
    if (why !== undefined) {
      // The mark ends by itself, and then it is tried again.
      log.failed(notice, why);
      return;
    }
    await marks.keep(id, Math.max(MARK_MS, until - desk.clock.now()));
    log.told(notice);
  }
}

interface DueNotice extends Pick<Due, "until"> {
  /** Unlike any other's, in all windows. */
  readonly id: string;
  readonly notice: AlertNotice;
}
