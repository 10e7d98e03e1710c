import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { policyFile, type RunningProcess, revisionOf, startProcess } from "./running-process.js";
import { type Answer, temporaryDirectory } from "./running-service.js";
import { keepAsking, revisionsMet } from "./steady-load.js";

/** What an operator may be made to wait for an edit. */
const SEEN_WITHIN_MS = 5_000;

/** A policy that differs in one ceiling. */
const policy = (tokensPerDay: string) => `version: 1
workspaces:
  dev: { models: ["*"], limits: { usd_per_month: 1000 } }
roles:
  crew: { models: ["*"], limits: { tokens_per_day: ${tokensPerDay} } }
`;
const WIDE = policy("1_000_000_000");
const NARROW = policy("5_000");
const WIDER = policy("2_000_000_000");

const ann = { id: "ann", role: "crew", workspace: "dev" };
const bob = { ...ann, id: "bob" };
const model = "mistral-small-latest";
const small = { model, input_tokens: 1, max_output_tokens: 1 };

/** How a policy file comes to say something else. */
interface Way {
  readonly name: string;
  /** @returns the path that the server is given. */
  readonly lay: (text: string) => string;
  readonly change: (file: string, text: string, running: RunningProcess) => void;
}

const WAYS: readonly Way[] = [
  { name: "edited in place", lay: policyFile, change: (file, text) => writeFileSync(file, text) },
  {
    name: "replaced by rename",
    lay: policyFile,
    change: (file, text) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    },
  },
  { name: "swapped by the ..data link of a Kubernetes volume", lay: layVolume, change: swapVolume },
  {
    name: "edited elsewhere, behind a link, and told of by SIGHUP",
    lay: (text) => {
      const file = join(temporaryDirectory(), "policy.yaml");
      symlinkSync(policyFile(text), file);
      return file;
    },
    change: (file, text, { kill }) => {
      writeFileSync(file, text);
      kill("SIGHUP");
    },
  },
];

const NAMED_WAYS = WAYS.map((way) => [way.name, way] as const);

function layVolume(text: string): string {
  const directory = temporaryDirectory();
  const file = join(directory, "policy.yaml");
  symlinkSync(join("..data", "policy.yaml"), file);
  swapVolume(file, text);
  return file;
}

/** As the kubelet does: a directory for each content, and one rename of a link that puts it in place. */
function swapVolume(file: string, text: string): void {
  const directory = dirname(file);
  const content = `..${revisionOf(text)}`;
  mkdirSync(join(directory, content));
  writeFileSync(join(directory, content, "policy.yaml"), text);
  symlinkSync(content, join(directory, "..data_tmp"));
  renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
}

/** Read what is counted for someone, by the names of the limits. */
async function counted({ client }: RunningProcess, principal: object) {
  const { limits } = await client.checkBudget({ principal });
  return Object.fromEntries(
    limits.map(({ name, used, reserved, ceiling }: Answer) => [name, { used, reserved, ceiling }]),
  );
}

describe("a reload under load", () => {
  it.each(NAMED_WAYS)("takes up a file that was %s, and keeps what is counted", async (_, { lay, change }) => {
    const file = lay(WIDE);
    const running = await startProcess(WIDE, { file });
    const report = (principal: object) => ({ principal, model, request_id: "r", usage: { input_tokens: 6_000 } });
    await running.client.recordUsage(report(ann));
    await running.client.recordUsage(report(bob));
    const tokens = "roles.crew.tokens_per_day";
    expect((await counted(running, bob))[tokens]).toEqual({ used: 6_000, reserved: 0, ceiling: 1e9 });

    const load = keepAsking(running.client, { ...small, principal: ann });
    const texts = [WIDE, NARROW, WIDER];
    await load.everyCallerSees(revisionOf(WIDE), SEEN_WITHIN_MS);
    for (const [text, ceiling] of [
      [NARROW, 5_000],
      [WIDER, 2e9],
    ] as const) {
      change(file, text, running);
      await load.everyCallerSees(revisionOf(text), SEEN_WITHIN_MS);
      expect((await counted(running, bob))[tokens]).toEqual({ used: 6_000, reserved: 0, ceiling });
    }
    await load.stop();

    expect(load.failures).toEqual([]);
    for (const met of revisionsMet(load.samples)) expect(met).toEqual(texts.map(revisionOf));
    // More is used than the narrow policy allows, so the revision and the decision must go together.
    const misjudged = load.samples.filter(({ revision, allowed }) => allowed !== (revision !== revisionOf(NARROW)));
    expect(misjudged).toEqual([]);
  });
});

