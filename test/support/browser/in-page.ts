import type { Page } from "playwright-core";

// What runs in the page is text here: the tests are compiled without a browser's types.

/** A budget as the page shows it. */
export interface ShownBudget {
  readonly name: string;
  readonly figures: string;
  readonly value: number;
  readonly most: number;
  readonly says: string;
}

const BUDGETS = `(root) => [...root.querySelectorAll(".budget")].map((budget) => {
  const bar = budget.querySelector("[role=meter]");
  return {
    name: budget.dataset.name,
    figures: budget.querySelector(".budget-figures").textContent,
    value: Number(bar.getAttribute("aria-valuenow")),
    most: Number(bar.getAttribute("aria-valuemax")),
    says: budget.querySelector(".budget-says").textContent,
  };
})`;

const ROWS = `(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))`;

/** Read the budgets in a list, at one moment. */
export async function budgetsIn(page: Page, id: string): Promise<readonly ShownBudget[]> {
  return page.evaluate(`(${BUDGETS})(document.getElementById("${id}"))`);
}

/** Read the text of a table's rows, at one moment. */
export async function rowsIn(page: Page, id: string): Promise<readonly (readonly string[])[]> {
  return page.evaluate(`(${ROWS})(document.getElementById("${id}"))`);
}

/** A text that is hard to read, and how its colour stands out from what is behind it. */
export interface FaintText {
  readonly text: string;
  readonly contrast: number;
}

/** By WCAG 2.2: 4.5 is the least for text of this size. */
const FAINT = `(least) => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let looked = 0;
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
    if (text === "" || element.getClientRects().length === 0 || element.closest(".hidden, .skip, noscript")) continue;
    looked++;
    const [front, back] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < least) faint.push({ text, contrast });
  }
  return { looked, faint };
}`;

/** Find the texts that stand out less than they must, among so many. */
export async function faintTexts(
  page: Page,
  least: number,
): Promise<{ readonly looked: number; readonly faint: readonly FaintText[] }> {
  return page.evaluate(`(${FAINT})(${least})`);
}

/** Keep what the page was kept from doing by its content security policy, from its start on. */
export async function watchViolations(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.addInitScript(`
    window.violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
      window.violations.push([violatedDirective, blockedURI, sourceFile].join(" "));
    });
  `);
  return () => page.evaluate("window.violations");
}
