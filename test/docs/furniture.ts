import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../integration/running-service.js";
import { movedBootstrap } from "../support/envoy/bootstrap.js";
import { Authority } from "../support/envoy/certificates.js";
import { placed, surroundings } from "../support/envoy/stage.js";
import { askUntil } from "../support/redis/deadlines.js";
import type { Stage } from "./stage.js";

/** Where `serve` listens on the machine of which a page speaks. */
const HOST = "windbreak.acme.example";
const [CALLS, ADMITTED] = [105, 95];
const DEVELOPERS = ["ada", "bob", "cem"];
const SECRETS = ["mistral", "mistral-dev", "hook", "redis"];

/** A suite with the case that docs/policy-lab.md shows failing. */
const FAILING = `policy: policy.yaml
at: 2026-11-29T12:00:00Z
cases:
  # More than is left.
  - name: a developer has 500,000 tokens a day
    given: { roles.developer.tokens_per_day: 498_800 }
    request:
      { principal: ada, role: developer, workspace: dev-workspace, model: codestral-latest, input_tokens: 1000, max_output_tokens: 500 }
    expect: { decision: allow }
`;

/** Put up what every page may take for granted, and of the rest what this one names. */
export async function furnish(stage: Stage, text: string): Promise<void> {
  const sample = stage.read("deploy/policy.yaml") ?? "";
  stage.save("policy.yaml", sample);
  stage.save("policy.test.yaml", stage.read("deploy/policy.test.yaml") ?? "");
  for (const name of ["new.yaml", "new-policy.yaml"]) stage.save(name, edited(sample));
  stage.save("budget.test.yaml", FAILING);
  for (const name of SECRETS) stage.save(`run/secrets/${name}`, "a-secret-of-nobody\n");
  for (const place of ["windbreak", "envoy"]) mkdirSync(join(stage.directory, "run", place));
  mkdirSync(join(stage.directory, "var/log/windbreak"), { recursive: true });
  mkdirSync(join(stage.directory, "var/lib"), { recursive: true });
  if (/\.crt\b/.test(text)) await certify(stage);
  if (/\bcurl\b|windbreak (authorize|usage|health|reservations)|decisions\.log/.test(text)) await serve(stage, text);
  if (/deploy\/envoy\/\w+\.yaml/.test(text)) await moveEnvoy(stage, text);
}

/** The edit that docs/policy-lab.md compares with the sample and replays a log by. */
function edited(sample: string): string {
  return sample
    .replace(
      "models: [mistral-small-latest, codestral-latest, mistral-embed]\n    limits:\n      requests_per_minute: 60",
      'models: ["mistral-small-*", mistral-embed]\n    on_store_failure: allow\n    limits:\n      requests_per_minute: 100',
    )
    .replace("usd_per_month: 50 ", "usd_per_month: 80 ")
    .replace("tokens_per_day: 1_000_000", "tokens_per_day: 21_000")
    .replace("concurrent_requests: 4", "concurrent_requests: 2");
}

/** The service that pages ask which start none. It has a day behind it where a page looks at one. */
async function serve(stage: Stage, text: string): Promise<void> {
  const { code, stderr } = await stage.run("windbreak serve --policy policy.yaml --decision-log decisions.log");
  if (code !== 0) throw new Error(stderr);
  if (!/decisions\.log|usage --top/.test(text)) return;
  await passDay(connect(`127.0.0.1:${stage.port(50_051)}`));
  // Lines are written in the background.
  await askUntil(
    10_000,
    async () => stage.read("decisions.log") ?? "",
    (log) => linesOf(log) === CALLS + ADMITTED,
  );
}

/** Three developers pass their workspace's 60 calls a minute by 10; Eve makes 35 calls elsewhere. */
async function passDay({ authorize, recordUsage }: ReturnType<typeof connect>): Promise<void> {
  for (let nth = 0; nth < CALLS; nth += 1) {
    const eve = { id: "eve", role: "senior", workspace: "ml-workspace" };
    const developer = { id: DEVELOPERS[nth % 3] ?? "ada", role: "developer", workspace: "dev-workspace" };
    const principal = nth < 35 ? eve : developer;
    const amounts = { model: "mistral-small-latest", input_tokens: 700, max_output_tokens: 300 };
    const answer = await authorize({ ...amounts, principal, labels: { feature: "answers" } });
    if (!answer.allowed) continue;
    const usage = { input_tokens: 700, output_tokens: 100 };
    await recordUsage({ principal, reservation_id: answer.reservation_id, usage, outcome: "OUTCOME_SUCCEEDED" });
  }
}

function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

/** The certificates that pages name, all of one authority. */
async function certify(stage: Stage): Promise<void> {
  const authority = await Authority.create();
  const windbreak = await authority.issue({ names: [`DNS:${HOST}`, "DNS:localhost", "IP:127.0.0.1"] });
  const operator = await authority.issue({ commonName: "operator", usage: "clientAuth" });
  const copies = { "windbreak.crt": windbreak.files.certificate, "windbreak.key": windbreak.files.key };
  const others = { "operator.crt": operator.files.certificate, "operator.key": operator.files.key };
  for (const [name, file] of Object.entries({ ...copies, ...others, "ca.crt": authority.root.files.certificate })) {
    copyFileSync(file, join(stage.directory, name));
  }
}

/** Envoy's sidecar with a Mistral that replays, in place of the one that is shipped. */
async function moveEnvoy(stage: Stage, text: string): Promise<void> {
  if (!/envoy --config-path/.test(text)) return;
  const around = await surroundings();
  const socket = join(stage.directory, "run/windbreak/envoy.sock");
  const { addresses, files } = placed("sidecar", around, socket);
  const moved = movedBootstrap("sidecar", {
    addresses: { ...addresses, "127.0.0.1:10000": `127.0.0.1:${stage.port(10_000)}` },
    files: { ...files, "/run/envoy/admin.sock": join(stage.directory, "run/envoy/admin.sock") },
  });
  writeFileSync(join(stage.directory, "deploy/envoy/sidecar.yaml"), moved);
}
