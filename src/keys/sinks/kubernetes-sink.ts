import { join } from "node:path";
import { z } from "zod";
import type { SecretSink } from "../../app/key-ports.js";
import type { SinkPlace } from "../../domain/keys-file.js";
import type { Millis } from "../../domain/units.js";
import { type Answered, askHttp } from "./ask-http.js";
import { type Found, failed, type Stored } from "./outcomes.js";
import { readAuthority } from "./read-authority.js";
import { readTokenFile } from "./read-token.js";

type Place = Extract<SinkPlace, { kind: "kubernetes" }>;

export interface KubernetesOptions {
  readonly timeoutMs: Millis;
}

const IN_CLUSTER = "https://kubernetes.default.svc";
/** Where every pod has its token and the cluster's authority. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Somebody else wrote at the same moment. */
const CONFLICT = 409;

const secretSchema = z.object({ data: z.record(z.string(), z.string()).nullish() });

/**
 * Keeps a secret as one key of a Secret of Kubernetes that is there; its other keys stay as they are.
 *
 * As the pod's own service account, whose token is read for each call, because Kubernetes renews it.
 */
export class KubernetesSink implements SecretSink {
  readonly place: string;
  readonly #place: Place;
  readonly #options: KubernetesOptions;
  readonly #url: URL;

  constructor(place: Place, options: KubernetesOptions) {
    const { namespace, secret, key, apiUrl = IN_CLUSTER } = place;
    this.place = `kubernetes ${namespace}/${secret} ${key}`;
    this.#place = place;
    this.#options = options;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`;
    this.#url = new URL(`${apiUrl.replace(/\/+$/, "")}${path}`);
  }

  async store(secret: string): Promise<Stored> {
    const body = JSON.stringify({ data: { [this.#place.key]: Buffer.from(secret).toString("base64") } });
    let answer = await this.#ask("PATCH", body);
    if (answer.kind === "answer" && answer.status === CONFLICT) answer = await this.#ask("PATCH", body);
    if (answer.kind === "answer" && answer.status === 200) return { kind: "stored" };
    return failed(this.#whyNot(answer));
  }

  async read(): Promise<Found> {
    const answer = await this.#ask("GET");
    if (answer.kind === "none" || answer.status !== 200) return { kind: "unreadable", why: this.#whyNot(answer) };
    const read = secretSchema.safeParse(answer.body);
    if (!read.success) return { kind: "unreadable", why: this.#whyNot(answer) };
    const secret = Buffer.from(read.data.data?.[this.#place.key] ?? "", "base64")
      .toString("utf8")
      .trim();
    return secret === "" ? { kind: "empty" } : { kind: "secret", secret };
  }

  async #ask(method: "GET" | "PATCH", body?: string): Promise<Answered> {
    const { timeoutMs } = this.#options;
    const { account = ACCOUNT } = this.#place;
    const [token, authority] = [join(account, "token"), join(account, "ca.crt")];
    const read = await readTokenFile(token);
    if ("why" in read) return { kind: "none", why: `cannot be asked: ${token} ${read.why}; ${MOUNTED}` };
    const trusted = await readAuthority(authority);
    if ("why" in trusted) return { kind: "none", why: `cannot be asked: ${authority} ${trusted.why}; ${MOUNTED}` };
    const headers = { authorization: `Bearer ${read.token}` };
    if (body === undefined) return askHttp({ method, url: this.#url, headers, ca: trusted.ca, timeoutMs });
    const url = new URL(this.#url);
    url.searchParams.set("fieldManager", "windbreak");
    const patching = { ...headers, "content-type": "application/merge-patch+json" };
    return askHttp({ method, url, headers: patching, body, ca: trusted.ca, timeoutMs });
  }

  #whyNot(answer: Answered): string {
    const { host } = this.#url;
    if (answer.kind === "none") return `${this.place}: Kubernetes at ${host} ${answer.why}`;
    return `${this.place}: Kubernetes at ${host} ${this.#whyRefused(answer.status)}`;
  }

  #whyRefused(status: number): string {
    const { namespace, secret } = this.#place;
    switch (status) {
      case 200:
        return "answered 200 with no Secret; check the url";
      case 401:
        return `does not know the pod's token (401); ${MOUNTED}`;
      case 403:
        return `does not let the pod's service account do it (403); bind a Role of namespace ${namespace} to it with ${this.#rule()}`;
      case 404:
        return `has no such Secret (404); make it once by kubectl -n ${namespace} create secret generic ${secret}, because this only changes it: a Role with ${this.#rule()} is enough`;
      case CONFLICT:
        return `said twice that somebody else changed the Secret at the same moment (409); ask again. A Role with ${this.#rule()} is enough`;
      case 422:
        return "finds the Secret or its key at fault (422); an immutable Secret cannot be changed, and a key has letters, digits, -, _ and . only";
      default:
        return `answered ${status}; ask again, or look at how its API server is`;
    }
  }

  #rule(): string {
    return `{apiGroups: [""], resources: [secrets], resourceNames: [${this.#place.secret}], verbs: [get, patch]}`;
  }
}

const MOUNTED = "run this in a pod with automountServiceAccountToken: true";
