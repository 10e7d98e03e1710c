import { readRotateSettings } from "../settings.js";
import { type Context, failUsage } from "./context.js";

/** Rotate keys of Mistral's; or issue a caller's new key, and say the steps that are a person's. */
export async function rotateKeys(context: Context): Promise<number> {
  const read = readRotateSettings(context);
  if (read.kind === "faulty") return failUsage(context.io, read.faults);
  return read.settings.side === "callers"
    ? (await import("./rotate-callers.js")).rotateCallersKey(context, read.settings)
    : (await import("./rotate-upstream.js")).rotateUpstreamKeys(context, read.settings);
}
