import { afterEach, describe, expect, it, vi } from "vitest";
import { lacking } from "./tools.js";

describe("the tools of other languages", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("are known to be missing, with how to get them", () => {
    vi.stubEnv("PATH", "");
    expect(lacking("go")).toMatch(/^Go is missing or older than .*go\.mod asks for: install that version, from /);
    expect(lacking("java")).toBe("javac and mvn missing: on Debian, apt-get install maven openjdk-17-jdk-headless.");
  });
});
