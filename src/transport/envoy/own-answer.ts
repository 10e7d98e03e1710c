/** The name under which Envoy tells a filter of external processing what its `response_attributes` ask for. */
const FILTER = "envoy.filters.http.ext_proc";
const DETAILS = "response.code_details";

/** What Envoy says of an answer that is the upstream's. */
const UPSTREAM = "via_upstream";

/** What Envoy says of calls that it answered itself before the upstream had them, or that the upstream took back unread. */
const NEVER_BEGUN =
  /^(?:no_healthy_upstream|cluster_not_found|route_not_found|maintenance_mode|upstream_reset_before_response_started\{(?:overflow|(?:local_|remote_)?connection_failure|connection_timeout|(?:local|remote)_refused_stream_reset)(?![a-z_]))/;

/**
 * Say whether an answer is Envoy's own, made up after Mistral may have begun the work: it broke off, or took too long.
 *
 * Such an answer is an error and yet no error of Mistral's, who charges for what it did. Where Envoy was not asked to
 * tell, every answer counts as Mistral's. (Envoy, "Response Code Details".)
 */
export function mayHaveBegun(
  attributes: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>,
): boolean {
  const details = attributes[FILTER]?.[DETAILS];
  return typeof details === "string" && details !== "" && details !== UPSTREAM && !NEVER_BEGUN.test(details);
}
