import type { ListedKey } from "../app/key-ports.js";
import { fitsMask } from "../domain/mask.js";
import { printable } from "../domain/printable.js";
import type { KeysSettings } from "../settings.js";
import { readKeysSettings } from "../settings.js";
import { type Context, EXIT, type Failure, fail, failUsage, failure, isGiven } from "./context.js";
import { sightingsOf } from "./found-keys.js";
import { openUpstream } from "./open-upstream.js";
import { revokeCallersKey } from "./revoke-caller.js";

/** Revoke a key of Mistral's; or say which line of the policy makes a caller's key one. */
export async function revokeKey(context: Context): Promise<number> {
  const { io } = context;
  const read = readKeysSettings(context);
  if (read.kind === "faulty") return failUsage(io, read.faults);
  return read.settings.side === "callers"
    ? revokeCallersKey(context, read.settings)
    : revokeUpstreamKey(context, read.settings);
}

const SEE = "see windbreak keys list --upstream";

async function revokeUpstreamKey(context: Context, settings: KeysSettings): Promise<number> {
  const { io, flags, args } = context;
  const [id = ""] = args;
  const upstream = await openUpstream(context, settings);
  if (upstream.kind === "told") return upstream.exitCode;
  const listed = await upstream.provider.list();
  if (listed.kind !== "keys") return fail(io, failure(EXIT.unreachable, listed.why));
  const key = listed.keys.find((one) => one.id === id);
  if (!key) return fail(io, unknownKey(id, listed.keys));

  if (!isGiven(flags, "yes")) {
    const sightings = await sightingsOf(io, upstream, listed.keys, { kind: "unseen", why: "" });
    const isInForce = sightings.get(id)?.isInForce;
    if (isInForce !== false) {
      const what = isInForce ? "calls are sent with this key" : "whether calls are sent with this key is not known";
      const remedy = "replace it first by windbreak keys rotate --upstream, or revoke it all the same by --yes";
      return fail(io, failure(EXIT.usage, `${id} (${key.name}): ${what}; ${remedy}`));
    }
  }
  const revoked = await upstream.provider.revoke(id);
  if (revoked.kind !== "revoked") {
    return fail(io, failure(revoked.kind === "refused" ? EXIT.no : EXIT.unreachable, revoked.why));
  }
  io.stdout.write(`${printable(`revoked key ${id}, named ${key.name}`)}\n`);
  return EXIT.done;
}

/** Whoever gives a key itself in place of its id would find it in the log of a pipeline, too. */
function unknownKey(id: string, keys: readonly ListedKey[]): Failure {
  const named = keys.find(({ mask }) => mask !== undefined && fitsMask(id, mask));
  if (!named) return failure(EXIT.no, `${id}: Mistral lists no key with this id; ${SEE}`);
  const remedy = `give its id, ${named.id}, and replace it, because it now stands in the shell's history`;
  return failure(EXIT.usage, `a key itself was given, which is a secret; ${remedy}`);
}
