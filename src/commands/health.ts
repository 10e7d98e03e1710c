import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health.js";
import { readAskSettings } from "../settings.js";
import { askServer } from "./ask-server.js";
import { type Context, EXIT, fail, failUsage, isGiven } from "./context.js";

/** Ask a running server whether it serves. @returns 1 where it does not. */
export async function health(context: Context): Promise<number> {
  const { io, flags } = context;
  const read = readAskSettings(context);
  if (read.kind === "faulty") return failUsage(io, read.faults);

  const asked = HealthCheckRequest.encode({ service: "" }).finish();
  const bytes = await askServer(read.settings, "/grpc.health.v1.Health/Check", asked);
  if (!Buffer.isBuffer(bytes)) return fail(io, bytes);
  const { status } = HealthCheckResponse.decode(bytes);
  const name = ServingStatus[status] ?? "UNKNOWN";
  io.stdout.write(isGiven(flags, "json") ? `${JSON.stringify({ status: name })}\n` : `${name}\n`);
  return status === ServingStatus.SERVING ? EXIT.done : EXIT.no;
}
