import type { SettingFault } from "./given.js";

const ALL = "OTEL_EXPORTER_OTLP_HEADERS";
/** What both HTTP and gRPC take for a header's name, and for its value as text. */
const NAME = /^(?!.*-bin$)[\w.-]+$/i;
const VALUE = /^[ -~]*$/;

/**
 * Find the variables of OpenTelemetry's whose headers no request can carry: gRPC's client would repeat the secret that
 * stands there, and end the process.
 */
export function faultsOfHeaders(
  signal: "TRACES" | "METRICS" | "LOGS",
  text: (name: string) => string,
): readonly SettingFault[] {
  const own = `OTEL_EXPORTER_OTLP_${signal}_HEADERS`;
  return [ALL, own].filter((where) => !text(where).split(",").every(isHeader)).map(fault);
}

/** As the SDK reads one: percent-encoded, and without what stands behind a semicolon. */
function isHeader(part: string): boolean {
  const [pair = ""] = part.split(";");
  if (pair.trim() === "") return true;
  const at = pair.indexOf("=");
  if (at < 0) return false;
  try {
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)].map((one) => decodeURIComponent(one.trim()));
    return NAME.test(name ?? "") && VALUE.test(value ?? "");
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

function fault(where: string): SettingFault {
  const remedy = "write NAME=VALUE,NAME=VALUE in printable ASCII, and a comma within a value as %2C";
  return { where, what: "holds what no header can", remedy };
}
