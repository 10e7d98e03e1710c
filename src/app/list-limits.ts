import { type Caller, callerOf, readRoleCounterKey, standingUnder } from "../domain/caller.js";
import { isPerRequest, type Limit } from "../domain/limit.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "../domain/policy.js";
import type { Desk } from "./desk.js";
import { type LimitReport, reportAll } from "./limit-report.js";
import type { Away, Page } from "./ports.js";
import type { Snapshot } from "./snapshot.js";

/** A limit and how it stands, with whom it governs. */
export interface ListedLimit extends LimitReport {
  /** Empty where the limit is not one workspace's. */
  readonly workspace: string;
  /** Empty where the limit is not one principal's. */
  readonly principal: string;
}

export interface LimitPage {
  readonly policyRevision: string;
  readonly limits: readonly ListedLimit[];
  /** The `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

/** Someone whose counters are listed together, and those limits alone. */
interface Subject {
  readonly caller: Caller;
  readonly workspace: string;
  readonly principal: string;
}

const LISTED = "listed-";
const COUNTED = "counted-";
const CURSOR = /^(?:(?:listed|counted)-\d{1,20})?$/;

/** Whether `listLimits` may have given this as a `next`; empty: the first page. */
export function isLimitCursor(after: string): boolean {
  return CURSOR.test(after);
}

/**
 * List every limit that has a counter: first those that the policy names (organization, workspaces, shared roles, listed
 * principals), then those of unlisted principals who have used something.
 */
export async function listLimits(desk: Desk, { after, limit }: Page): Promise<LimitPage | Away> {
  const snapshot = desk.snapshot();
  const { policy } = snapshot;
  if (after.startsWith(COUNTED)) return listCounted(desk, snapshot, after.slice(COUNTED.length), limit);

  const limits: ListedLimit[] = [];
  let position = 0;
  const start = after.startsWith(LISTED) ? Number(after.slice(LISTED.length)) : 0;
  for (const subject of listedSubjects(policy)) {
    if (position++ < start) continue;
    if (limits.length >= limit) return { policyRevision: policy.revision, limits, next: `${LISTED}${position - 1}` };
    const read = await readSubject(desk, snapshot, subject);
    if ("kind" in read) return read;
    limits.push(...read);
  }
  return { policyRevision: policy.revision, limits, next: `${COUNTED}0` };
}

/** Read the limits whose number is bounded by the policy's shape: organization, workspaces, shared roles. */
export async function readSharedLimits(desk: Desk): Promise<readonly ListedLimit[] | Away> {
  const snapshot = desk.snapshot();
  const subjects = [...sharedSubjects(snapshot.policy)];
  const reads = await Promise.all(subjects.map((subject) => readSubject(desk, snapshot, subject)));
  const limits: ListedLimit[] = [];
  for (const read of reads) {
    if ("kind" in read) return read;
    limits.push(...read);
  }
  return limits;
}

async function listCounted(desk: Desk, snapshot: Snapshot, after: string, limit: number): Promise<LimitPage | Away> {
  const page = await desk.store.counters({ after, limit });
  if ("kind" in page) return page;
  const { policy } = snapshot;
  const limits: ListedLimit[] = [];
  for (const key of page.keys) {
    const subject = countedSubject(policy, key);
    if (!subject) continue;
    const read = await readSubject(desk, snapshot, subject);
    if ("kind" in read) return read;
    limits.push(...read);
  }
  const next = page.next === undefined ? undefined : `${COUNTED}${page.next}`;
  return { policyRevision: policy.revision, limits, next };
}

async function readSubject(
  desk: Desk,
  { calendar }: Snapshot,
  { caller, workspace, principal }: Subject,
): Promise<readonly ListedLimit[] | Away> {
  const now = desk.clock.now();
  const readings = await desk.store.read(desk.store.open(caller), calendar, now);
  if ("kind" in readings) return readings;
  return reportAll(caller, readings).map((limit) => ({ ...limit, workspace, principal }));
}

function* sharedSubjects(policy: Policy): Iterable<Subject> {
  const [anyWorkspace] = policy.workspaces.values();
  const [anyRole] = policy.roles.values();
  // Nobody can be admitted, so nothing is counted.
  if (!anyWorkspace || !anyRole) return;

  yield subjectOf(policy, anyWorkspace, anyRole, undefined, "", policy.limits, "");
  for (const workspace of policy.workspaces.values()) {
    yield subjectOf(policy, workspace, anyRole, undefined, "", workspace.limits, workspace.name);
    for (const role of policy.roles.values()) {
      const shared = role.limits.filter((limit) => limit.shared);
      if (shared.length > 0) yield subjectOf(policy, workspace, role, undefined, "", shared, workspace.name);
    }
  }
}

function* listedSubjects(policy: Policy): Iterable<Subject> {
  yield* sharedSubjects(policy);
  for (const listed of policy.principals.values()) {
    const workspace = policy.workspaces.get(listed.workspace);
    const role = policy.roles.get(listed.role);
    if (!workspace || !role) continue;
    const limits = [...role.limits.filter((limit) => !limit.shared), ...listed.limits];
    yield subjectOf(policy, workspace, role, listed, listed.name, limits, workspace.name);
  }
}

/** The principal whom a counter belongs to, if the policy does not list it and still knows the limit. */
function countedSubject(policy: Policy, key: string): Subject | undefined {
  const name = readRoleCounterKey(key);
  if (!name || policy.principals.has(name.principal)) return undefined;
  const workspace = policy.workspaces.get(name.workspace);
  const role = policy.roles.get(name.role);
  const limits = role?.limits.filter((limit) => limit.key === name.limitKey && !limit.shared) ?? [];
  if (!workspace || !role || limits.length === 0) return undefined;
  return subjectOf(policy, workspace, role, undefined, name.principal, limits, workspace.name);
}

function subjectOf(
  policy: Policy,
  workspace: Workspace,
  role: Role,
  listed: ListedPrincipal | undefined,
  principal: string,
  governing: readonly Limit[],
  shownWorkspace: string,
): Subject {
  const limits = governing.filter((limit) => !isPerRequest(limit));
  const standing = standingUnder(limits, policy, workspace, role, listed);
  return { caller: callerOf(standing, principal), workspace: shownWorkspace, principal };
}
