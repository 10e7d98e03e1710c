import { describe, expect, it } from "vitest";
import { errorBody } from "../../../src/mistral/error-body.js";

describe("an error body", () => {
  it("has Mistral's members, and the refusal beside them", () => {
    const body = errorBody({
      status: 429,
      message: 'roles.dev.tokens_per_minute: "spent"',
      code: "rate_limited",
      windbreak: {
        reason: "rate_limited",
        limit: "roles.dev.tokens_per_minute",
        remaining: 0,
        resetsAt: Date.UTC(2026, 10, 22, 12),
        retryAfterMs: 12_001,
        requestId: "r-1",
        policyRevision: "sha256:ab",
      },
    });
    expect(JSON.parse(body)).toEqual({
      object: "error",
      message: 'roles.dev.tokens_per_minute: "spent"',
      type: "rate_limit_error",
      param: null,
      code: "rate_limited",
      windbreak: {
        reason: "rate_limited",
        limit: "roles.dev.tokens_per_minute",
        remaining: 0,
        resets_at: "2026-11-22T12:00:00.000Z",
        retry_after_seconds: 13,
        request_id: "r-1",
        policy_revision: "sha256:ab",
      },
    });
  });

  it("leaves out what is not known", () => {
    const body = errorBody({ status: 400, message: "no model", param: "model", windbreak: {} });
    expect(JSON.parse(body)).toEqual({
      object: "error",
      message: "no model",
      type: "invalid_request_error",
      param: "model",
      code: null,
      windbreak: {},
    });
  });

  it("never tells a client to wait for less than a second", () => {
    const body = errorBody({ status: 429, message: "", windbreak: { retryAfterMs: 0 } });
    expect(JSON.parse(body)).toMatchObject({ windbreak: { retry_after_seconds: 1 } });
  });

  it.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [402, "rate_limit_error"],
    [403, "invalid_request_error"],
    [413, "invalid_request_error"],
    [415, "invalid_request_error"],
    [422, "invalid_request_error"],
    [429, "rate_limit_error"],
    [500, "server_error"],
    [503, "server_error"],
  ])("with status %d is a %s", (status, type) => {
    expect(JSON.parse(errorBody({ status, message: "", windbreak: {} }))).toMatchObject({ type });
  });
});
