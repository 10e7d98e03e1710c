import type { Spender, Usage } from "./answers.js";
import type { Open } from "./budget-list.js";
import { KeyedList, make, type Shown, write } from "./dom.js";
import { dollars, percent, whole } from "./numbers.js";

interface Row {
  readonly spender: Spender;
  readonly total: number;
}

/** The row of all whom the service counted together has no name. */
const TOGETHER = "all further ones";

/** Shows who spent most. */
export class SpendTable {
  readonly #list: KeyedList<Row>;
  readonly #table: HTMLElement | null;
  readonly #says: HTMLElement;

  constructor(body: HTMLElement, says: HTMLElement, open: Open) {
    this.#table = body.parentElement;
    this.#says = says;
    this.#list = new KeyedList({ parent: body, key: ({ spender }) => spender.principal, make: () => makeRow(open) });
  }

  show({ usage, others, total, from, to }: Usage): void {
    const all = Number(total.cost_nano_usd);
    this.#showRows(usage.map((spender) => ({ spender, total: all })));
    const days = from === to ? from : `${from} to ${to}`;
    const rest =
      others.count > 0 ? `; ${whole(others.count)} others spent ${dollars(Number(others.cost_nano_usd))}` : "";
    write(this.#says, usage.length === 0 ? `Nothing was used on ${days}.` : `${days}: ${dollars(all)} in all${rest}.`);
  }

  /** @param why there is nothing to show. */
  showNone(why: string): void {
    this.#showRows([]);
    write(this.#says, why);
  }

  #showRows(rows: readonly Row[]): void {
    if (this.#table) this.#table.hidden = rows.length === 0;
    this.#list.show(rows);
  }
}

function makeRow(open: Open): Shown<Row> {
  const who = make("button", "link");
  who.type = "button";
  const [spent, share, requests] = [make("td", "number"), make("td", "number"), make("td", "number")];
  const tokens = make("td", "number wide");
  const root = make("tr", "", make("th", "", who), spent, share, requests, tokens);
  let principal = "";
  who.addEventListener("click", () => open({ id: principal, role: "", workspace: "" }));
  return {
    root,
    show: ({ spender, total }) => {
      principal = spender.principal;
      write(who, principal || TOGETHER);
      who.disabled = principal === "";
      const cost = Number(spender.cost_nano_usd);
      write(spent, dollars(cost));
      write(share, total === 0 ? "" : percent(cost / total));
      write(requests, whole(Number(spender.requests)));
      write(tokens, whole(Number(spender.input_tokens) + Number(spender.output_tokens)));
    },
  };
}
