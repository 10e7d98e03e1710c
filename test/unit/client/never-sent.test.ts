import { describe, expect, it } from "vitest";
import { wasNeverSent } from "../../../src/client/never-sent.js";

const failure = (code: string) => Object.assign(new Error(code), { code });
/** As `fetch` tells of a failure. */
const failedFetch = (cause: unknown) => new TypeError("fetch failed", { cause });

describe("a call that failed", () => {
  it("was never sent where no connection came about", () => {
    expect(wasNeverSent(failedFetch(failure("ECONNREFUSED")))).toBe(true);
    expect(wasNeverSent(failedFetch(new AggregateError([failure("ECONNREFUSED"), failure("ENETUNREACH")])))).toBe(true);
  });

  it("may have been sent in every other case", () => {
    expect(wasNeverSent(failedFetch(failure("ECONNRESET")))).toBe(false);
    expect(wasNeverSent(failedFetch(failure("UND_ERR_SOCKET")))).toBe(false);
    expect(wasNeverSent(new AggregateError([failure("ECONNREFUSED"), failure("ECONNRESET")]))).toBe(false);
    expect(wasNeverSent(new DOMException("aborted", "AbortError"))).toBe(false);
    expect(wasNeverSent("ECONNREFUSED")).toBe(false);
  });
});
