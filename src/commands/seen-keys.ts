import { z } from "zod";
import type { SeenCallers } from "../app/callers-keys.js";
import type { SeenUpstream } from "../app/upstream-sightings.js";
import type { AdminAskSettings } from "../settings.js";
import { formatAddress } from "../transport/address.js";
import { askAdmin, misfit, refusal } from "./ask-admin.js";

const NOT_FOUND = 404;
const OK = 200;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const lastUsed = instant.nullish().transform((at) => at ?? undefined);

const answerSchema = z.object({
  since: instant,
  callers: z.array(
    z
      .looseObject({ key_id: z.string().nullish(), api_key_sha256: z.string(), last_used: lastUsed })
      .transform((row) => ({
        keyId: row.key_id ?? undefined,
        sha256: row.api_key_sha256.toLowerCase(),
        lastUsed: row.last_used,
      })),
  ),
  upstream: z.array(
    z
      .looseObject({ fingerprint: z.string(), last_used: lastUsed })
      .transform((row) => ({ fingerprint: row.fingerprint, lastUsed: row.last_used })),
  ),
});

/** What a running server saw of keys; or why that cannot be had, in a sentence. */
export type SeenKeys =
  | { readonly kind: "seen"; readonly seen: SeenCallers & SeenUpstream }
  | { readonly kind: "unseen"; readonly why: string };

/** Ask a running server which keys it saw in use. That none runs, or one of another version, is no failure. */
export async function askSeenKeys(settings: AdminAskSettings): Promise<SeenKeys> {
  const answer = await askAdmin(settings, "/v1/keys");
  if (answer.kind === "failure") return { kind: "unseen", why: answer.line };
  if (answer.status === NOT_FOUND) {
    const where = formatAddress(settings.adminServer);
    return { kind: "unseen", why: `${where}: the server there does not tell of keys; run this version there` };
  }
  if (answer.status !== OK) return { kind: "unseen", why: refusal(settings, answer).line };
  const read = answerSchema.safeParse(answer.body);
  return read.success ? { kind: "seen", seen: read.data } : { kind: "unseen", why: misfit(settings).line };
}
