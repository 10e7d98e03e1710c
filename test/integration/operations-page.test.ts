import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect, it } from "vitest";
import type { Budgets, Denials, LimitRow, Rates, Usage } from "../../src/page/answers.js";
import { amount, dollars, percent, rate, whole, words } from "../../src/page/numbers.js";
import { outcomesOf } from "../../src/page/rates.js";
import { describeInBrowser } from "../support/browser/describe-in-browser.js";
import { budgetsIn, faintTexts, rowsIn, watchViolations } from "../support/browser/in-page.js";
import { eventually } from "../support/eventually.js";
import { type RunningProcess, startProcess } from "./running-process.js";
import { afterwards, temporaryDirectory } from "./running-service.js";
import { keepAsking } from "./steady-load.js";

const POLICY = `version: 1
organization: acme
limits: { usd_per_month: 100 }
workspaces:
  dev:
    models: ["*"]
    limits: { tokens_per_day: 1_000_000, requests_per_minute: 100_000 }
roles:
  developer:
    models: ["mistral-small-*"]
    limits: { tokens_per_day: 50_000_000, concurrent_requests: 100_000 }
  batch:
    models: ["*"]
    limits: { tokens_per_hour: { ceiling: 70_000, shared_by: role } }
principals:
  indexer: { role: batch, workspace: dev, limits: { usd_per_day: 2 } }
`;
const SMALL = "mistral-small-latest";
const ADA = { id: "ada", role: "developer", workspace: "dev" };
/** An id that the contract allows. */
const MARKUP = "<img/src=x/onerror=window.hacked=1>";

