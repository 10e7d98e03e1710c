import type { AuthorizeCall } from "../app/authorize.js";
import { ENDPOINTS, type Endpoint } from "../domain/model.js";
import { MAX_AMOUNT } from "../domain/units.js";
import type { Flags, SettingFault } from "../settings/given.js";
import { isGiven, textOf } from "./context.js";

/** A question made of flags, or everything that is wrong with them. */
export type QuestionRead =
  | { readonly kind: "question"; readonly call: AuthorizeCall }
  | { readonly kind: "faulty"; readonly faults: readonly SettingFault[] };

/** Read what a caller would ask Authorize. Forms that the service checks itself are left to it. */
export function readQuestion(flags: Flags): QuestionRead {
  const faults: SettingFault[] = [];
  const amount = (name: string) => readAmount(flags, name, faults);
  if (textOf(flags, "model") === "") {
    faults.push({ where: "--model", what: "missing", remedy: "name a model, such as mistral-small-latest" });
  }
  const call: AuthorizeCall = {
    requestId: textOf(flags, "request-id"),
    principal: { id: textOf(flags, "principal"), role: textOf(flags, "role"), workspace: textOf(flags, "workspace") },
    model: textOf(flags, "model"),
    endpoint: readEndpoint(flags, faults),
    request: {
      inputTokens: amount("input-tokens"),
      maxOutputTokens: amount("max-output-tokens"),
      pages: amount("pages"),
      audioSeconds: amount("audio-seconds"),
      annotatedPages: isGiven(flags, "annotated-pages"),
    },
    labels: readLabels(flags, faults),
    dryRun: isGiven(flags, "dry-run"),
    includeLimits: isGiven(flags, "include-limits"),
  };
  return faults.length > 0 ? { kind: "faulty", faults } : { kind: "question", call };
}

function readAmount(flags: Flags, name: string, faults: SettingFault[]): number {
  const text = textOf(flags, name);
  if (text === "") return 0;
  const amount = /^\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (amount <= MAX_AMOUNT) return amount;
  faults.push({
    where: `--${name} ${text}`,
    what: `not a whole number from 0 to ${MAX_AMOUNT}`,
    remedy: "write it in digits, such as 1000 or 1_000",
  });
  return 0;
}

function readEndpoint(flags: Flags, faults: SettingFault[]): Endpoint | undefined {
  const text = textOf(flags, "endpoint");
  const endpoint = ENDPOINTS.find((name) => name === text);
  if (endpoint === undefined && text !== "") {
    const remedy = `choose ${ENDPOINTS.join(", ")}`;
    faults.push({ where: `--endpoint ${text}`, what: "no endpoint", remedy });
  }
  return endpoint;
}

function readLabels(flags: Flags, faults: SettingFault[]): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  const given = flags["label"];
  for (const text of typeof given === "object" ? given : []) {
    const split = text.indexOf("=");
    const key = text.slice(0, Math.max(0, split));
    const what = key === "" ? "no label" : labels.has(key) ? "given twice" : undefined;
    if (what !== undefined) {
      faults.push({ where: `--label ${text}`, what, remedy: "write each as KEY=VALUE, once" });
    }
    labels.set(key, text.slice(split + 1));
  }
  return Object.fromEntries(labels);
}
