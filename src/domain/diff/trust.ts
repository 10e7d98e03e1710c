import type { Policy } from "../policy.js";
import type { FromClaim, TrustRule } from "../trust.js";
import { type Change, named, type Shown, shownList } from "./change.js";

/** Compare trust rules, and where the keys lie that tokens are verified by. */
export function trustChanges(old: Policy, now: Policy): readonly Change[] {
  const [before, after] = [old.trust.map(ruleText), now.trust.map(ruleText)];
  const gone = before.filter((rule) => !after.includes(rule));
  const come = after.filter((rule) => !before.includes(rule));
  const stay = (rules: readonly string[], others: readonly string[]) => rules.filter((rule) => others.includes(rule));
  const isReordered = stay(before, after).join("\n") !== stay(after, before).join("\n");
  const change = (what: string, effect: Change["effect"], from: Shown | undefined, to: Shown | undefined): Change => ({
    section: "identity",
    effect,
    who: named("trust"),
    what,
    from,
    to,
  });
  const text = (rule: string): Shown => ({ text: rule, value: rule });
  return [
    ...gone.map((rule) => change("rule", "loses", text(rule), undefined)),
    ...come.map((rule) => change("rule", "gains", undefined, text(rule))),
    ...(isReordered
      ? [change("order", "changes", { text: "as it was", value: before }, { text: "another", value: after })]
      : []),
    ...issuerChanges(old, now),
  ];
}

function issuerChanges(old: Policy, now: Policy): readonly Change[] {
  return [...new Set([...old.issuers.keys(), ...now.issuers.keys()])].sort().flatMap((issuer): readonly Change[] => {
    const keys = ({ issuers }: Policy) => {
      const places = issuers.get(issuer)?.keys;
      return places && shownList(places.map(({ at }) => at));
    };
    const [from, to] = [keys(old), keys(now)];
    if (from?.text === to?.text) return [];
    return [{ section: "identity", effect: "changes", who: named(`issuer ${issuer}`), what: "jwks", from, to }];
  });
}

function ruleText(rule: TrustRule): string {
  const { role, workspace } = rule;
  const makes = `role ${nameText(role)}, workspace ${nameText(workspace)}`;
  if (rule.kind === "spiffe") return `${patternText(rule.pattern)}: ${makes}`;
  return `tokens of ${rule.issuer} for ${rule.audience}: principal ${nameText(rule.principal)}, ${makes}`;
}

function nameText(said: string | FromClaim): string {
  if (typeof said === "string") return said;
  const map = said.map && Array.from(said.map, ([value, name]) => `${value} is ${name}`).join(", ");
  return `by claim ${said.claim}${map === undefined ? "" : ` (${map})`}`;
}

/** The pattern as the file has it: each segment that may be any is a star there. */
function patternText({ source }: RegExp): string {
  return source.slice(1, -1).replaceAll("[A-Za-z0-9._-]+", "*").replace(/\\(.)/g, "$1");
}
