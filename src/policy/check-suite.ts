import type { Path, Problem } from "./faults.js";
import { didYouMean, type Suggest } from "./nearest.js";
import { ONE } from "./number-text.js";
import { at, entriesAt, isRecord, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

/** Check what hangs together in a suite: names once, one thing a step, settlements of calls that were asked. */
export function checkSuite(raw: unknown, suggest: Suggest): readonly Problem[] {
  const defaults = at(raw, "defaults", "request");
  const names = new Map<string, number>();
  return itemsAt(raw, "cases").flatMap((one, index) => {
    const path = ["cases", index];
    const name = textAt(one, "name");
    const first = name === undefined ? undefined : names.get(name);
    if (name !== undefined && first === undefined) names.set(name, index + 1);
    const twice: readonly Problem[] =
      first === undefined
        ? []
        : [{ path: [...path, "name"], at: "value", what: `case ${first} has this name too`, remedy: "choose another" }];
    return isRecord(one) ? [...twice, ...checkCase(one, path, defaults, suggest)] : twice;
  });
}

function checkCase(one: object, path: Path, defaults: unknown, suggest: Suggest): readonly Problem[] {
  const steps = itemsAt(one, "steps");
  if ("steps" in one) {
    const both = ["request", "expect"].filter((key) => key in one);
    const among = both.map((key) => clash([...path, key], `${key} beside steps`, "move it into a step"));
    const expects = steps.some((step) => at(step, "expect") !== undefined);
    const idle = clash([...path, "steps"], "no step expects anything", "add expect to one");
    return [...among, ...(expects ? [] : [idle]), ...checkSteps(steps, [...path, "steps"], defaults, suggest)];
  }
  const missing = ["request", "expect"].filter((key) => !(key in one));
  const remedies: Readonly<Record<string, string>> = {
    request: "write what is asked, or steps",
    expect: "say what must come of it, such as { decision: allow }",
  };
  return [
    ...missing.map((key) => clash([...path, key], "missing", remedies[key] ?? "add it")),
    ...("request" in one ? checkModel(one.request, [...path, "request"], defaults) : []),
  ];
}

const ACTIONS = ["request", "settle", "wait"] as const;
/** Some seconds. */
const MOST_TIMES = 10_000n;
const OF_SETTLEMENTS: ReadonlySet<string> = new Set(["cost_usd", "remaining", "fault"]);

function checkSteps(steps: readonly unknown[], path: Path, defaults: unknown, suggest: Suggest): readonly Problem[] {
  const asked = new Set<string>();
  let isAsked = false;
  return steps.flatMap((step, index): readonly Problem[] => {
    const here = [...path, index];
    const actions = ACTIONS.filter((key) => at(step, key) !== undefined);
    const [action, second] = actions;
    if (!isRecord(step)) return [];
    if (action === undefined) return [clash(here, "a step that does nothing", "write request, settle or wait")];
    if (second) return [clash([...here, second], `${action} and ${second} in one step`, "make it two steps")];
    if (action === "request") {
      isAsked = true;
      const times = step["times"];
      const isEndless = typeof times === "bigint" && times > MOST_TIMES * ONE;
      const endless = clash([...here, "times"], `more than ${MOST_TIMES} times`, "give what they would use instead");
      const id = textAt(step, "request", "request_id") ?? textAt(defaults, "request_id");
      if (id !== undefined) asked.add(id);
      return [...(isEndless ? [endless] : []), ...checkModel(step["request"], [...here, "request"], defaults)];
    }
    const times = "times" in step ? [clash([...here, "times"], `times beside ${action}`, "only a request has it")] : [];
    if (action === "settle") return [...times, ...checkSettlement(step, here, { isAsked, asked, suggest })];
    const expect = clash([...here, "expect"], "expect beside wait", "nothing comes of waiting; remove it");
    return "expect" in step ? [...times, expect] : times;
  });
}

interface Before {
  readonly isAsked: boolean;
  readonly asked: ReadonlySet<string>;
  readonly suggest: Suggest;
}

function checkSettlement(step: unknown, path: Path, { isAsked, asked, suggest }: Before): readonly Problem[] {
  const id = textAt(step, "settle", "of");
  const unknown: readonly Problem[] =
    id === undefined || asked.has(id)
      ? []
      : [
          {
            path: [...path, "settle", "of"],
            at: "value",
            what: `no request before has the request_id ${show(id)}`,
            remedy: () => didYouMean(suggest(id, asked), "give the request this request_id"),
          },
        ];
  const nothing = isAsked ? [] : [clash([...path, "settle"], "no request before", "ask first, or write given")];
  const odd = entriesAt(step, "expect").filter(([key]) => !OF_SETTLEMENTS.has(key));
  return [
    ...unknown,
    ...(id === undefined ? nothing : []),
    ...odd.map(([key]) =>
      clash([...path, "expect", key], "nothing of a settlement", `expect ${[...OF_SETTLEMENTS].join(", ")}`),
    ),
  ];
}

function checkModel(request: unknown, path: Path, defaults: unknown): readonly Problem[] {
  if (!isRecord(request) || "model" in request || at(defaults, "model") !== undefined) return [];
  return [clash([...path, "model"], "missing", "name a model, here or under defaults")];
}

function clash(path: Path, what: string, remedy: string): Problem {
  return { path, at: "key", what, remedy };
}
