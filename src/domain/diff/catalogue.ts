import { formatUsd } from "../explain.js";
import type { Model } from "../model.js";
import type { Fraction, Rates } from "../money.js";
import type { Policy } from "../policy.js";
import { type Change, type Difference, named, type Shown, settingDifference, shown, shownList } from "./change.js";

/** Compare the models that two policies know: names, prices, and what each model can do. */
export function catalogueChanges(old: Policy, now: Policy): readonly Change[] {
  const [before, after] = [byId(old), byId(now)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((id) => {
    const [from, to] = [before.get(id), after.get(id)];
    const differences = from && to ? modelDifferences(from, to) : [presence(from, to)];
    return differences.map((difference) => ({ ...difference, who: named(`models.${id}`) }));
  });
}

/** With the names that mean them in this policy, which may have moved from one model to another. */
function byId({ models }: Policy): ReadonlyMap<string, Model> {
  const names = new Map<string, [string, ...string[]]>();
  for (const [name, { id }] of models) {
    const own = names.get(id) ?? [id];
    if (name !== id) own.push(name);
    names.set(id, own);
  }
  return new Map(Array.from(models.values(), (model) => [model.id, { ...model, names: names.get(model.id) ?? [] }]));
}

function presence(from: Model | undefined, to: Model | undefined): Difference {
  const there = (model: Model | undefined) => model && shownList(model.endpoints);
  return { section: "catalogue", effect: "changes", what: "defined", from: there(from), to: there(to) };
}

const PRICES: readonly (readonly [string, keyof Rates, bigint, string])[] = [
  ["prices.input", "inputToken", 1_000_000n, "a million"],
  ["prices.cached_input", "cachedInputToken", 1_000_000n, "a million"],
  ["prices.output", "outputToken", 1_000_000n, "a million"],
  ["prices.page", "page", 1n, "a page"],
  ["prices.annotated_page", "annotatedPage", 1n, "a page"],
  ["prices.audio_minute", "audioSecond", 60n, "a minute"],
];

function modelDifferences(from: Model, to: Model): readonly Difference[] {
  const setting = (what: string, of: (model: Model) => Shown | undefined) =>
    settingDifference("catalogue", what, of(from), of(to));
  const count = (value: number | undefined) => (value === undefined ? undefined : shown(value));
  return [
    ...setting("aliases", ({ names }) => shownList(names.slice(1))),
    // Their order says which one is meant where a request names none.
    ...setting("endpoints", ({ endpoints }) => ({ text: endpoints.join(", "), value: endpoints })),
    ...setting("context_length", ({ contextLength }) => count(contextLength)),
    ...setting("max_output_tokens", ({ maxOutputTokens }) => count(maxOutputTokens)),
    ...PRICES.flatMap(([what, rate, units, unit]) =>
      setting(what, ({ rates }) => rates[rate] && priceText(rates[rate], units, unit)).map((one) => ({
        ...one,
        effect: effectOf(from.rates[rate], to.rates[rate]),
      })),
    ),
  ];
}

/** Every price is one of whole nano-USD for so many units. */
function priceText({ numerator, denominator }: Fraction, units: bigint, unit: string): Shown {
  const nanoUsd = Number((numerator * units) / denominator);
  return { text: `${formatUsd(nanoUsd)} ${unit}`, value: String(nanoUsd) };
}

function effectOf(from: Fraction | undefined, to: Fraction | undefined): Change["effect"] {
  if (!from || !to) return "changes";
  return to.numerator * from.denominator < from.numerator * to.denominator ? "gains" : "loses";
}
