import type { LimitRow } from "./answers.js";
import { type Budget, fullness } from "./budgets.js";
import { KeyedList, make, type Shown, write } from "./dom.js";
import { amount, limitWords, percent, span, whole } from "./numbers.js";
import { type Projection, project } from "./projection.js";

/** What budgets are read against. */
export interface Reading {
  readonly now: number;
  readonly timezone: string;
}

export type Open = (principal: { readonly id: string; readonly role: string; readonly workspace: string }) => void;

const NEARLY_FULL = 0.8;

interface Dated extends Reading {
  readonly budget: Budget;
}

/** Shows budgets as bars. */
export class BudgetList {
  readonly #list: KeyedList<Dated>;

  /** @param open opens the principal whose budget it is. */
  constructor(parent: HTMLElement, open: Open) {
    this.#list = new KeyedList({ parent, key: ({ budget }) => budget.key, make: () => makeBudget(open) });
  }

  show(budgets: readonly Budget[], reading: Reading): void {
    this.#list.show(budgets.map((budget) => ({ budget, ...reading })));
  }
}

function makeBudget(open: Open): Shown<Dated> {
  const title = make("span", "budget-title");
  const kind = make("span", "budget-kind");
  const figures = make("span", "budget-figures");
  const bar = makeBar();
  const says = make("p", "budget-says");
  const who = make("button", "link");
  who.type = "button";
  const whose = make("p", "budget-whose");
  const head = make("div", "budget-head", make("h3", "", title, " ", kind), figures);
  const root = make("li", "budget", head, bar.root, says, whose);
  let shown: Budget | undefined;
  who.addEventListener("click", () => {
    const fullest = shown?.fullest;
    if (fullest) open({ id: fullest.principal, role: fullest.role, workspace: fullest.workspace });
  });
  return {
    root,
    show: ({ budget, now, timezone }) => {
      shown = budget;
      const { limit, fullest } = budget;
      const projection = project(limit, now, timezone);
      root.dataset["level"] = levelOf(fullness(limit));
      root.dataset["name"] = budget.key;
      write(title, budget.title);
      write(kind, `${budget.kind} · ${limitWords(limit)}`);
      write(figures, `${amount(limit.metric, taken(limit))} of ${amount(limit.metric, Number(limit.ceiling))}`);
      bar.show(budget, projection, now);
      write(says, [standing(limit), projected(limit, projection, now), resets(limit, now)].filter(Boolean).join(" · "));
      whose.hidden = fullest === undefined;
      if (fullest) showWhose(whose, who, fullest);
    },
  };
}

function showWhose(whose: HTMLElement, who: HTMLElement, { principal, among }: NonNullable<Budget["fullest"]>): void {
  if (principal === "") {
    write(whose, "nobody has used any of it");
    return;
  }
  const before = among === 1 ? "only " : "fullest: ";
  const after = among === 1 ? "" : `, of ${whole(among)}`;
  if (who.textContent === principal && whose.contains(who) && whose.textContent === before + principal + after) return;
  write(who, principal);
  const hadFocus = document.activeElement === who;
  whose.replaceChildren(before, who, after);
  if (hadFocus) who.focus({ preventScroll: true });
}

function makeBar() {
  const used = make("div", "bar-used");
  const reserved = make("div", "bar-reserved");
  const tick = make("div", "bar-tick");
  const root = make("div", "bar", used, reserved, tick);
  root.setAttribute("role", "meter");
  root.setAttribute("aria-valuemin", "0");
  return {
    root,
    show: ({ title, kind, limit }: Budget, projection: Projection | undefined, now: number) => {
      const ceiling = Number(limit.ceiling);
      const part = (value: number) => (ceiling === 0 ? 100 : Math.min(100, (value / ceiling) * 100));
      const usedPart = part(Number(limit.used));
      used.style.width = `${usedPart}%`;
      reserved.style.left = `${usedPart}%`;
      reserved.style.width = `${Math.min(100 - usedPart, ceiling === 0 ? 0 : part(Number(limit.reserved)))}%`;
      tick.hidden = !projection || projection.amount === 0;
      tick.classList.toggle("over", projection !== undefined && projection.amount > ceiling);
      tick.style.left = `${projection ? part(projection.amount) : 0}%`;
      root.setAttribute("aria-label", `${title}, ${kind}, ${limitWords(limit)}`);
      root.setAttribute("aria-valuemax", limit.ceiling);
      root.setAttribute("aria-valuenow", String(Math.min(ceiling, taken(limit))));
      root.setAttribute(
        "aria-valuetext",
        [standing(limit), projected(limit, projection, now)].filter(Boolean).join(", "),
      );
    },
  };
}

function taken({ used, reserved }: LimitRow): number {
  return Number(used) + Number(reserved);
}

function levelOf(full: number): string {
  if (full >= 1) return "full";
  return full >= NEARLY_FULL ? "nearly" : "room";
}

function standing({ metric, ceiling, used, reserved, shadow }: LimitRow): string {
  const inShadow = shadow ? " (shadow: denies nothing)" : "";
  if (ceiling === "0") return `closed${inShadow}`;
  if (used === "0" && reserved === "0") return `unused${inShadow}`;
  const full = Number(used) + Number(reserved) >= Number(ceiling) ? "full, " : "";
  const held = reserved === "0" ? "" : ` + ${amount(metric, Number(reserved))} reserved`;
  const part = percent(Number(used) / Number(ceiling));
  return `${full}${part} used${held}${inShadow}`;
}

function projected({ metric, ceiling }: LimitRow, projection: Projection | undefined, now: number): string {
  if (!projection || projection.amount === 0) return "";
  const { amount: value, fullAt } = projection;
  const when = fullAt === undefined ? "" : `, full in ${span(fullAt - now)}`;
  const part = ceiling === "0" ? "" : ` (${percent(value / Number(ceiling))})`;
  return `on pace for ${amount(metric, Math.round(value))}${part}${when}`;
}

function resets({ resets_at: at, window }: LimitRow, now: number): string {
  if (at === undefined) return "";
  // What slides gives back step by step.
  if (window === "WINDOW_SECOND" || window === "WINDOW_MINUTE") return "";
  return `resets in ${span(Date.parse(at) - now)}`;
}
