import type { Policy } from "../policy.js";
import { catalogueChanges } from "./catalogue.js";
import { type Change, SECTIONS } from "./change.js";
import { limitChanges } from "./limits.js";
import { MayCallComparison, Permissions } from "./may-call.js";
import { pairChanges, type Side, type Sides } from "./pairs.js";
import { principalChanges } from "./principals.js";
import { settingChanges } from "./settings.js";
import { trustChanges } from "./trust.js";

/**
 * Say what two policies differ in, as far as it decides anything: who may call more or less, and which ceilings move.
 *
 * Policies that are written differently and decide alike have no difference. Whoever is alike is told of together, so
 * that thousands of principals are few changes.
 */
export function comparePolicies(old: Policy, now: Policy): readonly Change[] {
  const sides: Sides = { old: side(old), now: side(now), comparison: new MayCallComparison() };
  const { changes, members } = principalChanges(sides);
  const all = [
    ...pairChanges(sides, members),
    ...limitChanges(old, now),
    ...changes,
    ...trustChanges(old, now),
    ...settingChanges(old, now),
    ...catalogueChanges(old, now),
  ];
  // Sorting keeps the order within each section.
  return all.sort((left, right) => SECTIONS.indexOf(left.section) - SECTIONS.indexOf(right.section));
}

function side(policy: Policy): Side {
  return { policy, permissions: new Permissions(policy) };
}