describeInBrowser("the operations page", (browser) => {
  it("shows what the paths answer: budgets, outcomes, denials", async () => {
    const { process, page } = await opened(browser());
    await spend(process);
    expect((await process.client.authorize(ask("indexer", 30_000))).allowed).toBe(true);

    await eventually(async () => {
      const told = await get<Budgets>(process, "/v1/budgets");
      const shown = await budgetsIn(page, "budgets");
      expect(shown.map(({ name }) => name)).toEqual([
        "roles.batch.tokens_per_hour dev",
        "workspaces.dev.tokens_per_day dev",
        "organization.usd_per_month acme",
        "roles.developer.concurrent_requests",
        "roles.developer.tokens_per_day",
        "workspaces.dev.requests_per_minute dev",
      ]);
      for (const limit of told.limits) expect(shown).toContainEqual(expect.objectContaining(asShown(limit)));
    });
    const [batch] = await budgetsIn(page, "budgets");
    expect(batch).toMatchObject({ figures: "30,100 of 70,000", value: 30_100, most: 70_000 });
    expect(batch?.says).toContain("0\u00a0% used + 30,100 reserved");

    await eventually(async () => {
      expect((await rowsIn(page, "legend")).map(([outcome, , all]) => `${outcome?.trim()}: ${all}`)).toEqual([
        "allowed: 3",
        "model not allowed: 1",
      ]);
    });
    const { denials } = await get<Denials>(process, "/v1/denials");
    expect(denials).toHaveLength(1);
    const [row] = await rowsIn(page, "denials");
    expect(row?.[1]).toBe("ada developer in dev");
    expect(row?.[2]).toBe(`model not allowed ${denials[0]?.message}`);
  });

  it("shows what the paths answer under load, at every moment", async () => {
    const { process, page } = await opened(browser());
    const heard = listen(page);
    const load = keepAsking(process.client, { ...ask("ada", 10), principal: ADA });
    const denied = keepAsking(process.client, { ...ask("ada", 10), principal: ADA, model: "codestral-latest" });
    await expect.poll(() => heard.budgets.length, { timeout: 15_000 }).toBeGreaterThan(2);

    for (let look = 0; look < 5; look++) {
      await eventually(async () => {
        const shown = await budgetsIn(page, "budgets");
        const matching = heard.budgets.slice(-3).filter(({ limits }) =>
          limits.map(asShown).every((one) => {
            const found = shown.find(({ name }) => name === one.name);
            return found?.value === one.value && found.figures === one.figures;
          }),
        );
        expect(matching.length).toBeGreaterThan(0);
      });
      await eventually(async () => {
        const shown = (await rowsIn(page, "legend")).map(([outcome = "", lately, all]) => [
          outcome.trim(),
          lately,
          all,
        ]);
        const told = heard.rates
          .slice(-3)
          .map((rates) =>
            outcomesOf(rates, 0).map(({ reason, lately, total }) => [words(reason), rate(lately), whole(total)]),
          );
        expect(told).toContainEqual(shown);
      });
    }
    await Promise.all([load.stop(), denied.stop()]);
    expect([...load.failures, ...denied.failures]).toEqual([]);
    expect(load.samples.length).toBeGreaterThan(500);

    await eventually(async () => {
      const { denials } = await get<Denials>(process, "/v1/denials");
      const shown = await rowsIn(page, "denials");
      expect(shown.map(([, who, why]) => `${who} ${why}`)).toEqual(
        denials.map(({ principal, reason, message }) => `${principal} developer in dev ${words(reason)} ${message}`),
      );
      expect(shown).toHaveLength(200);
    });
  });

  it("opens a principal by the keyboard alone, and closes it", async () => {
    const { process, page } = await opened(browser());
    await spend(process);
    const ada = page.locator("#denials").getByRole("button", { name: "ada" });
    await ada.waitFor();
    const focused = "document.activeElement.closest('tbody')?.id + ' ' + document.activeElement.textContent";
    for (let press = 0; press < 40 && (await page.evaluate(focused)) !== "denials ada"; press++) {
      await page.keyboard.press("Tab");
    }
    expect(await page.evaluate(focused)).toBe("denials ada");
    await page.keyboard.press("Enter");

    const panel = page.getByRole("dialog", { name: "ada" });
    await panel.waitFor();
    await expectText(page, "#principal-who", "role developer, workspace dev · not named by the policy");
    await eventually(async () => {
      const { limits } = await get<{ limits: LimitRow[] }>(process, "/v1/principals?id=ada");
      const shown = await budgetsIn(page, "principal-limits");
      expect(shown).toHaveLength(5);
      for (const limit of limits) {
        expect(shown).toContainEqual(expect.objectContaining({ value: taken(limit), most: Number(limit.ceiling) }));
      }
    });
    const history = await rowsIn(page, "principal-history");
    expect(history.map(([, outcome, model, tokens]) => `${outcome} ${model} ${tokens}`)).toEqual([
      "model not allowed codestral-2508 0 + 0",
      "settled mistral-small-2603 2,000 + 500",
      "allowed mistral-small-2603 2,000 + 1,000",
      "allowed mistral-small-2603 400 + 100",
    ]);
    expect(page.url()).toContain("id=ada");
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    await expect.poll(() => new URL(page.url()).hash).toBe("");
  });

  it("shows markup in names as the text that it is, asks nobody else, and needs no exception from its policy", async () => {
    const process = await startProcess(POLICY);
    const page = await newPage(browser());
    const violations = await watchViolations(page);
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() !== "log") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    const asked = new Set<string>();
    page.on("request", (request) => asked.add(new URL(request.url()).host || "data"));
    await page.goto(`http://${process.adminPort}/`);

    const principal = { ...ADA, id: MARKUP };
    const model = "<script>window.hacked=1</script>";
    await process.client.authorize({ ...ask("x", 5), principal });
    await process.client.authorize({ ...ask("x", 5), principal, model });
    const row = page.locator("#denials").getByRole("button", { name: MARKUP });
    await row.waitFor();
    await row.click();
    await expectText(page, "#principal-name", MARKUP);
    await expect.poll(() => rowsIn(page, "principal-history"), { timeout: 5_000 }).toHaveLength(2);
    const [denial] = await rowsIn(page, "denials");
    expect(denial?.at(-1)).toBe(model);
    const found = await page.evaluate("['hacked' in window, document.images.length, document.scripts.length]");
    expect(found).toEqual([false, 0, 1]);
    const unavailable = (text: string) => text.includes("404 (Not Found)");
    expect(complaints.filter((text) => !unavailable(text))).toEqual([]);
    expect(await violations()).toEqual([]);
    expect([...asked].filter((host) => host !== "data")).toEqual([process.adminPort]);
  });

  it.each(["light", "dark"] as const)("can be read in the %s", async (colorScheme) => {
    const { process, page } = await opened(browser(), { colorScheme });
    await spend(process);
    await page.locator("#denials").getByRole("button", { name: "ada" }).click();
    await page.locator("#principal-history tr").first().waitFor();
    const { looked, faint } = await faintTexts(page, 4.5);
    expect(looked).toBeGreaterThan(50);
    expect(faint).toEqual([]);
    const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(ground).toBe(colorScheme === "dark" ? "rgb(14, 19, 24)" : "rgb(244, 246, 248)");
  });

  it.each([400, 1_600])("fits a window %s pixels wide", async (width) => {
    const { process, page } = await opened(browser(), { viewport: { width, height: 900 } });
    await process.client.authorize({ ...ask("x", 5), principal: { ...ADA, id: "x".repeat(128) }, model: "no" });
    await spend(process);
    await page.locator("#denials tr").nth(1).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
  });

  it("says when nobody answers, and goes on when the service is back", async () => {
    const { process, page } = await opened(browser());
    await spend(process);
    await page.locator("#denials tr").first().waitFor();
    process.kill("SIGKILL");
    await process.ended();
    await expectText(page, "#contact", /^no answer since /);
    expect(await rowsIn(page, "denials")).toHaveLength(1);

    const again = await startProcess(POLICY, { admin: process.adminPort });
    await expectText(page, "#contact", "live");
    await again.client.authorize({ ...ask("ada", 5), principal: { ...ADA, id: "grace" }, model: "codestral-latest" });
    await eventually(async () => {
      const who = (await rowsIn(page, "denials")).map(([, name]) => name);
      expect(who).toEqual(["grace developer in dev", "ada developer in dev"]);
    });
    await eventually(async () => {
      const shown = await budgetsIn(page, "budgets");
      expect(shown.find(({ name }) => name.startsWith("workspaces.dev.tokens_per_day"))?.value).toBe(0);
    });
  });

  it("says what is wrong with the policy, and takes up the next one", async () => {
    const { process, page } = await opened(browser());
    await expectText(page, "#policy", /^current /);
    writeFileSync(process.file, "version: 1\nnothing: more\n");
    await expectText(page, "#policy", /^stale /);
    await expectText(page, "#faults", /unknown key/);
    writeFileSync(process.file, POLICY.replace("1_000_000", "2_000_000"));
    await expectText(page, "#policy", /^current /);
    await expectText(page, "#policy-more", /^reload 1, 1 refused, /);
    await expectText(page, "#budgets", /of 2,000,000/);
  });

  it("asks for the token of a port that has one, and keeps it in the tab", async () => {
    const tokenFile = join(temporaryDirectory(), "token");
    writeFileSync(tokenFile, "a-token-of-twenty-two\n", { mode: 0o600 });
    const process = await startProcess(POLICY, { flags: ["--admin-token-file", tokenFile] });
    const page = await newPage(browser());
    await page.goto(`http://${process.adminPort}/`);
    const field = page.getByLabel("Admin token");
    await field.fill("another");
    await page.keyboard.press("Enter");
    await expectText(page, "#token-says", "That is not the admin token.");
    expect(await page.locator("#content").isVisible()).toBe(false);
    await field.fill("a-token-of-twenty-two");
    await page.keyboard.press("Enter");
    await expectText(page, "#contact", "live");
    await page.reload();
    await expectText(page, "#contact", "live");
    expect(await field.isVisible()).toBe(false);
    expect(await page.evaluate("[document.cookie, Object.keys(localStorage).length]")).toEqual(["", 0]);
    expect(page.url()).toBe(`http://${process.adminPort}/`);
  });

  it("shows who spent most, of today and of this month", async () => {
    const { process, page } = await opened(browser());
    const principal = { ...ADA, id: MARKUP };
    for (const asker of [ADA, ADA, principal]) {
      const { reservation_id } = await process.client.authorize({ ...ask("x", 1_000), principal: asker });
      await process.client.recordUsage({ reservation_id, usage: { input_tokens: 1_000, output_tokens: 50 } });
    }
    for (const [choice, when] of [
      ["this month", `month=${new Date().toISOString().slice(0, 7)}`],
      ["today", "day=today"],
    ] as const) {
      await page.getByLabel(choice).check();
      await eventually(async () => {
        const { usage, total } = await get<Usage>(process, `/v1/usage?by=principal&top=10&${when}`);
        const all = Number(total.cost_nano_usd);
        expect(await rowsIn(page, "spenders")).toEqual(
          usage.map(({ principal: name, requests, input_tokens, output_tokens, cost_nano_usd }) => [
            ...[name, dollars(Number(cost_nano_usd)), percent(Number(cost_nano_usd) / all), requests],
            whole(Number(input_tokens) + Number(output_tokens)),
          ]),
        );
        expect(usage.map(({ principal: name }) => name)).toEqual(["ada", MARKUP]);
      });
    }
    await page.locator("#spenders").getByRole("button", { name: "ada" }).click();
    await expectText(page, "#principal-who", "role developer, workspace dev · not named by the policy");
  });

  it("says that spending is not kept where the service does not keep it", async () => {
    const process = await startProcess(POLICY);
    const page = await newPage(browser());
    await page.route("**/v1/usage?*", (route) => route.fulfill({ status: 404, json: { error: "no such path" } }));
    await page.goto(`http://${process.adminPort}/`);
    await expectText(page, "#spend-says", /^Spending by principal cannot be shown: this version /);
    await expectText(page, "#contact", "live");
  });
});

