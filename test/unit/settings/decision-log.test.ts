import { describe, expect, it } from "vitest";
import type { Environment, Flags } from "../../../src/settings/given.js";
import { readServeSettings } from "../../../src/settings.js";

function logOf(flags: Flags, env: Environment = {}) {
  const read = readServeSettings({ flags: { policy: "policy.yaml", ...flags }, env, isTerminal: false });
  return read.kind === "read" ? read.settings.decisionLog : read.faults.map(({ where, what }) => `${where}: ${what}`);
}

describe("the decision log", () => {
  it("is not written unless somebody asks", () => {
    expect(logOf({})).toBeUndefined();
  });

  it("goes to stdout or to a file", () => {
    expect(logOf({ "decision-log": "stdout" })).toEqual({ target: { kind: "stdout" }, share: 1 });
    const target = { kind: "file", path: "/var/log/d.log", maxBytes: 104_857_600, files: 5 };
    expect(logOf({}, { WINDBREAK_DECISION_LOG: "/var/log/d.log" })).toEqual({ target, share: 1 });
  });

  it("goes to a collector, as OpenTelemetry's variables say", () => {
    const target = (env: Environment) => {
      const read = logOf({ "decision-log": "otlp" }, env);
      return Array.isArray(read) ? read : read && "target" in read && read.target;
    };
    expect(target({})).toEqual({ kind: "otlp", to: "http://localhost:4318", protocol: "http/protobuf" });
    const grpc = { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://user:secret@c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(target(grpc)).toEqual({ kind: "otlp", to: "http://c:4317", protocol: "grpc" });
    expect(target({ OTEL_EXPORTER_OTLP_ENDPOINT: "secret" })).toEqual(["OTEL_EXPORTER_OTLP_ENDPOINT: is no URL"]);
    const off = ["--decision-log otlp: goes nowhere while OTEL_SDK_DISABLED is true"];
    expect(target({ OTEL_SDK_DISABLED: "true" })).toEqual(off);
  });

  it("is sampled, and rotated by size", () => {
    const flags = { "decision-log-sample": "0.01", "decision-log-max-bytes": "65536", "decision-log-files": "0" };
    const target = { kind: "file", path: "d.log", maxBytes: 65_536, files: 0 };
    expect(logOf({ "decision-log": "d.log", ...flags })).toEqual({ target, share: 0.01 });
  });

  it.each([
    [{ "decision-log": "" }, "--decision-log: empty"],
    [{ "decision-log": "d", "decision-log-sample": "2" }, "--decision-log-sample 2: no share from 0 to 1"],
    [{ "decision-log": "d", "decision-log-sample": "1%" }, "--decision-log-sample 1%: no share from 0 to 1"],
    [
      { "decision-log": "d", "decision-log-max-bytes": "1000" },
      `--decision-log-max-bytes 1000: no whole number from 65536 to ${Number.MAX_SAFE_INTEGER}`,
    ],
    [{ "decision-log": "d", "decision-log-files": "-1" }, "--decision-log-files -1: no whole number from 0 to 1000"],
    [{ "decision-log-sample": "0.5" }, "--decision-log-sample: is of no use without --decision-log"],
    [
      { "decision-log": "stdout", "decision-log-files": "3" },
      "--decision-log-files: is of no use without --decision-log FILE",
    ],
  ])("is not opened as %j", (flags, fault) => {
    expect(logOf(flags)).toEqual([fault]);
  });

  it("does not mind a variable that another start needs", () => {
    expect(logOf({}, { WINDBREAK_DECISION_LOG_SAMPLE: "0.5" })).toBeUndefined();
  });
});
