import { shownHash } from "../app/callers-keys.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import type { KeysSettings } from "../settings.js";
import { type Context, EXIT, fail, failure } from "./context.js";
import { policyForKeys } from "./open-upstream.js";
import { readWritten } from "./policy-file.js";
import { askSeenKeys } from "./seen-keys.js";

const HASH = /^(?:sha256:)?([0-9a-f]{8,64})$/i;

/**
 * Say which line of the policy makes a caller's key one, and what else to mind when it is taken out.
 *
 * The policy is the operator's file, kept and reviewed somewhere: it is not edited here.
 *
 * @returns 1 where the policy knows no such key.
 */
export async function revokeCallersKey(context: Context, settings: KeysSettings): Promise<number> {
  const { io, args } = context;
  const { policyFile = "" } = settings;
  const [asked = ""] = args;
  if (asked.startsWith("wb_")) {
    const remedy =
      "give its id, the 8 characters after wb_; and issue another, because this one now stands in the shell's history";
    return fail(io, failure(EXIT.usage, `a key itself was given, which is a secret; ${remedy}`));
  }
  const policy = await policyForKeys(io, policyFile);
  if ("kind" in policy) return policy.exitCode;
  const bytes = await readWritten(policyFile);
  if ("kind" in bytes) return fail(io, bytes);
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);

  const found = await hashOf(asked, { policy, lines, settings });
  if (found.kind === "none") return fail(io, failure(found.exitCode, `${asked}: ${found.why}`));
  const { sha256, principal } = found;
  const index = lines.findIndex((line) => line.toLowerCase().includes(sha256));
  const isAlone = ALONE.test(lines[index] ?? "");
  const what = isAlone ? "take out this line" : `take out of this line { api_key_sha256: "${sha256}" }`;
  const line = `${policyFile}:${index + 1}: ${what}; once the file is saved, the key is refused`;
  const shown = [line, (lines[index] ?? "").trim(), ...lastOf(policy, principal)];
  io.stdout.write(shown.map((text) => `${printable(text)}\n`).join(""));
  return EXIT.done;
}

/** A line that holds a key's hash and nothing else. */
const ALONE = /^\s*-\s*\{?\s*api_key_sha256:\s*["']?[0-9a-f]{64}["']?\s*\}?\s*(?:#.*)?$/i;

interface Known {
  readonly policy: Policy;
  readonly lines: readonly string[];
  readonly settings: KeysSettings;
}

type Found =
  | { readonly kind: "hash"; readonly sha256: string; readonly principal: string }
  | { readonly kind: "none"; readonly exitCode: number; readonly why: string };

/** A key's id stands in the policy's comments, as `keys issue` writes them; else a running server that saw the key knows it. */
async function hashOf(asked: string, { policy, lines, settings }: Known): Promise<Found> {
  const { byApiKeyHash } = policy.credentials;
  const none = (exitCode: number, why: string): Found => ({ kind: "none", exitCode, why });
  const named = (fits: (sha256: string) => boolean): Found | undefined => {
    const [first, second] = [...byApiKeyHash].filter(([sha256]) => fits(sha256));
    if (first && second) return none(EXIT.usage, "several keys of the policy begin so; give more digits");
    return first && { kind: "hash", sha256: first[0], principal: first[1] };
  };
  const commented = lines
    .find((line) => line.split("#").slice(1).join("#").split(/\s+/).includes(asked))
    ?.toLowerCase();
  const digits = HASH.exec(asked)?.[1]?.toLowerCase();
  const here =
    (commented === undefined ? undefined : named((sha256) => commented.includes(sha256))) ??
    (digits === undefined ? undefined : named((sha256) => sha256.startsWith(digits)));
  if (here) return here;

  const seen = await askSeenKeys(settings);
  const byHash = "give the first digits of its hash, as windbreak keys list --callers shows them";
  if (seen.kind === "unseen")
    return none(EXIT.unreachable, `which key that is only a running server knows (${seen.why}); ${byHash}`);
  const sha256 = seen.seen.callers.find(({ keyId }) => keyId === asked)?.sha256;
  return named((one) => one === sha256) ?? none(EXIT.no, `no key of the policy is known to have this id; ${byHash}`);
}

/** An empty `credentials:` is a fault, and then the policy before stays in force, with the key. */
function lastOf({ credentials }: Policy, principal: string): readonly string[] {
  const others = [...credentials.byApiKeyHash].filter(([, holder]) => holder === principal);
  if (others.length > 1) {
    const left = others.map(([sha256]) => shownHash(sha256)).join(", ");
    return [`${principal} has these keys: ${left}`];
  }
  return [
    `it is the only key of ${principal}: issue another first (windbreak keys issue --callers --principal ${principal}),`,
    "or, where nothing else stands under credentials, take out credentials: too",
  ];
}
