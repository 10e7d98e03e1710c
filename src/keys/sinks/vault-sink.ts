import { z } from "zod";
import type { SecretSink } from "../../app/key-ports.js";
import type { SinkPlace } from "../../domain/keys-file.js";
import type { Millis } from "../../domain/units.js";
import { placeText } from "../read-key.js";
import { type Answered, askHttp } from "./ask-http.js";
import { type Found, failed, type Stored } from "./outcomes.js";
import { readAuthority } from "./read-authority.js";
import { readTokenFile, tokenIn } from "./read-token.js";

type Place = Extract<SinkPlace, { kind: "vault" }>;

export interface VaultOptions {
  readonly timeoutMs: Millis;
  readonly variable: (name: string) => string | undefined;
}

/** How often a secret is read anew because somebody else wrote it in between. */
const MOST_TRIES = 3;

/** A version that was deleted is answered with 404, its data null and its number there. */
const versionSchema = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()).nullish(),
    metadata: z.object({ version: z.int() }),
  }),
});
const faultSchema = z.object({ errors: z.array(z.string()) });

/** The fields of a secret, and the number of its version; 0: it has none yet. */
interface Version {
  readonly kind: "version";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly number: number;
}

/**
 * Keeps a secret as one field of a secret of HashiCorp Vault's KV store, version 2.
 *
 * Its other fields are written back as they were read, and only if nobody wrote in between. Vault is read and written
 * with the token as its file is now, because an agent renews it.
 */
export class VaultSink implements SecretSink {
  readonly place: string;
  readonly #place: Place;
  readonly #options: VaultOptions;
  readonly #url: URL;

  constructor(place: Place, options: VaultOptions) {
    const { url, mount, path, field } = place;
    this.place = `vault ${mount}/${path} ${field}`;
    this.#place = place;
    this.#options = options;
    this.#url = new URL(`${url.replace(/\/+$/, "")}/v1/${inUrl(mount)}/data/${inUrl(path)}`);
  }

  async store(secret: string): Promise<Stored> {
    let answer: Answered | undefined;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = await this.#version();
      if (before.kind !== "version") return failed(this.#whyNot(before));
      const data = { ...before.fields, [this.#place.field]: secret };
      answer = await this.#ask("POST", JSON.stringify({ options: { cas: before.number }, data }));
      if (answer.kind === "answer" && (answer.status === 200 || answer.status === 204)) return { kind: "stored" };
      if (!isOutrun(answer)) return failed(this.#whyNot(answer));
    }
    return failed(`${this.place}: somebody else wrote it each of ${MOST_TRIES} times in between; ask again`);
  }

  async read(): Promise<Found> {
    const found = await this.#version();
    if (found.kind !== "version") return { kind: "unreadable", why: this.#whyNot(found) };
    const { field } = this.#place;
    const value = found.fields[field];
    if (value === undefined || value === "") return { kind: "empty" };
    if (typeof value === "string") return { kind: "secret", secret: value };
    return { kind: "unreadable", why: `${this.place}: the field ${field} holds no text; name another field` };
  }

  async #version(): Promise<Version | Answered> {
    const answer = await this.#ask("GET");
    if (answer.kind === "none" || (answer.status !== 200 && answer.status !== 404)) return answer;
    const read = versionSchema.safeParse(answer.body);
    if (read.success) {
      const { data, metadata } = read.data.data;
      return { kind: "version", fields: data ?? {}, number: metadata.version };
    }
    // Vault says of a path with nothing that there are no errors, and of a mount that is none what is wrong.
    const faults = faultSchema.safeParse(answer.body);
    const isNew = answer.status === 404 && faults.success && faults.data.errors.length === 0;
    return isNew ? { kind: "version", fields: {}, number: 0 } : answer;
  }

  async #ask(method: "GET" | "POST", body?: string): Promise<Answered> {
    const { token: place, ca: authority } = this.#place;
    const read = place.kind === "file" ? await readTokenFile(place.path) : this.#tokenIn(place.name);
    if ("why" in read) {
      return { kind: "none", why: `cannot be asked: ${placeText(place)} ${read.why}; put a token of Vault's there` };
    }
    const trusted = authority === undefined ? {} : await readAuthority(authority);
    if ("why" in trusted) {
      return { kind: "none", why: `cannot be asked: ${authority} ${trusted.why}; put the authority of Vault's there` };
    }
    const headers = { "x-vault-token": read.token, "x-vault-request": "true" };
    const question = { method, url: this.#url, timeoutMs: this.#options.timeoutMs, ...trusted };
    if (body === undefined) return askHttp({ ...question, headers });
    return askHttp({ ...question, headers: { ...headers, "content-type": "application/json" }, body });
  }

  #tokenIn(name: string): ReturnType<typeof tokenIn> {
    const value = this.#options.variable(name);
    return value === undefined ? { why: "is not set" } : tokenIn(value);
  }

  #whyNot(answer: Answered): string {
    const { host } = this.#url;
    if (answer.kind === "none") return `${this.place}: Vault at ${host} ${answer.why}`;
    return `${this.place}: Vault at ${host} ${this.#whyRefused(answer.status)}`;
  }

  #whyRefused(status: number): string {
    const { mount, path } = this.#place;
    switch (status) {
      case 200:
        return `answered 200 with no secret; check the url, and that ${mount} is of KV version 2`;
      case 400:
        return "finds what it was asked at fault (400); check mount, path and field";
      case 403:
        return `does not let this token do it (403); renew it, or give it a policy with path "${mount}/data/${path}" { capabilities = ["create", "read", "update"] }`;
      case 404:
        return `has nothing mounted there (404); check that ${mount} is the mount of a KV store, version 2`;
      case 307:
      case 308:
        return `sends elsewhere (${status}), and is not followed; give the url of the active node`;
      case 503:
        return "is sealed or not ready (503); unseal it, and ask again";
      default:
        return `answered ${status}; ask again, or look at how it is`;
    }
  }
}

/** Vault's word for: the version that this was to follow is not the latest any more. */
function isOutrun(answer: Answered): boolean {
  if (answer.kind === "none") return false;
  if (answer.status === 409) return true;
  const faults = faultSchema.safeParse(answer.body);
  return answer.status === 400 && faults.success && faults.data.errors.some((line) => line.includes("check-and-set"));
}

function inUrl(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map(encodeURIComponent)
    .join("/");
}
