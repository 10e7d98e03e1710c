import type { Rates } from "./answers.js";
import { KeyedList, make, type Shown, write } from "./dom.js";
import { minuteOfDay, rate, whole, words } from "./numbers.js";
import { type OutcomeRates, outcomesOf } from "./rates.js";
import uPlot from "./uplot.js";

const HEIGHT = 220;
const FONT = "12px system-ui, sans-serif";

interface Look {
  readonly colour: string;
  readonly dash?: number[];
}

/** Of the page's colours. Those that need the same answer have the same one, and another dash. */
const LOOKS: Readonly<Record<string, Look>> = {
  allowed: { colour: "--good" },
  rate_limited: { colour: "--nearly" },
  token_budget_exceeded: { colour: "--full" },
  spend_limit_exceeded: { colour: "--full", dash: [6, 3] },
  request_too_large: { colour: "--full", dash: [2, 2] },
  store_unavailable: { colour: "--ink", dash: [6, 3] },
  unauthenticated: { colour: "--odd", dash: [2, 2] },
};
const OTHER: Look = { colour: "--odd" };

/** Draws decisions a second by outcome, and writes the same in numbers beside it. */
export class RatesChart {
  readonly #frame: HTMLElement;
  readonly #legend: KeyedList<OutcomeRates>;
  readonly #empty: HTMLElement;
  #plot: uPlot | undefined;
  /** What the plot was made for. */
  #drawn = "";
  #redraw: () => void = () => {};

  constructor(frame: HTMLElement, legend: HTMLElement, empty: HTMLElement) {
    this.#frame = frame;
    this.#empty = empty;
    this.#legend = new KeyedList({ parent: legend, key: ({ reason }) => reason, make: makeLegend });
    new ResizeObserver(() => this.#plot?.setSize({ width: frame.clientWidth, height: HEIGHT })).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#drawn = "";
      this.#redraw();
    });
  }

  show(rates: Rates, startedAt: number): void {
    const outcomes = outcomesOf(rates, startedAt);
    this.#redraw = () => this.#draw(rates, outcomes);
    this.#redraw();
    this.#legend.show(outcomes);
    this.#empty.hidden = outcomes.length > 0;
    const said = outcomes.map(({ reason, lately }) => `${words(reason)} ${rate(lately)}`).join(", ");
    this.#frame.setAttribute("aria-label", `Decisions a second, over the last ten seconds: ${said || "none"}`);
  }

  #draw({ from, step_seconds: step, counts }: Rates, outcomes: readonly OutcomeRates[]): void {
    const begun = Date.parse(from) / 1_000;
    const steps = Object.values(counts)[0]?.length ?? 0;
    const times = Array.from({ length: steps }, (_, index) => begun + index * step);
    const data: uPlot.AlignedData = [times, ...outcomes.map(({ perSecond }) => [...perSecond])];
    const wanted = outcomes.map(({ reason }) => reason).join();
    if (this.#plot && this.#drawn === wanted) {
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#plot = outcomes.length > 0 ? new uPlot(this.#options(outcomes), data, this.#frame) : undefined;
    this.#drawn = wanted;
  }

  #options(outcomes: readonly OutcomeRates[]): uPlot.Options {
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => styles.getPropertyValue(name).trim();
    const axis = { stroke: colour("--muted"), font: FONT, grid: { stroke: colour("--line"), width: 1 } };
    return {
      width: this.#frame.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [
        { ...axis, ticks: { show: false }, values: (_plot, splits) => splits.map(timeLabel) },
        { ...axis, ticks: { show: false }, size: 52 },
      ],
      series: [
        {},
        ...outcomes.map(({ reason }): uPlot.Series => {
          const { colour: name, dash } = LOOKS[reason] ?? OTHER;
          return {
            label: words(reason),
            stroke: colour(name),
            width: 1.5,
            points: { show: false },
            ...(dash && { dash }),
          };
        }),
      ],
    };
  }
}

function timeLabel(seconds: number): string {
  return minuteOfDay(seconds * 1_000);
}

function makeLegend(): Shown<OutcomeRates> {
  const swatch = make("span", "swatch");
  swatch.setAttribute("aria-hidden", "true");
  const name = make("span");
  const lately = make("td", "number");
  const total = make("td", "number");
  const root = make("tr", "", make("th", "", swatch, " ", name), lately, total);
  return {
    root,
    show: ({ reason, lately: perSecond, total: all }) => {
      const { colour, dash } = LOOKS[reason] ?? OTHER;
      swatch.style.borderTopColor = `var(${colour})`;
      swatch.style.borderTopStyle = dash ? (dash[0] === 2 ? "dotted" : "dashed") : "solid";
      write(name, words(reason));
      write(lately, rate(perSecond));
      write(total, whole(all));
    },
  };
}
