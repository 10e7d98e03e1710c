import type { Denial } from "./answers.js";
import type { Open } from "./budget-list.js";
import { KeyedList, make, type Shown, write } from "./dom.js";
import { timeOfDay, words } from "./numbers.js";

const MOST = 200;

/** Shows the latest denials. Remembers those that the service may have forgotten meanwhile, as many as the service does. */
export class DenialTable {
  readonly #list: KeyedList<Denial>;
  readonly #empty: HTMLElement;
  #denials: readonly Denial[] = [];

  constructor(body: HTMLElement, empty: HTMLElement, open: Open) {
    this.#empty = empty;
    this.#list = new KeyedList({ parent: body, key: ({ number }) => number, make: () => makeRow(open) });
  }

  /** The number of the latest one; "0": there is none. */
  get last(): string {
    return this.#denials[0]?.number ?? "0";
  }

  /** @param newer those that came since, the latest first. */
  add(newer: readonly Denial[]): void {
    this.#denials = [...newer, ...this.#denials].slice(0, MOST);
    this.#empty.hidden = this.#denials.length > 0;
    this.#list.show(this.#denials);
  }
}

function makeRow(open: Open): Shown<Denial> {
  const time = make("time");
  const who = make("button", "link");
  who.type = "button";
  const nobody = make("span", "muted", "nobody proved");
  const from = make("span", "muted");
  const reason = make("strong");
  const message = make("span", "message");
  const model = make("td", "wide");
  const root = make("tr", "", make("td", "", time), make("td", "", who, nobody, " ", from));
  root.append(make("td", "", reason, " ", message), model);
  let shown: Denial | undefined;
  who.addEventListener("click", () => {
    if (shown) open({ id: shown.principal, role: shown.role, workspace: shown.workspace });
  });
  return {
    root,
    show: (denial) => {
      if (shown === denial) return;
      shown = denial;
      time.dateTime = denial.time;
      write(time, timeOfDay(Date.parse(denial.time)));
      write(who, denial.principal);
      who.hidden = denial.principal === "";
      nobody.hidden = denial.principal !== "";
      write(from, [denial.role, denial.workspace].filter(Boolean).join(" in "));
      write(reason, words(denial.reason));
      write(message, denial.message);
      write(model, denial.model);
    },
  };
}