type PageOptions = Parameters<Browser["newContext"]>[0];

async function newPage(browser: Browser, options: PageOptions = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  afterwards(() => context.close());
  return context.newPage();
}

async function opened(browser: Browser, options: PageOptions = {}) {
  const process = await startProcess(POLICY);
  const page = await newPage(browser, options);
  await page.goto(`http://${process.adminPort}/`);
  await expectText(page, "#contact", "live");
  return { process, page };
}

function ask(id: string, tokens: number) {
  return { principal: { id }, model: SMALL, input_tokens: tokens, max_output_tokens: 100 };
}

/** Two admissions of ada's, one of them settled, and a denial. */
async function spend({ client }: RunningProcess): Promise<void> {
  await client.authorize({ ...ask("ada", 400), principal: ADA });
  const question = { principal: ADA, model: SMALL, input_tokens: 2_000, max_output_tokens: 1_000 };
  const { reservation_id } = await client.authorize(question);
  await client.recordUsage({ reservation_id, usage: { input_tokens: 2_000, output_tokens: 500 } });
  expect((await client.authorize({ ...question, model: "codestral-latest" })).allowed).toBe(false);
}

async function get<T>(process: RunningProcess, path: string): Promise<T> {
  const { status, text } = await process.get(path);
  expect(status).toBe(200);
  return JSON.parse(text);
}

function taken({ used, reserved }: LimitRow): number {
  return Number(used) + Number(reserved);
}

/** How a limit of many is to be shown. */
function asShown(limit: LimitRow) {
  const [held, most] = [taken(limit), Number(limit.ceiling)];
  const figures = `${amount(limit.metric, held)} of ${amount(limit.metric, most)}`;
  return { name: `${limit.name} ${limit.scope_id}`, figures, value: Math.min(held, most), most };
}

/** Keep what the page was answered. */
function listen(page: Page) {
  const heard = { budgets: [] as Budgets[], rates: [] as Rates[] };
  page.on("response", async (response) => {
    const { pathname } = new URL(response.url());
    if (pathname === "/v1/budgets") heard.budgets.push(await response.json());
    if (pathname === "/v1/decisions") heard.rates.push(await response.json());
  });
  return heard;
}

async function expectText(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await eventually(async () => {
    const shown = (await page.locator(selector).textContent()) ?? "";
    if (typeof text === "string") expect(shown).toBe(text);
    else expect(shown).toMatch(text);
  });
}
