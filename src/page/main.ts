import type { Budgets, Denials, LimitRow, LimitsPage, Overview, Rates, Usage } from "./answers.js";
import { type Answer, ask, keepToken } from "./ask.js";
import { BudgetList, type Reading } from "./budget-list.js";
import { budgetsToShow } from "./budgets.js";
import { DenialTable } from "./denial-table.js";
import { find, write } from "./dom.js";
import { whole } from "./numbers.js";
import { PrincipalPanel } from "./principal-panel.js";
import { RatesChart } from "./rates-chart.js";
import { SpendTable } from "./spend-table.js";
import { StatusBar } from "./status-bar.js";
import { Watch, type Watched } from "./watch.js";

const SECOND = 1_000;
/** Of `/v1/limits`: principals beyond are not looked through. */
const MOST_PAGES = 4;
const TOP = 10;

let watch: Watch | undefined;
const status = new StatusBar();
const panel = new PrincipalPanel(() => watch?.lookNow());
const open = panel.open.bind(panel);
const budgetList = new BudgetList(find("budgets", HTMLElement), open);
const chart = new RatesChart(
  find("chart", HTMLElement),
  find("legend", HTMLElement),
  find("no-decisions", HTMLElement),
);
const spend = new SpendTable(find("spenders", HTMLElement), find("spend-says", HTMLElement), open);
const denials = new DenialTable(find("denials", HTMLElement), find("no-denials", HTMLElement), open);

let overview: Overview | undefined;
let ofPrincipals: readonly LimitRow[] = [];

function reading(): Reading {
  return { now: overview ? Date.parse(overview.now) : Date.now(), timezone: overview?.timezone ?? "UTC" };
}

/** Ask for a path, and show what it answers; where it refuses, say why. */
async function look<T>(path: string, show: (value: T) => void, refused?: (why: string) => void) {
  const answer: Answer<T> = await ask<T>(path);
  if (answer.kind === "answer") show(answer.value);
  if (answer.kind === "refused") refused?.(answer.why);
  if (answer.kind === "missing") refused?.("this version of the service does not keep it");
  return answer.kind;
}

function lookAtOverview() {
  return look<Overview>("/v1/overview", (told) => {
    overview = told;
    status.show(told);
  });
}

function lookAtRates() {
  const span = find("span-hour", HTMLInputElement).checked ? "1h" : "5m";
  return look<Rates>(`/v1/decisions?span=${span}`, (rates) => {
    if (overview) chart.show(rates, Date.parse(overview.started_at));
  });
}

function lookAtDenials() {
  return look<Denials>(`/v1/denials?after=${denials.last}`, (told) => denials.add(told.denials));
}

function lookAtBudgets() {
  const says = find("budgets-says", HTMLElement);
  return look<Budgets>(
    "/v1/budgets",
    (told) => {
      const shown = budgetsToShow(told, ofPrincipals);
      budgetList.show(shown, reading());
      write(says, shown.length === 0 ? "The policy sets no budget." : "");
      says.hidden = shown.length > 0;
    },
    (why) => {
      says.hidden = false;
      write(says, `Budgets cannot be read: ${why}. What is shown was read before.`);
    },
  );
}

async function lookAtPrincipals() {
  const rows: LimitRow[] = [];
  let after: string | undefined = "";
  let pages = 0;
  for (; after !== undefined && pages < MOST_PAGES; pages++) {
    const answer: Answer<LimitsPage> = await ask(`/v1/limits?${new URLSearchParams(after === "" ? {} : { after })}`);
    if (answer.kind !== "answer") return answer.kind;
    rows.push(...answer.value.limits);
    after = answer.value.next;
  }
  ofPrincipals = rows;
  const more = find("more-principals", HTMLElement);
  more.hidden = after === undefined;
  write(more, `Of single principals, the first ${whole(rows.length)} budgets were looked through; there are more.`);
  return "answer" as const;
}

function lookAtUsage() {
  const when = find("spend-month", HTMLInputElement).checked ? `month=${month()}` : "day=today";
  return look<Usage>(
    `/v1/usage?by=principal&${when}&top=${TOP}`,
    (usage) => spend.show(usage),
    (why) => spend.showNone(`Spending by principal cannot be shown: ${why}.`),
  );
}

/** This month, in the policy's time zone, as 2026-03. */
function month(): string {
  const { now, timezone } = reading();
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: timezone, year: "numeric", month: "2-digit" });
  return parts.format(now).slice(0, 7);
}

const WATCHED: readonly Watched[] = [
  { everyMs: SECOND, look: lookAtOverview },
  { everyMs: SECOND, look: lookAtRates },
  { everyMs: SECOND, look: lookAtDenials },
  { everyMs: 2 * SECOND, look: lookAtBudgets },
  { everyMs: 2 * SECOND, look: () => panel.look(reading) },
  { everyMs: 10 * SECOND, look: lookAtPrincipals },
  { everyMs: 10 * SECOND, look: lookAtUsage },
];

watch = new Watch(WATCHED, (contact) => status.tell(contact));

for (const id of ["span-minutes", "span-hour", "spend-day", "spend-month"]) {
  find(id, HTMLInputElement).addEventListener("change", () => watch?.lookNow());
}
find("token-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("token", HTMLInputElement);
  keepToken(field.value.trim());
  field.value = "";
  watch?.lookNow();
});
watch?.start();
