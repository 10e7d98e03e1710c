import { describe, expect, it } from "vitest";
import type { Environment, SettingFault } from "../../../src/settings/given.js";
import { logsGiven, telemetryGiven } from "../../../src/settings/telemetry-given.js";

function given(env: Environment) {
  const faults: SettingFault[] = [];
  return { settings: telemetryGiven({ env, faults }), faults };
}

const read = (env: Environment) => given(env).settings;

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

describe("what is exported", () => {
  it("is nothing where no variable says so", () => {
    for (const env of [
      {},
      { OTEL_SERVICE_NAME: "pdp", OTEL_TRACES_SAMPLER: "always_on", OTEL_RESOURCE_ATTRIBUTES: "a=b" },
      { OTEL_EXPORTER_OTLP_ENDPOINT: " " },
      { OTEL_TRACES_EXPORTER: "none" },
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" },
      { ...ENDPOINT, OTEL_SDK_DISABLED: "true" },
      { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
    ]) {
      expect(read(env)).toBeUndefined();
    }
  });

  it("is both where an endpoint is given", () => {
    expect(read(ENDPOINT)).toEqual({
      traces: "http://collector:4318",
      metrics: { to: "http://collector:4318", protocol: "http/protobuf", intervalMs: 60_000, timeoutMs: 30_000 },
      detectsResource: false,
    });
  });

  it("is one of the two where only that is asked for", () => {
    expect(read({ OTEL_TRACES_EXPORTER: "otlp" })).toMatchObject({
      traces: "http://localhost:4318",
      metrics: undefined,
    });
    expect(read({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" })?.traces).toBeUndefined();
    expect(read({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m/v1/metrics" })).toMatchObject({
      traces: undefined,
      metrics: { to: "http://m/v1/metrics" },
    });
    // Prometheus has the admin port.
    expect(read({ ...ENDPOINT, OTEL_METRICS_EXPORTER: "prometheus" })?.metrics).toBeUndefined();
  });

  it("goes to the default port of its protocol", () => {
    const env = { OTEL_METRICS_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(read(env)?.metrics).toMatchObject({ to: "http://localhost:4317", protocol: "grpc" });
    const own = { ...env, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json" };
    expect(read(own)?.metrics).toMatchObject({ to: "http://localhost:4318", protocol: "http/json" });
  });

  it("comes as often as asked, and never later than the next time", () => {
    const pace = (interval: string, timeout: string) =>
      read({ ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: interval, OTEL_METRIC_EXPORT_TIMEOUT: timeout })?.metrics;
    expect(pace("1000", "")).toMatchObject({ intervalMs: 1000, timeoutMs: 1000 });
    expect(pace("5000", "200")).toMatchObject({ intervalMs: 5000, timeoutMs: 200 });
    expect(pace("0", "-1")).toMatchObject({ intervalMs: 60_000, timeoutMs: 30_000 });
    expect(pace("soon", "1e9")).toMatchObject({ intervalMs: 60_000, timeoutMs: 30_000 });
  });

  it("is shown without what may be secret", () => {
    const shown = (endpoint: string) => read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.traces;
    expect(shown("https://key:secret@collector:4318/base?token=secret")).toBe("https://collector:4318/base");
  });

  it("is refused with headers that no request can carry, without repeating them", () => {
    const fault = (where: string) => ({
      where,
      what: "holds what no header can",
      remedy: "write NAME=VALUE,NAME=VALUE in printable ASCII, and a comma within a value as %2C",
    });
    const all = "OTEL_EXPORTER_OTLP_HEADERS";
    for (const headers of [
      "a=secr\u00e9t",
      "a=secret%0A",
      "a=b,c=secret%00",
      "secret base==",
      "secret%2",
      "secret",
      "a-bin=b",
    ]) {
      expect(given({ ...ENDPOINT, [all]: headers }).faults).toEqual([fault(all)]);
      const own = "OTEL_EXPORTER_OTLP_LOGS_HEADERS";
      expect(given({ ...ENDPOINT, [own]: headers }).faults).toEqual([]);
      const faults: SettingFault[] = [];
      logsGiven({ env: { [own]: headers }, faults }, "--decision-log");
      expect(faults).toEqual([fault(own)]);
    }
    expect(given({ [all]: "secret" }).faults).toEqual([]);
    for (const headers of ["authorization=Bearer%20abc==, x-scope=a", "api-key=a=b;c", " ", "a=,"]) {
      expect(given({ ...ENDPOINT, [all]: headers }).faults).toEqual([]);
    }
  });

  it("is refused where its endpoint is none, without repeating it", () => {
    for (const endpoint of ["secret", "collector:4317", "https://a b", "file:///secret"]) {
      const { faults } = given({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect(faults).toEqual([
        { where: "OTEL_EXPORTER_OTLP_ENDPOINT", what: "is no URL", remedy: "write it as http://HOST:4318" },
      ]);
    }
    const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(given(grpc)).toMatchObject({ faults: [], settings: { traces: "collector:4317" } });
    const own = { ...ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "nowhere" };
    expect(given(own).faults.map(({ where }) => where)).toEqual(["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]);
    expect(given({ ...own, OTEL_METRICS_EXPORTER: "none" }).faults).toEqual([]);
  });
});
