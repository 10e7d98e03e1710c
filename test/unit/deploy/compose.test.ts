import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadPolicy } from "../../../src/policy/load-policy.js";
import { pathOf } from "../../support/deploy/at-hand.js";
import { describeDeploy } from "../../support/deploy/describe-deploy.js";
import { DEPLOY } from "../../support/deploy/render.js";

const FILE = join(DEPLOY, "compose/compose.yaml");
const text = readFileSync(FILE, "utf8");

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
}

const compose: {
  readonly services: Readonly<Record<"windbreak" | "redis" | "envoy" | "try", Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
} = parse(text);
const { services } = compose;

describeDeploy("the compose file", () => {
  it("is one by the schema of the compose specification", () => {
    const judge = (file: string, input = "") =>
      spawnSync(
        pathOf("check-jsonschema"),
        ["--builtin-schema", "vendor.compose-spec", "--default-filetype", "yaml", file],
        {
          input,
          encoding: "utf8",
        },
      );
    expect(judge(FILE)).toMatchObject({ status: 0 });
    const spoilt = judge("-", text.replace("read_only: true", "readonly: true"));
    expect(spoilt.stdout).toMatch(/readonly/);
    expect(spoilt.status).toBe(1);
  });
});

describe("what compose starts", () => {
  it.each(Object.entries(services))("%s runs without rights", (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service.image).toMatch(/:[^:]*\d/);
  });

  it("publishes the admin port to this machine, and nothing else", () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([["windbreak", "127.0.0.1:9090:9090"]]);
    expect(services.windbreak.command).toContain("--admin-token-file=/run/secrets/admin_token");
  });

  it("keeps Redis where Windbreak alone reaches it, and nothing else is reached from", () => {
    expect(services.redis.networks).toEqual(["counters"]);
    expect(compose.networks["counters"]).toEqual({ internal: true });
    const neighbours = Object.entries(services).filter(([, { networks = [] }]) => networks.includes("counters"));
    expect(neighbours.map(([name]) => name)).toEqual(["windbreak", "redis"]);
  });

  it("has Redis keep what is counted, and let a user in by the rights that the docs give it", () => {
    const command = services.redis.command?.join(" ");
    expect(command).toContain("--appendonly yes --appendfsync everysec");
    expect(command).toContain("--maxmemory-policy noeviction");
    const documented = /ACL SETUSER windbreak on '>PASSWORD' (.+)/
      .exec(readFileSync(join(DEPLOY, "../docs/redis.md"), "utf8"))?.[1]
      ?.replaceAll("'", "");
    const script = readFileSync(join(DEPLOY, "compose/make-secrets"), "utf8");
    expect(documented).toBeDefined();
    expect(script).toContain(`user windbreak on #$digest ${documented}`);
  });

  it("gives the socket that hands out keys to Envoy, and Mistral's key to Windbreak", () => {
    const holders = (source: string) =>
      Object.entries(services).filter(([, { volumes = [] }]) => volumes.some((volume) => volume.source === source));
    expect(holders("envoy").map(([name]) => name)).toEqual(["windbreak", "envoy"]);
    const keyed = Object.entries(services).filter(([, { secrets = [] }]) => secrets.includes("mistral_key"));
    expect(keyed.map(([name]) => name)).toEqual(["windbreak"]);
  });

  it("has secrets from files that git does not take", () => {
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\//);
    expect(readFileSync(join(DEPLOY, "compose/.gitignore"), "utf8")).toBe("secrets/\n");
  });

  it("mounts a directory with a policy that is in order", () => {
    const mount = services.windbreak.volumes?.find(({ target }) => target === "/etc/windbreak/policy");
    expect(mount).toMatchObject({ type: "bind", source: "./policy" });
    const loaded = loadPolicy(readFileSync(join(DEPLOY, "compose/policy/policy.yaml")), "policy.yaml");
    expect(loaded.kind === "faulty" ? loaded.faults : loaded.warnings).toEqual([]);
  });
});
