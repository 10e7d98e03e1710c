import { describe, expect, it } from "vitest";
import { mayHaveBegun } from "../../../../src/transport/envoy/own-answer.js";

function told(details: unknown) {
  return { "envoy.filters.http.ext_proc": { "response.code_details": details } };
}

describe("an answer on its way through Envoy", () => {
  it.each([
    "upstream_reset_before_response_started{connection_termination}",
    "upstream_reset_before_response_started{connection_termination|TLS_error}",
    "upstream_reset_before_response_started{remote_reset}",
    "upstream_reset_before_response_started{overflow_of_a_later_version}",
    "stream_idle_timeout",
    "response_timeout",
    "upstream_per_try_timeout",
    "of_a_later_version",
  ])("is Envoy's own, with Mistral perhaps at work, where it says %s", (details) => {
    expect(mayHaveBegun(told(details))).toBe(true);
  });

  it.each([
    "via_upstream",
    "no_healthy_upstream",
    "cluster_not_found",
    "upstream_reset_before_response_started{overflow}",
    "upstream_reset_before_response_started{connection_failure}",
    "upstream_reset_before_response_started{connection_timeout}",
    "upstream_reset_before_response_started{remote_refused_stream_reset}",
    "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
  ])("is Mistral's, or of a call that Mistral never had, where it says %s", (details) => {
    expect(mayHaveBegun(told(details))).toBe(false);
  });

  it("counts as Mistral's where Envoy was not asked to say", () => {
    for (const attributes of [{}, { "envoy.filters.http.ext_proc": undefined }, told(undefined), told(""), told(7)]) {
      expect(mayHaveBegun(attributes)).toBe(false);
    }
  });
});
