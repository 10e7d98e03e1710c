import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Dialect } from "../../../src/domain/keys-file.js";
import type { EpochMs } from "../../../src/domain/units.js";
import { endAfterwards } from "../redis/ending.js";

/** A key that lives at the server. */
export interface LiveKey {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly workspace: string;
  readonly createdAt: EpochMs;
  readonly expiresAt?: EpochMs;
  /** Tells a day only in the dialect `admin`. undefined: never. */
  lastUsed?: EpochMs;
}

/** What a request is met with in place of an answer. */
export type AdminTrouble =
  /** Never answered. */
  | { readonly kind: "silence" }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  /** Done, and then answered by 500: a key was made that nobody saw. */
  | { readonly kind: "lost" }
  /** Answered, with this in place of the body. */
  | { readonly kind: "body"; readonly body: string };

export type AdminAction = "list" | "create" | "revoke" | "models";

/** A request as it came. */
export interface AdminRequest {
  readonly action: AdminAction | "none";
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AdminServerOptions {
  /** `admin` when left out. */
  readonly dialect?: Dialect;
  readonly keys?: readonly LiveKey[];
  /** The time that keys are made at; the wall clock when left out. */
  readonly now?: () => EpochMs;
  /** What offset and limit the server knows; a server that knows none gives all keys each time. */
  readonly pages?: boolean;
}

const NOT_SO = { message: "Unauthorized" };

/**
 * Mistral's Admin API, and of its ordinary one the list of models, as far as keys go: an HTTP server on 127.0.0.1.
 *
 * Keys are really made, listed and revoked, and `GET /v1/models` takes exactly the keys that live, which it counts as
 * a use. It takes the admin key in either header.
 */
export class AdminServer {
  readonly adminKey = `adm-${randomBytes(18).toString("base64url")}`;
  readonly keys: LiveKey[];
  readonly requests: AdminRequest[] = [];
  /** Called before each page of a list is answered: where keys come and go meanwhile. */
  beforePage: (offset: number) => void = () => {};
  readonly #trouble = new Map<AdminAction, AdminTrouble[]>();
  readonly #options: Required<Omit<AdminServerOptions, "keys">>;
  #origin = "";

  private constructor({ dialect = "admin", keys = [], now = Date.now, pages = true }: AdminServerOptions) {
    this.#options = { dialect, now, pages };
    this.keys = [...keys];
  }

  /** Start one. It ends after the test, or after the file where no test runs. */
  static async start(options: AdminServerOptions = {}): Promise<AdminServer> {
    const admin = new AdminServer(options);
    const server = createServer((request, response) => void admin.#take(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    admin.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    endAfterwards(async () => {
      server.closeAllConnections();
      server.close();
    });
    return admin;
  }

  /** What stands in a keys file as `url`. */
  get url(): string {
    return this.#options.dialect === "admin" ? `${this.#origin}/v1/admin` : `${this.#origin}/v1`;
  }

  /** What stands in a keys file as `api_url`. */
  get apiUrl(): string {
    return this.#origin;
  }

  /** Meet the next requests of a kind with these, one each. */
  trouble(action: AdminAction, ...met: readonly AdminTrouble[]): void {
    this.#trouble.set(action, [...(this.#trouble.get(action) ?? []), ...met]);
  }

  /** How many requests of a kind came. */
  asked(action: AdminAction): number {
    return this.requests.filter((request) => request.action === action).length;
  }

  async #take(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of message) parts.push(part);
    const url = new URL(message.url ?? "/", this.#origin);
    const action = this.#actionOf(message.method ?? "", url.pathname);
    const text = Buffer.concat(parts).toString("utf8");
    const body: Readonly<Record<string, unknown>> = text === "" ? {} : JSON.parse(text);
    this.requests.push({ action, path: message.url ?? "", headers: message.headers, body });
    const met = action === "none" ? undefined : this.#trouble.get(action)?.shift();
    if (met?.kind === "silence") return;
    if (met?.kind === "status") return give(response, met.status, met.body ?? { message: "trouble" }, met.headers);
    if (met?.kind === "body") return void response.writeHead(200).end(met.body);
    const [status, answer] = this.#answer(action, url, message.headers, body);
    if (met?.kind === "lost") return give(response, 500, { message: "internal error" });
    give(response, status, answer);
  }

