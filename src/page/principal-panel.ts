import type { Happening, LimitRow, PrincipalView } from "./answers.js";
import { ask } from "./ask.js";
import { BudgetList, type Reading } from "./budget-list.js";
import { limitsToShow } from "./budgets.js";
import { find, KeyedList, make, type Shown, write } from "./dom.js";
import { dollars, perRequestWords, timeOfDay, whole, words } from "./numbers.js";

/** Whom the panel is opened for; a role and a workspace that are empty are found out. */
export interface Principal {
  readonly id: string;
  readonly role: string;
  readonly workspace: string;
}

type Keyed = Happening & { readonly key: string };

const PER_REQUEST = "WINDOW_REQUEST";
const HASH = /^#principal\?(.+)$/;

/** Shows one principal, over the page: its limits, and what happened to it lately. The address names it while it is open. */
export class PrincipalPanel {
  readonly #dialog = find("principal", HTMLDialogElement);
  readonly #limits: BudgetList;
  readonly #history: KeyedList<Keyed>;
  readonly #changed: () => void;
  #principal: Principal | undefined;

  /** @param changed told that another principal is to be shown. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#limits = new BudgetList(find("principal-limits", HTMLElement), () => {});
    this.#history = new KeyedList<Keyed>({
      parent: find("principal-history", HTMLElement),
      key: ({ key }) => key,
      make: makeRow,
    });
    find("principal-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#principal = undefined;
      if (location.hash !== "") history.replaceState(null, "", location.pathname);
    });
    addEventListener("hashchange", () => this.#follow());
    this.#follow();
  }

  open(principal: Principal): void {
    location.hash = `principal?${new URLSearchParams({ ...principal })}`;
  }

  /** Ask for the principal that is shown, if one is. */
  async look(reading: () => Reading) {
    const principal = this.#principal;
    if (!principal) return "answer";
    const answer = await ask<PrincipalView>(`/v1/principals?${new URLSearchParams({ ...principal })}`);
    if (principal !== this.#principal) return answer.kind;
    if (answer.kind === "answer") this.#show(answer.value, reading());
    if (answer.kind === "refused") this.#say(answer.why);
    return answer.kind;
  }

  #follow(): void {
    const asked = new URLSearchParams(HASH.exec(location.hash)?.[1] ?? "");
    const id = asked.get("id");
    if (!id) {
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    this.#principal = { id, role: asked.get("role") ?? "", workspace: asked.get("workspace") ?? "" };
    write(find("principal-name", HTMLElement), id);
    this.#say("Asking …");
    write(find("principal-who", HTMLElement), "");
    this.#limits.show([], { now: 0, timezone: "UTC" });
    this.#history.show([]);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#changed();
  }

  #say(text: string): void {
    write(find("principal-says", HTMLElement), text);
  }

  #show({ role, workspace, listed, limits, limits_missing: missing, history }: PrincipalView, reading: Reading): void {
    const where = [role && `role ${role}`, workspace && `workspace ${workspace}`].filter(Boolean).join(", ");
    const named = listed ? "named by the policy" : "not named by the policy";
    write(find("principal-who", HTMLElement), [where, named].filter(Boolean).join(" · "));
    this.#showLimits(limits, missing ?? "no reason given", reading);
    this.#showHistory(history);
  }

  #showLimits(limits: readonly LimitRow[] | null, why: string, reading: Reading): void {
    const counted = limits?.filter(({ window }) => window !== PER_REQUEST) ?? [];
    const most = limits?.filter(({ window }) => window === PER_REQUEST).map(perRequestWords) ?? [];
    if (limits === null) this.#say(`Its limits cannot be told: ${why}`);
    else if (limits.length === 0) this.#say("No limit governs it.");
    else this.#say(most.length > 0 ? `At most ${most.join(", ")}.` : "");
    this.#limits.show(limitsToShow(counted), reading);
  }

  #showHistory(history: readonly Happening[]): void {
    // Many may come in one millisecond.
    const seen = new Map<string, number>();
    const keyed = history.toReversed().map((happening) => {
      const nth = (seen.get(happening.time) ?? 0) + 1;
      seen.set(happening.time, nth);
      return { ...happening, key: `${happening.time} ${nth}` };
    });
    this.#history.show(keyed.reverse());
    find("principal-no-history", HTMLElement).hidden = history.length > 0;
  }
}

function makeRow(): Shown<Happening> {
  const time = make("time");
  const outcome = make("strong");
  const model = make("td", "wide");
  const tokens = make("td", "number");
  const cost = make("td", "number");
  const root = make("tr", "", make("td", "", time), make("td", "", outcome), model, tokens, cost);
  return {
    root,
    show: (happening) => {
      time.dateTime = happening.time;
      write(time, timeOfDay(Date.parse(happening.time)));
      write(outcome, words(happening.outcome));
      outcome.dataset["outcome"] = happening.outcome;
      write(model, happening.model);
      write(tokens, `${whole(Number(happening.input_tokens))} + ${whole(Number(happening.output_tokens))}`);
      write(cost, dollars(Number(happening.cost_nano_usd)));
    },
  };
}
