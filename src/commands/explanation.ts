import { formatUsd } from "../domain/explain.js";
import { printable } from "../domain/printable.js";
import { MAX_AMOUNT, type Tokens } from "../domain/units.js";
import type { Held, Offer } from "../domain/what-passes.js";
import { AuthorizeResponse } from "../gen/windbreak/v1/policy_decision.js";
import type { Finding } from "../identity/credential.js";
import { CATALOGUE } from "../policy/catalogue.js";
import { verdictText } from "./decision-text.js";
import { formatCell, grouped } from "./limit-table.js";
import { protoValue } from "./proto-json.js";
import { type Column, formatCount, formatTable } from "./table.js";

/** Why a call is decided as it is, and what would pass. */
export interface Explanation {
  readonly decision: AuthorizeResponse;
  /** Whom each credential means that the caller shows. */
  readonly findings: readonly Finding[];
  /** Empty where a rule decided before any limit was looked at. */
  readonly held: readonly (Held & { readonly of: string })[];
  /** undefined: the call has no output, or a rule refuses it whatever its size. */
  readonly largestOutput: Tokens | undefined;
  readonly offers: readonly Offer[];
}

/** Write an explanation for a person. */
export function explanationText({ decision, findings, held, largestOutput, offers }: Explanation): string {
  return [
    verdictText(decision),
    ...findings.map((finding) => `${findingText(finding)}\n`),
    `policy ${printable(decision.policyRevision)}\n`,
    held.length > 0 ? `\n${heldTable(held)}` : "",
    largestOutput === undefined ? "" : `\n${outputText(largestOutput)}\n`,
    offers.length > 0 ? `\nmodels that the rules allow for this call, cheapest first\n${offerTable(offers)}` : "",
  ].join("");
}

function findingText({ source, proof }: Finding): string {
  if (proof.kind === "refused") return printable(`${source} proves nobody: ${proof.refusal.message}`);
  const { id, role, workspace } = proof.name;
  const made = role === "" ? "" : ` (${role} in ${workspace})`;
  return printable(`${source} proves ${id}${made}, by ${proof.by}`);
}

const HELD_COLUMNS: readonly Column[] = [
  { title: "LIMIT", align: "left" },
  { title: "CEILING", align: "right" },
  { title: "USED", align: "right" },
  { title: "RESERVED", align: "right" },
  { title: "LEFT", align: "right" },
  { title: "NEEDED", align: "right" },
  { title: "", align: "left" },
];

const VERDICTS = { passes: "passes", refuses: "refuses", would_refuse: "would refuse" } as const;

/** Write how full each limit is, and what a call needs of it. */
export function heldTable(held: Explanation["held"]): string {
  const rows = grouped(
    held.map((one) => ({ ...one, name: one.limit.name, shadow: one.limit.shadow })),
    ({ limit, used, reserved, left, needed, verdict }) => [
      ...[limit.ceiling, used, reserved, left, needed].map((value) =>
        formatCell({ isMoney: limit.metric === "usd" }, value),
      ),
      VERDICTS[verdict],
    ],
  );
  return formatTable(HELD_COLUMNS, rows);
}

/** Say which max_output_tokens would pass. */
export function outputText(largest: Tokens): string {
  if (largest === 0) return "no max_output_tokens passes with this model and this input";
  // Far above any model's context: only a model without one, under no limit, comes here.
  if (largest > MAX_AMOUNT / 2) return "any max_output_tokens passes";
  return `the largest max_output_tokens that passes with this model and this input: ${formatCount(largest)}`;
}

const OFFER_COLUMNS: readonly Column[] = [
  { title: "MODEL", align: "left" },
  { title: "ENDPOINT", align: "left" },
  { title: "OUTPUT", align: "right" },
  { title: "AT MOST", align: "right" },
  { title: "", align: "left" },
];

const RETIRED: ReadonlyMap<string, string> = new Map(
  CATALOGUE.flatMap(({ id, retiredOn }) => (retiredOn === undefined ? [] : [[id, retiredOn] as const])),
);

function offerTable(offers: readonly Offer[]): string {
  const rows = offers.map(({ model, endpoint, outputTokens, cost, passes }) => {
    const retiredOn = RETIRED.get(model.id);
    const note = retiredOn === undefined ? "" : `, retired ${retiredOn}`;
    const price = cost === undefined ? "no price" : formatUsd(cost);
    const output = outputTokens === 0 ? "" : formatCount(outputTokens);
    return [model.id, endpoint, output, price, `${passes ? "passes" : "refused"}${note}`];
  });
  return formatTable(OFFER_COLUMNS, rows);
}

/** Take an explanation as JSON: the decision as protobuf JSON, and amounts as text, as protobuf writes them. */
export function explanationValue({ decision, findings, held, largestOutput, offers }: Explanation): object {
  return {
    decision: protoValue("windbreak.v1.AuthorizeResponse", AuthorizeResponse.encode(decision).finish()),
    proofs: findings.map(({ source, proof }) =>
      proof.kind === "proved"
        ? { source, principal: proof.name.id, by: proof.by }
        : { source, principal: proof.principal ?? null, why: proof.refusal.message },
    ),
    limits: held.map(({ limit, of, used, reserved, left, needed, verdict }) => ({
      name: limit.name,
      scope_id: of,
      ceiling: String(limit.ceiling),
      used: String(used),
      reserved: String(reserved),
      remaining: String(left),
      needed: String(needed),
      shadow: limit.shadow,
      verdict,
    })),
    largest_max_output_tokens: largestOutput === undefined ? null : String(largestOutput),
    models: offers.map(({ model, endpoint, outputTokens, cost, passes }) => ({
      model: model.id,
      endpoint,
      max_output_tokens: String(outputTokens),
      estimated_cost_nano_usd: cost === undefined ? null : String(cost),
      passes,
    })),
  };
}
