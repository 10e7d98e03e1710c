import { type AuthorizeCall, authorize } from "../app/authorize.js";
import type { Desk } from "../app/desk.js";
import { whoAsks } from "../app/identify.js";
import type { Evidence } from "../app/identity-ports.js";
import { Snapshot } from "../app/snapshot.js";
import { MemoryStore } from "../counters/memory/memory-store.js";
import { scopeId } from "../domain/caller.js";
import { evaluate } from "../domain/evaluate.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import type { EpochMs } from "../domain/units.js";
import { type Counted, holdAgainst, largestOutput, offersFor } from "../domain/what-passes.js";
import { Calendar } from "../domain/window.js";
import { AuthorizeResponse, Reason } from "../gen/windbreak/v1/policy_decision.js";
import { credentialIdentity, findingsIn } from "../identity/credential.js";
import { declaredIdentity } from "../identity/declared.js";
import { type AskSettings, readAskSettings } from "../settings.js";
import { writeDecision } from "../transport/codec.js";
import { type Context, EXIT, type Failure, fail, failUsage, failure, isGiven, textOf } from "./context.js";
import { type Explanation, explanationText, explanationValue } from "./explanation.js";
import { openPolicy } from "./policy-file.js";
import { readProof } from "./proof.js";
import { readQuestion } from "./question.js";
import { askAuthorize, askBudget } from "./service-calls.js";

/** A decision, and the counters that it was made on. */
interface Judged {
  readonly kind: "judged";
  readonly decision: AuthorizeResponse;
  readonly counted: Counted;
  /** With the principal as it was resolved. */
  readonly call: AuthorizeCall;
}

/**
 * Say why a policy file decides a call as it does, and what would pass: on counters that nothing has touched, or, where
 * `--server` is given, on those of a running server.
 *
 * @returns 1 where the call would be denied.
 */
export async function explainPolicy(context: Context): Promise<number> {
  const { io, flags, args } = context;
  const question = readQuestion(flags);
  // A variable that names a server does not say that this question is for it.
  const settings = textOf(flags, "server") === "" ? undefined : readAskSettings(context);
  const proof = await readProof(flags);
  const faults = [question, settings, proof].flatMap((read) => (read?.kind === "faulty" ? read.faults : []));
  if (question.kind === "faulty" || settings?.kind === "faulty" || proof.kind === "faulty") {
    return failUsage(io, faults);
  }
  const [file = ""] = args;
  const opened = await openPolicy(io, file);
  if ("exitCode" in opened) return opened.exitCode;

  const { policy } = opened;
  const { evidence } = proof;
  const desk = deskFor(policy, io.now(), evidence !== undefined);
  const call: AuthorizeCall = { ...question.call, dryRun: true, includeLimits: false };
  const judged = await (settings ? judgeLive(settings.settings, call) : judgeFresh(desk, call, evidence));
  if (judged.kind === "failure") return fail(io, judged);
  const inForce = judged.decision.policyRevision;
  if (inForce !== policy.revision) {
    const what = `warning: the server decides by policy ${inForce}, not by ${policy.revision} of this file`;
    io.stderr.write(`${printable(`${file}: ${what}; what is said of limits and models is the file's`)}\n`);
  }
  const explanation = explain(desk, judged, evidence);
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify(explanationValue(explanation), undefined, 2)}\n`);
  else io.stdout.write(explanationText(explanation));
  return judged.decision.allowed ? EXIT.done : EXIT.no;
}

/** A desk at which nothing was ever asked. */
function deskFor(policy: Policy, now: EpochMs, isProved: boolean): Desk {
  const store = new MemoryStore(() => 0);
  const snapshot = new Snapshot(policy, new Calendar(policy.timezone), store);
  const clock = { now: () => now };
  return {
    identity: isProved ? credentialIdentity(clock) : declaredIdentity(),
    store,
    clock,
    log: { decided: () => {}, settled: () => {}, released: () => {} },
    snapshot: () => snapshot,
    inventId: () => "",
  };
}

async function judgeFresh(desk: Desk, call: AuthorizeCall, evidence: Evidence | undefined): Promise<Judged | Failure> {
  const answer = await authorize(desk, call, { evidence });
  if (answer.kind === "fault") return failure(EXIT.usage, answer.message);
  return { kind: "judged", decision: AuthorizeResponse.decode(writeDecision(answer)), counted: new Map(), call };
}

const UNKNOWN: ReadonlySet<Reason> = new Set([
  Reason.REASON_UNKNOWN_PRINCIPAL,
  Reason.REASON_UNKNOWN_ROLE,
  Reason.REASON_UNKNOWN_WORKSPACE,
]);

async function judgeLive(settings: AskSettings, call: AuthorizeCall): Promise<Judged | Failure> {
  const decided = await askAuthorize(settings, call);
  if (decided.kind === "failure") return decided;
  const decision = decided.message;
  if (UNKNOWN.has(decision.reason)) return { kind: "judged", decision, counted: new Map(), call };

  const budget = await askBudget(settings, { principal: call.principal, model: "" });
  if (budget.kind === "failure") return budget;
  const { limits, principal = call.principal } = budget.message;
  const counted = new Map(limits.map(({ name, used, reserved }) => [name, { used, reserved }]));
  return { kind: "judged", decision, counted, call: { ...call, principal } };
}

function explain(desk: Desk, { decision, counted, call }: Judged, evidence: Evidence | undefined): Explanation {
  const snapshot = desk.snapshot();
  const { policy } = snapshot;
  const findings = evidence ? findingsIn(policy, evidence) : [];
  const nothing: Explanation = { decision, findings, held: [], largestOutput: undefined, offers: [] };
  const found = whoAsks(desk.identity, snapshot, call.principal, evidence);
  if (found.kind !== "resolved") return nothing;

  const { standing, account } = found;
  const { request } = call;
  const plan = snapshot.plan(found, call.model, call.endpoint, request.annotatedPages);
  const endpoint = call.endpoint ?? plan.endpoint;
  const offers = offersFor({ policy, standing, request, endpoint, counted });
  if (plan.kind === "refused") return { ...nothing, offers };

  const verdict = evaluate(standing, plan, request);
  const held = verdict.kind === "uncountable" ? [] : holdAgainst(standing, counted, verdict.worst);
  return {
    decision,
    findings,
    held: held.map((one) => ({ ...one, of: scopeId(one.limit, standing, account.caller.principal) })),
    largestOutput: plan.hasOutput ? largestOutput({ standing, plan, request, counted }) : undefined,
    offers,
  };
}
