import { type Counter, counterOf } from "../../domain/caller.js";
import type { Limit } from "../../domain/limit.js";
import type { Millis } from "../../domain/units.js";
import type { Path, Problem } from "../../policy/faults.js";
import { didYouMean, suggester } from "../../policy/nearest.js";
import { show } from "../../policy/show.js";
import type { SuiteCase, SuiteRequest } from "../../policy/suite-schema.js";
import { amountIn, amountRemedy, holderOf } from "./limits-in.js";
import type { SuiteStage } from "./stage.js";

type Said = NonNullable<SuiteCase["given"]>[string];

/** What a counter holds before a case begins. */
export interface Seed {
  readonly counter: Counter;
  readonly amount: number;
  /** How long calls under way stay so. */
  readonly reservationTtlMs: Millis;
}

/** A case's `given`, and whose counters are meant where it does not say. */
export interface Given {
  readonly path: Path;
  readonly said: Said;
  readonly limit: Limit;
  readonly stage: SuiteStage;
  readonly first: SuiteRequest;
}

/** As where the policy says nothing of it. */
const DEFAULT_TTL_MS = 900_000;

/** Find the counter that is meant, and what it is to hold; or what is wrong with what was said. */
export function seedOf({ path, said, limit, stage, first }: Given): Seed | Problem {
  const amount = amountIn(limit, said.used);
  if (limit.window === "request") {
    return problem(path, "a limit of each call alone, which counts nothing", "remove it");
  }
  if (amount === undefined) {
    return problem(path, "no number that this limit can count", amountRemedy(limit));
  }
  const { policy } = stage.snapshot;
  const odd = (["principal", "workspace"] as const).find(
    (key) => said[key] !== undefined && !(limit.scope === "role" && !(key === "principal" && limit.shared)),
  );
  if (odd) return problem([...path, odd], `nothing that ${limit.name} depends on`, "remove it");
  if (said.workspace !== undefined && !policy.workspaces.has(said.workspace)) {
    const remedy = () =>
      didYouMean(suggester()(said.workspace ?? "", policy.workspaces.keys()), "name one of the policy's");
    return { path: [...path, "workspace"], at: "value", what: `unknown workspace ${show(said.workspace)}`, remedy };
  }
  const of = ownerOf(limit, said, stage, first);
  if ("what" in of) return problem(path, of.what, of.remedy);
  const ttl = policy.workspaces.get(of.workspace)?.reservationTtlMs ?? DEFAULT_TTL_MS;
  return { counter: counterOf(limit, of), amount, reservationTtlMs: ttl };
}

interface Owner {
  readonly workspace: string;
  readonly role: string;
  readonly principal: string;
}

/** The first request's caller stands in where nothing is said, and must then have the role. */
function ownerOf(
  limit: Limit,
  said: Said,
  stage: SuiteStage,
  first: SuiteRequest,
): Owner | { readonly what: string; readonly remedy: string } {
  const caller = callerOf(stage, first);
  const holder = holderOf(limit);
  if (limit.scope === "principal") return { workspace: caller?.workspace ?? "", role: "", principal: holder };
  if (limit.scope !== "role") {
    const workspace = limit.scope === "workspace" ? holder : (caller?.workspace ?? "");
    return { workspace, role: "", principal: "" };
  }
  const listed = said.principal === undefined ? undefined : stage.snapshot.policy.principals.get(said.principal);
  const isCaller = caller?.role === holder;
  const workspace = said.workspace ?? listed?.workspace ?? (isCaller ? caller.workspace : undefined);
  const principal = limit.shared ? "" : (said.principal ?? (isCaller ? caller.principal : undefined));
  if (workspace !== undefined && principal !== undefined) return { workspace, role: holder, principal };
  const why = caller ? `has the role ${caller.role}` : "is nobody whom the policy knows";
  const keys = limit.shared ? "workspace: …" : "principal: …, workspace: …";
  return {
    what: `a role's limit, and the first request's caller ${why}`,
    remedy: `say whose: { used: …, ${keys} }`,
  };
}

function callerOf(stage: SuiteStage, request: SuiteRequest): Owner | undefined {
  const found = stage.whoIs(request);
  if (found.kind !== "resolved") return undefined;
  const { standing, account } = found;
  return { workspace: standing.workspace.name, role: standing.role.name, principal: account.caller.principal };
}

function problem(path: Path, what: string, remedy: string): Problem {
  return { path, at: "value", what, remedy };
}