const BROKEN = WIDE.replace("tokens_per_day", "tokens_per_dya");
const EMPTY = "";

/** Ask until the answer is as it must become. A policy takes a moment to be judged. */
async function readyOnce({ get }: RunningProcess, is: (ready: Answer) => boolean): Promise<Answer> {
  const end = Date.now() + SEEN_WITHIN_MS;
  for (;;) {
    const ready = JSON.parse((await get("/readyz")).text);
    if (is(ready)) return ready;
    if (Date.now() > end) throw new Error(`not so within ${SEEN_WITHIN_MS} ms: ${JSON.stringify(ready)}`);
  }
}

describe("a file that is broken while the service runs", () => {
  it("leaves the last good policy in force, says so once and everywhere, and heals by itself", async () => {
    const running = await startProcess(WIDE);
    const { file, client, lines } = running;
    const revision = revisionOf(WIDE);
    const fault = `${file}:5:36: roles.crew.limits.tokens_per_dya: `;

    writeFileSync(file, BROKEN);
    await running.line(/ error .*stays in force/);
    expect(lines.filter((line) => line.includes("stays in force"))).toEqual([
      expect.stringContaining(`policy ${revision} stays in force: ${fault}`),
    ]);
    expect(JSON.parse((await running.get("/readyz")).text)).toMatchObject({
      status: "ready",
      policy: "stale",
      policy_revision: revision,
      faults: [expect.stringContaining(fault)],
    });
    const { text } = await running.get("/metrics");
    expect(text).toMatch(/^windbreak_policy_stale 1$/m);
    expect(text).toMatch(/^windbreak_policy_reloads_total\{result="failed"\} 1$/m);
    expect(await client.authorize({ ...small, principal: ann })).toMatchObject({
      allowed: true,
      policy_revision: revision,
    });

    // Broken otherwise, and then as before: each is worth one line.
    writeFileSync(file, EMPTY);
    await readyOnce(running, ({ faults }) => faults.length > 0 && !faults[0].includes(fault));
    writeFileSync(file, BROKEN);
    await readyOnce(running, ({ faults }) => faults[0]?.includes(fault));
    expect(lines.filter((line) => line.includes(fault))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("stays in force: "))).toHaveLength(2);

    writeFileSync(file, WIDE);
    await running.line(new RegExp(` info .*in order again, policy ${revision} stays in force$`));
    expect(JSON.parse((await running.get("/readyz")).text)).toMatchObject({ policy: "current", faults: [] });
    expect((await running.get("/metrics")).text).toMatch(/^windbreak_policy_stale 0$/m);
  });

  it("is in force as soon as it is mended", async () => {
    const running = await startProcess(WIDE);
    writeFileSync(running.file, BROKEN);
    await running.line(/ error .*stays in force/);
    writeFileSync(running.file, NARROW);
    await running.line(new RegExp(` info .*policy ${revisionOf(NARROW)} is in force, after ${revisionOf(WIDE)}$`));
    const { text } = await running.get("/metrics");
    expect(text).toMatch(/^windbreak_policy_stale 0$/m);
    expect(text).toMatch(/^windbreak_policy_reloads_total\{result="ok"\} 1$/m);
    expect(text).toContain(`windbreak_policy_info{revision="${revisionOf(NARROW)}"} 1`);
  });
});
