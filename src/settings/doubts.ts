import type { RedisNode, RedisTarget } from "../counters/redis/redis-url.js";
import type { ServeSettings } from "../settings.js";
import { formatAddress, isLocal } from "../transport/address.js";

/**
 * Find what is allowed and could still be a slip: each a line that says what it means and how to make it safe.
 *
 * What no contract allows is a fault, and found when settings are read.
 */
export function doubtsIn(settings: ServeSettings): readonly string[] {
  return [
    ...[...declared(settings), ...fixed(settings), ...sockets(settings), ...admin(settings), ...redis(settings)],
    ...collectors(settings),
  ];
}

function declared({ declaredIsExposed }: ServeSettings): readonly string[] {
  if (!declaredIsExposed) return [];
  return [
    "callers are taken at their word (--insecure-declared-identity): whoever reaches a listener can name anyone; give --identity credential",
  ];
}

/** A certificate says who may connect, where it does not say who calls. */
function fixed({ identity, listen, tls }: ServeSettings): readonly string[] {
  if (identity.kind !== "fixed" || tls?.clientCaFile !== undefined) return [];
  return listen
    .filter((address) => !isLocal(address))
    .map(
      (address) =>
        `--listen ${formatAddress(address)}: whoever reaches it is ${identity.id} (--identity fixed); give --tls-client-ca, or listen on a Unix socket or loopback`,
    );
}

const OTHERS_WRITE = 0o002;

function sockets({ identity, listen, socketAccess }: ServeSettings): readonly string[] {
  const isOpen = socketAccess !== undefined && (socketAccess.mode & OTHERS_WRITE) !== 0;
  if (!isOpen || identity.kind === "credential" || !listen.some(({ kind }) => kind === "unix")) return [];
  const what = identity.kind === "fixed" ? `is then ${identity.id}` : "is then taken at its word";
  return [
    `--socket-mode: every user of this machine may connect, and ${what}; give 0660 and --socket-group, or --identity credential`,
  ];
}

function admin({ admin: address }: ServeSettings): readonly string[] {
  if (address === undefined || isLocal(address)) return [];
  return [
    `--admin ${formatAddress(address)}: the admin token crosses the network in plain text; put what encrypts in front of it, or listen on loopback or a Unix socket`,
  ];
}

function redis({ redis: target }: ServeSettings): readonly string[] {
  if (target === undefined || target.tls) return [];
  const far = nodesOf(target).find(({ host }) => !isLocal({ kind: "tcp", host, port: 0 }));
  if (far === undefined) return [];
  const what = target.password === undefined ? "the counters cross" : "its password and the counters cross";
  return [
    `--redis: ${what} the network to ${far.host} in plain text, and who is on the way can change them; write rediss://`,
  ];
}

function nodesOf(target: RedisTarget): readonly RedisNode[] {
  if (target.kind === "single") return [target.node];
  return target.kind === "sentinel" ? target.sentinels : target.nodes;
}

/** Headers for a collector are its credential. */
function collectors({ telemetry, decisionLog }: ServeSettings): readonly string[] {
  const log = decisionLog?.target.kind === "otlp" ? decisionLog.target.to : undefined;
  const far = [telemetry?.traces, telemetry?.metrics?.to, log].filter((to) => to !== undefined).filter(isFarInPlain);
  return [...new Set(far)].map(
    (to) =>
      `${to}: what is exported there and OTEL_EXPORTER_OTLP_HEADERS cross the network in plain text; write https://`,
  );
}

/** What has no scheme, OpenTelemetry's own variables say how to reach. */
function isFarInPlain(to: string): boolean {
  if (!to.startsWith("http://")) return false;
  const host = new URL(to).hostname.replace(/^\[|\]$/g, "");
  return !isLocal({ kind: "tcp", host, port: 0 });
}
