import { readServeSettings } from "../settings.js";
import { type Context, failUsage } from "./context.js";

/** Run the service, unless its settings are at fault. */
export async function runServe({ io, ...context }: Context): Promise<number> {
  const read = readServeSettings({ ...context, isTerminal: io.isTerminal });
  if (read.kind === "faulty") return failUsage(io, read.faults);
  const { serve } = await import("./serve.js");
  return serve(read.settings);
}
