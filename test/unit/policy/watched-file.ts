import { watch } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Policy } from "../../../src/domain/policy.js";
import type { Load, LoadResult } from "../../../src/policy/judge.js";
import { LivePolicy, type LivePolicyOptions } from "../../../src/policy/live-policy.js";
import { type Listen, type WatchOptions, watchPolicyFile } from "../../../src/policy/watch.js";
import { Events } from "./events.js";

type How = Pick<LivePolicyOptions, "watch">;

/** Watch with another poll or another way to listen. */
export function by(options: Pick<WatchOptions, "pollMs" | "listen">): How {
  return { watch: (given) => watchPolicyFile({ ...given, ...options }) };
}

export const NEVER_POLL = by({ pollMs: 3_600_000 });
export const NEVER_LISTEN = by({ pollMs: 10, listen: () => ({ close: () => undefined }) });
/** Notices nothing by itself. */
export const DETACHED: How = { watch: () => ({ recheck: () => undefined, close: () => undefined }) };

/** A policy file in a directory of its own, and all that is heard of it. */
export class WatchedFile {
  /** Log lines as `LEVEL LINE`, swaps as `swap REVISION`. */
  readonly heard = new Events();
  /** The texts that were loaded. */
  readonly loads: string[] = [];
  readonly directory: string;
  file: string;
  readonly #open: LivePolicy[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.file = join(directory, "policy.yaml");
  }

  static async create(): Promise<WatchedFile> {
    return new WatchedFile(await mkdtemp(join(tmpdir(), "windbreak-")));
  }

  /** The text is the revision; one that begins with `broken` is at fault, one that begins with `hmm` is warned of. */
  readonly load: Load = async (bytes, path): Promise<LoadResult> => {
    const text = Buffer.from(bytes).toString();
    this.loads.push(text);
    if (text.startsWith("broken")) return { kind: "faulty", faults: [`${path}:3:5: ${text}`, `${path}:9:1: more`] };
    return { kind: "ok", policy: policyOf(text), warnings: text.startsWith("hmm") ? [`${path}: ${text}`] : [] };
  };

  async open(options: Partial<LivePolicyOptions> = {}): Promise<LivePolicy> {
    const log = {
      info: (line: string) => this.heard.add(`info ${line}`),
      warn: (line: string) => this.heard.add(`warn ${line}`),
      error: (line: string) => this.heard.add(`error ${line}`),
    };
    let now = 0;
    const clock = { now: () => ++now };
    const opened = await LivePolicy.open({ file: this.file, load: this.load, log, clock, settleMs: 5, ...options });
    if (opened.kind === "faulty") throw new Error(opened.faults.join("\n"));
    opened.live.onSwap(({ revision }) => this.heard.add(`swap ${revision}`));
    this.#open.push(opened.live);
    return opened.live;
  }

  linesOf(level: string): string[] {
    return this.heard.lines.filter((line) => line.startsWith(`${level} `));
  }

  async end(): Promise<void> {
    for (const live of this.#open) live.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** Listen as the watch itself does. */
export const listenTo: Listen = (path, onEvent, onError) =>
  watch(path, { persistent: false }, onEvent).on("error", onError);

function policyOf(revision: string): Policy {
  return {
    revision,
    organization: "acme",
    timezone: "UTC",
    limits: [],
    workspaces: new Map(),
    roles: new Map(),
    principals: new Map(),
    unlistedPrincipals: "deny",
    credentials: { holders: new Set(), byApiKeyHash: new Map(), bySpiffeId: new Map(), tokens: new Map() },
    trust: [],
    issuers: new Map(),
    models: new Map(),
    defaultMaxOutputTokens: 4096,
    alerts: [],
  };
}
