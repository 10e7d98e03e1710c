import type { AuditedKey, Finding } from "../app/audit-keys.js";
import type { LastUse } from "../app/key-ports.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { csvOf } from "./csv.js";
import { type Column, formatTable } from "./table.js";

/** What is shown of keys. */
export interface KeysShown {
  readonly keys: readonly AuditedKey[];
  /** Callers' keys have no ages and no ends. */
  readonly isUpstream: boolean;
  /** Whether what was found is shown: of an audit. */
  readonly isAudit: boolean;
}

const DAY_MS = 86_400_000;

/** Write keys as a table, for a person. */
export function keyTable({ keys, isUpstream, isAudit }: KeysShown): string {
  const fields: readonly Field[] = [
    ["KEY", ({ key }) => key.id],
    [isUpstream ? "NAME" : "PRINCIPAL", ({ key }) => key.name],
    ["WORKSPACE", ({ workspace }) => workspace ?? ""],
    ...(isUpstream ? UPSTREAM_FIELDS : []),
    ["LAST USE", ({ lastUse }) => lastUseText(lastUse)],
    ...(isAudit ? [FOUND] : []),
  ];
  const columns = fields.map(([title]): Column => ({ title, align: "left" }));
  return formatTable(
    columns,
    keys.map((audited) => fields.map(([, cell]) => cell(audited))),
  );
}

/** A title, and the cell below it. */
type Field = readonly [string, (audited: AuditedKey) => string];

const FOUND: Field = ["FOUND", ({ findings }) => findings.map(findingText).join(", ")];
const UPSTREAM_FIELDS: readonly Field[] = [
  ["IN FORCE", ({ isInForce }) => (isInForce === undefined ? "?" : isInForce ? "yes" : "")],
  ["MADE", ({ key }) => dayText(key.createdAt)],
  ["ENDS", ({ key }) => dayText(key.expiresAt)],
];

/** Write keys as JSON. What is not known is null; `last_used` is a date where only the day is known. */
export function keysJson({ keys, isAudit }: KeysShown): string {
  const rows = keys.map(({ key, workspace, lastUse, isInForce, findings }) => ({
    id: key.id,
    name: key.name,
    workspace: workspace ?? null,
    workspace_id: key.workspace?.id ?? null,
    mask: key.mask ?? null,
    in_force: isInForce ?? null,
    created_at: instantText(key.createdAt) ?? null,
    expires_at: instantText(key.expiresAt) ?? null,
    last_used: lastUsed(lastUse) ?? null,
    never_used: lastUse.kind === "unknown" ? null : lastUse.kind === "never",
    ...(isAudit ? { found: findings.map((finding) => ({ kind: finding.kind, text: findingText(finding) })) } : {}),
  }));
  return `${JSON.stringify({ keys: rows }, undefined, 2)}\n`;
}

/** Write keys as CSV. What is not known is empty. */
export function keysCsv({ keys, isAudit }: KeysShown): string {
  const titles = "id,name,workspace,workspace_id,mask,in_force,created_at,expires_at,last_used".split(",");
  const rows = keys.map(({ key, workspace, lastUse, isInForce, findings }) => [
    key.id,
    key.name,
    workspace ?? "",
    key.workspace?.id ?? "",
    key.mask ?? "",
    isInForce === undefined ? "" : String(isInForce),
    instantText(key.createdAt) ?? "",
    instantText(key.expiresAt) ?? "",
    lastUse.kind === "never" ? "never" : (lastUsed(lastUse) ?? ""),
    ...(isAudit ? [findings.map(findingText).join("; ")] : []),
  ]);
  return csvOf([[...titles, ...(isAudit ? ["found"] : [])], ...rows]);
}

/** Say a finding in few words. */
export function findingText(finding: Finding): string {
  switch (finding.kind) {
    case "unused":
      return `unused for ${days(finding.forMs)}`;
    case "never_used":
      return "never used";
    case "not_seen":
      return `not used since Windbreak looks, ${dayText(finding.since)}`;
    case "old":
      return `${days(finding.ageMs)} old`;
    case "expired":
      return "has expired";
    case "expiring":
      return `expires in ${days(finding.inMs)}`;
    case "unknown_workspace":
      return "in a workspace that the keys file does not know";
    case "name_twice":
      return "another key has its name";
  }
}

function days(ms: Millis): string {
  return ms < DAY_MS ? "less than a day" : `${Math.floor(ms / DAY_MS)} d`;
}

function lastUseText(lastUse: LastUse): string {
  switch (lastUse.kind) {
    case "instant":
      return new Date(lastUse.at).toISOString().slice(0, 16).replace("T", " ");
    case "day":
      return dayText(lastUse.start);
    case "never":
      return "never";
    case "unknown":
      return "?";
  }
}

function lastUsed(lastUse: LastUse): string | undefined {
  if (lastUse.kind === "instant") return instantText(lastUse.at);
  return lastUse.kind === "day" ? dayText(lastUse.start) : undefined;
}

function dayText(at: EpochMs | undefined): string {
  return instantText(at)?.slice(0, 10) ?? "";
}

function instantText(at: EpochMs | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
