/** Where the servers are, and as whom they are spoken to. */
export type RedisTarget = SingleTarget | SentinelTarget | ClusterTarget;

interface Common {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

export interface SingleTarget extends Common {
  readonly kind: "single";
  readonly node: RedisNode;
  readonly database: number;
}

export interface SentinelTarget extends Common {
  readonly kind: "sentinel";
  readonly sentinels: readonly RedisNode[];
  /** What the sentinels call the set of servers. */
  readonly name: string;
  readonly database: number;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
}

export interface ClusterTarget extends Common {
  readonly kind: "cluster";
  /** Some of them; the others are found through these. */
  readonly nodes: readonly RedisNode[];
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** What is wrong with a URL, and what to do about it. Never holds the URL, which may hold a password. */
export interface UrlFault {
  readonly kind: "fault";
  readonly what: string;
  readonly remedy: string;
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const MAX_PORT = 65_535;
/** What Sentinel lets a set of servers be called. */
const SET_NAME = /^[A-Za-z0-9._-]+$/;
const FORM =
  /^(?<tls>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<nodes>[^/?@]+)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/;

/**
 * Read a URL of Redis: `redis://host:6379/0`, `rediss://user:password@host` (TLS),
 * `redis+sentinel://host1,host2/name/0?sentinel_username=…&sentinel_password=…`, `redis+cluster://host1,host2`.
 */
export function parseRedisUrl(text: string): RedisTarget | UrlFault {
  const parts = FORM.exec(text)?.groups;
  if (!parts) return fault("no URL of Redis", `write it as redis://HOST:6379/0, ${OTHERS}`);
  const { kind, path = "", nodes = "", query } = parts;
  if (query !== undefined && kind !== "sentinel") return fault("takes no ?", "leave out what comes after the ?");
  const secrets = readSecrets(query);
  if (!secrets) return fault("a parameter that means nothing", PARAMETERS);

  const found = nodes.split(",").map((node) => parseNode(node, kind === "sentinel" ? SENTINEL_PORT : REDIS_PORT));
  const named = found.filter((node) => node !== undefined);
  const [first] = named;
  if (!first || named.length < found.length) return fault("a host and port cannot be read", "write HOST or HOST:PORT");
  const username = decode(parts["user"]);
  const password = decode(parts["password"]);
  const { sentinelUsername, sentinelPassword } = secrets;
  if (username === null || password === null || sentinelUsername === null || sentinelPassword === null) {
    return fault("a %… that is no character", "write % itself as %25");
  }
  const common = { username, password, tls: parts["tls"] === "rediss" };

  const segments = path.split("/").filter((part) => part !== "");
  if (kind === "cluster") {
    if (segments.length > 0) return fault("a cluster has one database only", "leave out what comes after the hosts");
    return { kind, nodes: named, ...common };
  }
  const [name, ...rest] = kind === "sentinel" ? segments : ["", ...segments];
  const database = parseDatabase(rest);
  if (database === undefined) return fault("no number of a database", "end the URL with /0, or leave that out");
  if (kind === "sentinel") {
    if (!name) return fault("does not say which set of servers", "write redis+sentinel://HOST1,HOST2/NAME");
    // Whatever else stands there may be the end of a password, and the name is shown.
    if (!SET_NAME.test(name)) return fault("no name of a set of servers", "write / in a password as %2F");
    return { kind, sentinels: named, name, database, ...common, sentinelUsername, sentinelPassword };
  }
  if (named.length > 1) return fault("more than one host", `name one, ${OTHERS}`);
  return { kind: "single", node: first, database, ...common };
}

const OTHERS = "rediss:// for TLS, redis+sentinel://HOST1,HOST2/NAME or redis+cluster://HOST1,HOST2";

/** Write where the servers are, without as whom. */
export function formatTarget(target: RedisTarget): string {
  const scheme = target.tls ? "rediss" : "redis";
  const join = (nodes: readonly RedisNode[]) => nodes.map(({ host, port }) => `${bracketed(host)}:${port}`).join(",");
  switch (target.kind) {
    case "single":
      return `${scheme}://${join([target.node])}/${target.database}`;
    case "sentinel":
      return `${scheme}+sentinel://${join(target.sentinels)}/${target.name}/${target.database}`;
    case "cluster":
      return `${scheme}+cluster://${join(target.nodes)}`;
  }
}

/** Whether a URL holds a password, which no argument list may show. */
export function holdsPassword(text: string): boolean {
  // Whatever stands before an @ may be one, also where the URL is misspelt; so may any parameter.
  return /:\/\/.*:.*@/s.test(text) || text.includes("?");
}

function parseNode(text: string, otherwise: number): RedisNode | undefined {
  const parts = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const port = parts?.["port"] === undefined ? otherwise : Number(parts["port"]);
  const host = parts?.["v6"] ?? parts?.["host"];
  return host === undefined || port < 1 || port > MAX_PORT ? undefined : { host, port };
}

function parseDatabase([text = "0", ...more]: readonly string[]): number | undefined {
  return more.length === 0 && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

const PARAMETERS = "give sentinel_username and sentinel_password only";

/** Not by URLSearchParams: that makes a space of a +. undefined: something else is given; null: it is badly escaped. */
function readSecrets(query = "") {
  const given = query === "" ? [] : query.split("&");
  const known = given.map((part) => /^sentinel_(?<name>username|password)=(?<value>.*)$/s.exec(part)?.groups);
  if (known.includes(undefined)) return undefined;
  const last = (name: string) => decode(known.findLast((found) => found?.["name"] === name)?.["value"]);
  return { sentinelUsername: last("username"), sentinelPassword: last("password") };
}

/** undefined for nothing; null for what is badly escaped. */
function decode(text: string | undefined): string | undefined | null {
  if (text === undefined || text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) return null;
    throw cause;
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function fault(what: string, remedy: string): UrlFault {
  return { kind: "fault", what, remedy };
}
