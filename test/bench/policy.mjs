import { MODEL, PRINCIPAL } from "./question.mjs";

/**
 * Write a policy under which six limits count every call and none refuses.
 *
 * The caller that asks is listed first; the others are like it.
 *
 * @param {{ ttl: string, principals?: number, own?: "usd_per_day" | "concurrent_requests", upstreamKey?: string, credentials?: readonly string[] }} options `ttl`: how long a
 *   reservation stays open; `own`: what is counted of each principal beside its tokens a day, by a limit of its own or
 *   one of its role; `upstreamKey`: the variable that holds the workspace's key, which Envoy's door asks for; `credentials`: of
 *   the caller that asks, each as YAML.
 * @returns {string} YAML.
 */
export function benchPolicy({ ttl, principals = 1, own = "usd_per_day", upstreamKey, credentials = [] }) {
  const key = upstreamKey === undefined ? "" : `\n    upstream_key: { env: ${upstreamKey} }`;
  const concurrency = own === "concurrent_requests" ? ", concurrent_requests: 1_000_000_000" : "";
  const limits = own === "usd_per_day" ? ", limits: { usd_per_day: 9_000_000 }" : "";
  const proved = credentials.length === 0 ? "" : `, credentials: [${credentials.join(", ")}]`;
  const names = [PRINCIPAL.id, ...Array.from({ length: principals - 1 }, (_, index) => principalName(index + 1))];
  return `version: 1
organization: acme
reservation_ttl: ${ttl}
limits: { usd_per_month: 9_000_000 }
workspaces:
  ${PRINCIPAL.workspace}:
    models: ["*"]
    limits: { requests_per_minute: 1_000_000_000, usd_per_month: 9_000_000, usd_per_hour: 9_000_000 }${key}
roles:
  ${PRINCIPAL.role}:
    models: [${MODEL}, mistral-large-latest, codestral-latest, mistral-embed]
    limits: { tokens_per_day: 1_000_000_000_000_000${concurrency} }
principals:
${names.map((name, nth) => `  ${name}: { role: ${PRINCIPAL.role}, workspace: ${PRINCIPAL.workspace}${limits}${nth === 0 ? proved : ""} }`).join("\n")}
`;
}

/**
 * Name a listed principal; 0 is the one that `question` speaks for.
 *
 * @param {number} index
 */
export function principalName(index) {
  return index === 0 ? PRINCIPAL.id : `service-${String(index).padStart(5, "0")}`;
}
