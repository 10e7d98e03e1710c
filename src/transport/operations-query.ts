import type { CallerName } from "../app/ports.js";
import { ID, NAME } from "../domain/names.js";
import type { Refusal } from "./admin-guard.js";
import { RATE_SPANS, type RateSpan } from "./operations-source.js";

/** Read how far back `/v1/decisions` is asked for. */
export function readSpanQuery(query: URLSearchParams): { readonly span: RateSpan } | Refusal {
  const misfit = misfitOf(query, ["span"]);
  if (misfit) return misfit;
  const span = RATE_SPANS.find((one) => one === (query.get("span") ?? "5m"));
  return span ? { span } : fault(`span is one of ${RATE_SPANS.join(", ")}`);
}

/** Read after which denial `/v1/denials` is asked for; 0 where none is named. */
export function readDenialsQuery(query: URLSearchParams): { readonly after: number } | Refusal {
  const misfit = misfitOf(query, ["after"]);
  if (misfit) return misfit;
  const after = query.get("after") ?? "0";
  return /^\d{1,16}$/.test(after) ? { after: Number(after) } : fault("after is the number of a denial");
}

/** Read whom `/v1/principals` is asked for; a role and a workspace that are left out are empty. */
export function readPrincipalQuery(query: URLSearchParams): CallerName | Refusal {
  const misfit = misfitOf(query, ["id", "role", "workspace"]);
  if (misfit) return misfit;
  const principal = query.get("id") ?? "";
  if (!ID.test(principal)) return fault("id is that of a principal");
  const role = query.get("role") ?? "";
  const workspace = query.get("workspace") ?? "";
  const isNamed = [role, workspace].every((name) => name === "" || NAME.test(name));
  return isNamed ? { principal, role, workspace } : fault("role and workspace are names of the policy");
}

/** A parameter that is misspelt would be answered as if it were not there, so an unknown one is refused. */
function misfitOf(query: URLSearchParams, known: readonly string[]): Refusal | undefined {
  const names = [...query.keys()];
  const isKnown = names.every((name) => known.includes(name)) && new Set(names).size === names.length;
  return isKnown ? undefined : fault(`the parameters are ${known.join(", ")}, each at most once`);
}

function fault(error: string): Refusal {
  return { status: 400, error };
}
