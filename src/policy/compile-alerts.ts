import type { Alert, AlertTarget } from "../domain/alert.js";
import { compileSecret } from "./compile-secret.js";
import type { PolicyFile } from "./schema.js";

/** Compile whom to tell of which limits. @throws Error for a target that is not there, which no check lets through. */
export function compileAlerts({ alerts, notify }: Pick<PolicyFile, "alerts" | "notify">): readonly Alert[] {
  const targets = new Map(
    Object.entries(notify).map(([name, { webhook, secret }]): [string, AlertTarget] => [
      name,
      { name, webhook, secret: secret && compileSecret(secret) },
    ]),
  );
  return alerts.map(({ at, forecast, limits, notify: to }) => {
    const target = targets.get(to);
    if (!target) throw new Error(`alerts name the target ${to}, which is not there`);
    return { at, forecast, limits, target };
  });
}
