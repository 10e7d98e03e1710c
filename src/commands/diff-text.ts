import { type Change, type Concerned, type Effect, SECTIONS } from "../domain/diff/change.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { formatCount, formatTable, plural } from "./table.js";

/** What two policies differ in. */
export interface PolicyDiff {
  readonly old: PolicyInFile;
  readonly now: PolicyInFile;
  readonly changes: readonly Change[];
}

interface PolicyInFile {
  readonly file: string;
  readonly policy: Policy;
}

const SIGNS: Readonly<Record<Effect, string>> = { gains: "+", loses: "-", changes: "~" };
/** Stands where a value was not, or is no more. */
const ABSENT = "none";

/** Write a difference for a person: a table for each section, + for more than before, - for less, ~ for neither. */
export function diffText({ old, now, changes }: PolicyDiff): string {
  const between = printable(`${nameOf(old)} to ${nameOf(now)}`);
  if (changes.length === 0) return `${between}: no difference, they decide alike\n`;
  const count = (effect: Effect) => formatCount(changes.filter((change) => change.effect === effect).length);
  const counts = `${count("gains")} allow more (+), ${count("loses")} allow less (-), ${count("changes")} do neither (~)`;
  return `${between}: ${plural(changes.length, "change")}: ${counts}\n${SECTIONS.map((one) => sectionText(one, changes)).join("")}`;
}

function nameOf({ file, policy }: PolicyInFile): string {
  return `${file} (${policy.revision})`;
}

function sectionText(section: Change["section"], changes: readonly Change[]): string {
  const own = changes.filter((change) => change.section === section);
  if (own.length === 0) return "";
  const titles = ["", section.toUpperCase(), "", "OLD", "NEW"];
  const columns = titles.map((title) => ({ title, align: "left" }) as const);
  const rows = own.map(({ effect, who, what, from, to }) => [
    SIGNS[effect],
    whoText(who),
    what,
    from?.text ?? ABSENT,
    to?.text ?? ABSENT,
  ]);
  return `\n${formatTable(columns, rows)}`;
}

function whoText(who: Concerned): string {
  switch (who.kind) {
    case "named":
      return who.isEvery ? `every ${who.of}` : listed(who.names);
    case "pairs": {
      const roles = who.isEveryRole ? "every role" : listed(who.roles);
      const workspaces = who.isEveryWorkspace ? "every workspace" : listed(who.workspaces);
      return `${roles} in ${workspaces}${who.listed > 0 ? ` (${plural(who.listed, "principal")})` : ""}`;
    }
    case "principals": {
      const [only] = who.ids;
      if (who.ids.length === 1) return `principals.${only}`;
      const count = who.ids.length > MOST_NAMED ? `${plural(who.ids.length, "principal")}: ` : "";
      return `${count}${listed(who.ids)} (${someOf(who.roles, "role")} in ${someOf(who.workspaces, "workspace")})`;
    }
  }
}

const MOST_NAMED = 3;

function listed(names: readonly string[]): string {
  if (names.length <= MOST_NAMED + 1) return names.join(", ");
  return `${names.slice(0, MOST_NAMED).join(", ")} and ${formatCount(names.length - MOST_NAMED)} more`;
}

function someOf(names: readonly string[], unit: string): string {
  const [only = ""] = names;
  return names.length === 1 ? only : plural(names.length, unit);
}

/** Take a difference as JSON: everyone and everything by name, and values as data. */
export function diffValue({ old, now, changes }: PolicyDiff): object {
  const side = ({ file, policy }: PolicyInFile) => ({ file, policy_revision: policy.revision });
  return {
    old: side(old),
    new: side(now),
    differs: changes.length > 0,
    changes: changes.map(({ section, effect, who, what, from, to }) => ({
      section,
      effect,
      who: whoValue(who),
      what,
      old: from?.value ?? null,
      new: to?.value ?? null,
    })),
  };
}

function whoValue(who: Concerned): object {
  switch (who.kind) {
    case "named":
      return { names: who.names };
    case "pairs":
      return { roles: who.roles, workspaces: who.workspaces, listed_principals: who.listed };
    case "principals":
      return { principals: who.ids, roles: who.roles, workspaces: who.workspaces };
  }
}
