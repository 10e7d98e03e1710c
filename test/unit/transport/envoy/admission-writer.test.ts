import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitReport } from "../../../../src/app/limit-report.js";
import { CheckResponse } from "../../../../src/gen/envoy/service/auth/v3/external_auth.js";
import { writeAdmission } from "../../../../src/transport/envoy/admission-writer.js";
import type { Admitted } from "../../../../src/transport/envoy/check-answer.js";

const id = fc.string({ minLength: 1, maxLength: 128, unit: fc.constantFrom(..."abcXYZ019-_.:/") });
const amount = fc.oneof(fc.nat(300), fc.maxSafeNat());
const NOW = 1_795_000_000_000;

const admitted: fc.Arbitrary<Admitted> = fc
  .record({
    key: fc.string({ minLength: 1, maxLength: 512, unit: fc.constantFrom(..."abcXYZ019") }),
    ids: fc.tuple(id, id, id, id, id),
    revision: id,
    inputTokens: amount,
    outputTokens: amount,
    audioSeconds: fc.nat(10_800),
    pages: fc.nat(1_000),
    degraded: fc.boolean(),
    streams: fc.boolean(),
    annotatedPages: fc.boolean(),
  })
  .map(
    ({ key, ids: [principal, role, workspace, model, reservationId], revision, outputTokens, degraded, ...rest }) => ({
      kind: "admitted",
      upstreamKey: key,
      who: { id: principal, role, workspace },
      endpoint: "chat_completions",
      decision: {
        kind: "allowed",
        workspace,
        grant: {
          requestId: "q",
          reservationId,
          expiresAt: NOW,
          model,
          outputTokens,
          cost: 1,
          policyRevision: revision,
          shadowDenials: [],
        },
        limits: [],
        degraded,
      },
      ...rest,
    }),
  );

function reportOf(name: string, remaining: number, resetsAt: number | undefined): LimitReport {
  const limit: LimitReport["limit"] = {
    name,
    key: "requests_per_minute",
    scope: "workspace",
    metric: "requests",
    window: "minute",
    ceiling: 10,
    shadow: false,
    shared: false,
    httpStatus: 429,
  };
  return { limit, scopeId: "w", used: 0, reserved: 0, remaining, resetsAt };
}

function read(bytes: Buffer) {
  const { status, httpResponse, dynamicMetadata } = CheckResponse.decode(bytes);
  if (httpResponse?.$case !== "okResponse") throw new Error("not let through");
  const { headers, headersToRemove, responseHeadersToAdd } = httpResponse.value;
  const options = [...headers, ...responseHeadersToAdd];
  expect(options.map(({ append }) => append?.value)).toEqual(options.map(() => false));
  const named = (list: typeof headers) => list.map(({ header }) => [header?.key, header?.value]);
  return {
    code: status?.code,
    toMistral: named(headers),
    headersToRemove,
    toClient: named(responseHeadersToAdd),
    dynamicMetadata,
  };
}

describe("the writer of admissions for Envoy", () => {
  it("writes what the generated decoder reads back whole", () => {
    fc.assert(
      fc.property(admitted, id, amount, fc.option(fc.nat(2 ** 31)), (one, name, remaining, reset) => {
        const report = reportOf(name, remaining, reset === null ? undefined : NOW + reset);
        const { grant } = one.decision;
        expect(read(writeAdmission(one, report, NOW))).toEqual({
          code: 0,
          toMistral: [["authorization", `Bearer ${one.upstreamKey}`]],
          headersToRemove: ["x-api-key"],
          toClient: [
            ["x-windbreak-reason", "allowed"],
            ["x-windbreak-limit", name],
            ["x-windbreak-remaining", String(remaining)],
            ...(reset === null ? [] : [["x-windbreak-reset", String(Math.ceil(reset / 1000))]]),
          ],
          dynamicMetadata: {
            windbreak_reservation_id: grant.reservationId,
            windbreak_reason: "allowed",
            windbreak_policy_revision: grant.policyRevision,
            windbreak_principal: one.who.id,
            windbreak_role: one.who.role,
            windbreak_workspace: one.decision.workspace,
            windbreak_model: grant.model,
            windbreak_endpoint: "chat_completions",
            windbreak_input_tokens: String(one.inputTokens),
            windbreak_max_output_tokens: String(grant.outputTokens),
            ...(one.audioSeconds > 0 ? { windbreak_audio_seconds: String(one.audioSeconds) } : {}),
            ...(one.pages > 0 ? { windbreak_pages: String(one.pages) } : {}),
            ...(one.decision.degraded ? { windbreak_degraded: "true" } : {}),
            ...(one.streams ? { windbreak_stream: "true" } : {}),
            ...(one.annotatedPages ? { windbreak_annotated_pages: "true" } : {}),
          },
        });
      }),
    );
  });

  it("names no time before now, where the store's clock is behind", () => {
    const [one] = fc.sample(admitted, 1);
    if (!one) throw new Error("no sample");
    const { toClient } = read(writeAdmission(one, reportOf("l", 1, NOW - 5_000), NOW));
    expect(toClient).toContainEqual(["x-windbreak-reset", "0"]);
  });

  it("tells its client of no limit where none counts", () => {
    const [one] = fc.sample(admitted, 1);
    if (!one) throw new Error("no sample");
    expect(read(writeAdmission(one, undefined, NOW)).toClient).toEqual([["x-windbreak-reason", "allowed"]]);
  });
});