  #actionOf(method: string, path: string): AdminAction | "none" {
    const root = `${new URL(this.url).pathname}/api-keys`;
    if (path === "/v1/models" && method === "GET") return "models";
    if (path === root) return method === "GET" ? "list" : method === "POST" ? "create" : "none";
    return path.startsWith(`${root}/`) && method === "DELETE" ? "revoke" : "none";
  }

  #answer(
    action: AdminAction | "none",
    url: URL,
    headers: IncomingMessage["headers"],
    body: Readonly<Record<string, unknown>>,
  ): readonly [number, unknown] {
    const bearer = headers.authorization?.replace(/^Bearer /, "");
    if (action === "models") return this.#models(bearer);
    if (action === "none") return [404, { message: "no Route matched with those values" }];
    if ((headers["x-api-key"] ?? bearer) !== this.adminKey) return [401, NOT_SO];
    if (action === "list") return [200, this.#list(url)];
    if (action === "create") return this.#create(body);
    const index = this.keys.findIndex(({ id }) => id === decodeURIComponent(url.pathname.split("/").at(-1) ?? ""));
    if (index === -1) return [404, { detail: "API key not found" }];
    this.keys.splice(index, 1);
    return this.#options.dialect === "admin" ? [200, { detail: "API key deleted successfully" }] : [204, undefined];
  }

  #models(secret: string | undefined): readonly [number, unknown] {
    const key = this.keys.find((live) => live.secret === secret);
    if (!key) return [401, NOT_SO];
    key.lastUsed = this.#options.now();
    return [200, { object: "list", data: [{ id: "mistral-small-latest" }] }];
  }

  #list(url: URL): unknown {
    const offset = Number(url.searchParams.get("offset") ?? 0);
    const limit = Number(url.searchParams.get("limit") ?? 50);
    this.beforePage(offset);
    const page = this.#options.pages ? this.keys.slice(offset, offset + limit) : this.keys;
    return this.#options.dialect === "admin"
      ? { keys: page.map(asAdmin) }
      : { object: "list", data: page.map(asDocument) };
  }

  #create(body: Readonly<Record<string, unknown>>): readonly [number, unknown] {
    const isAdmin = this.#options.dialect === "admin";
    for (const field of isAdmin ? ["workspace_uuid", "user_id"] : ["workspace_id", "name"]) {
      if (typeof body[field] !== "string") return [422, { detail: [{ loc: ["body", field], msg: "Field required" }] }];
    }
    const key: LiveKey = {
      id: randomUUID(),
      name: String(body["name"] ?? ""),
      secret: randomBytes(24).toString("base64url"),
      workspace: String(isAdmin ? body["workspace_uuid"] : body["workspace_id"]),
      createdAt: this.#options.now(),
      ...(typeof body["expiration"] === "string" ? { expiresAt: Date.parse(body["expiration"]) } : {}),
    };
    this.keys.push(key);
    return isAdmin ? [200, { ...asAdmin(key), key: key.secret }] : [201, { ...asDocument(key), key: key.secret }];
  }
}

/** What may be shown of a secret, as Mistral masks it. */
export function maskOf(secret: string): string {
  return `${secret.slice(0, 4)}...${secret.slice(-4)}`;
}

/** Fields as the Admin API has them: days, and a zone written as an offset. */
function asAdmin({ id, name, secret, workspace, createdAt, expiresAt, lastUsed }: LiveKey): object {
  return {
    key_id: id,
    name,
    hidden_key: maskOf(secret),
    workspace_id: workspace,
    workspace_name: `name of ${workspace}`,
    created_at: new Date(createdAt).toISOString().replace("Z", "000+00:00"),
    expiration_date: expiresAt === undefined ? null : new Date(expiresAt).toISOString().slice(0, 10),
    last_used: lastUsed === undefined ? null : new Date(lastUsed).toISOString().slice(0, 10),
    product: "API",
    can_delete: true,
  };
}

function asDocument({ id, name, workspace, createdAt, lastUsed }: LiveKey): object {
  return {
    id,
    name,
    workspace_id: workspace,
    created_at: new Date(createdAt).toISOString(),
    last_used_at: lastUsed === undefined ? null : new Date(lastUsed).toISOString(),
  };
}

function give(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
