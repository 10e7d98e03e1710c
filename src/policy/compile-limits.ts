import { LIMIT_KEYS, type Limit, type Scope } from "../domain/limit.js";
import { HTTP_STATUS, reasonOf } from "../domain/reason.js";
import type { LimitRule } from "./limit-schema.js";

/**
 * Compile the limits of one scope, in the order of their keys.
 *
 * @param prefix what their names start with: `organization`, `roles.analyst`.
 * @throws Error for a key that no schema lets through.
 */
export function compileLimits(
  scope: Scope,
  prefix: string,
  rules: Readonly<Record<string, LimitRule | undefined>> | undefined,
): readonly Limit[] {
  const limits: Limit[] = [];
  for (const key of Object.keys(rules ?? {}).sort()) {
    const rule = rules?.[key];
    if (rule) limits.push(limitOf(scope, prefix, key, rule));
  }
  return limits;
}

function limitOf(scope: Scope, prefix: string, key: string, rule: LimitRule): Limit {
  const counted = LIMIT_KEYS.get(key);
  if (!counted) throw new Error(`no limit has the key ${key}`);
  return {
    name: `${prefix}.${key}`,
    key,
    scope,
    metric: counted.metric,
    window: counted.window,
    ceiling: rule.ceiling,
    shadow: rule.shadow,
    shared: rule.shared,
    httpStatus: rule.status ?? HTTP_STATUS[reasonOf(counted)],
  };
}
