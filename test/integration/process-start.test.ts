import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { policyFile, runToEnd, startProcess } from "./running-process.js";
import { afterwards, connect, temporaryDirectory } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals: { robot: { role: crew, workspace: dev } }
`;

const FAULTY = `version: 1
workspaces:
  dev: { models: ["*"], limits: { tokens_per_dya: 10 } }
roles:
  crew: { models: [mistral-smal-latest] }
`;

/** A loopback port that is taken for the length of a test. */
async function takenPort(port = 0): Promise<number> {
  const server = createServer();
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

/** Start what cannot be started. @returns the lines on stderr. */
async function refused(flags: readonly string[], uid?: number): Promise<readonly string[]> {
  const { code, signal, stdout, stderr } = await runToEnd(["serve", ...flags], { uid });
  expect({ code, signal, stdout }).toEqual({ code: 2, signal: null, stdout: "" });
  return stderr;
}

const anywhere = ["--listen", "127.0.0.1:0", "--admin", "off"];

describe("a start without a policy that can be in force", () => {
  it("names a file that is missing", async () => {
    const file = join(temporaryDirectory(), "policy.yaml");
    expect(await refused(["--policy", file, ...anywhere])).toEqual([
      `${file}: no such file; create it, or correct the path`,
    ]);
  });

  it("names a directory", async () => {
    const file = temporaryDirectory();
    expect(await refused(["--policy", file, ...anywhere])).toEqual([`${file}: is a directory; name the file in it`]);
  });

  it("names a link that leads to itself", async () => {
    const file = join(temporaryDirectory(), "policy.yaml");
    symlinkSync(file, file);
    expect(await refused(["--policy", file, ...anywhere])).toEqual([
      expect.stringContaining(`${file}: cannot be looked at (ELOOP)`),
    ]);
  });

  it("names a file that it may not read", async () => {
    const file = policyFile(POLICY);
    chmodSync(dirname(file), 0o755);
    chmodSync(file, 0o000);
    // Root reads whatever it likes, so it starts the process as nobody.
    const nobody = process.getuid?.() === 0 ? 65_534 : undefined;
    expect(await refused(["--policy", file, ...anywhere], nobody)).toEqual([
      `${file}: cannot be read (EACCES); check that this process may read it`,
    ]);
  });

  it("names every fault of a file, each on a line of its own", async () => {
    const file = policyFile(FAULTY);
    const lines = await refused(["--policy", file, ...anywhere]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(`${file}:3:35: workspaces.dev.limits.tokens_per_dya: `);
    expect(lines[0]).toContain("tokens_per_day");
    expect(lines[1]).toMatch(`${file}:5:20: roles.crew.models[0]: `);
    expect(lines[1]).toContain("mistral-small-latest");
  });
});

describe("a start on an address that cannot be had", () => {
  it("names a port that is in use", async () => {
    const port = await takenPort();
    expect(await refused(["--policy", policyFile(POLICY), "--listen", `127.0.0.1:${port}`, "--admin", "off"])).toEqual([
      `127.0.0.1:${port}: already in use; stop the process that listens there, or choose another address`,
    ]);
  });

  it("names an admin port that was asked for and is in use", async () => {
    const port = await takenPort();
    const flags = ["--listen", "127.0.0.1:0", "--admin", `127.0.0.1:${port}`];
    expect(await refused(["--policy", policyFile(POLICY), ...flags])).toEqual([
      expect.stringContaining(`127.0.0.1:${port}: already in use`),
    ]);
  });

  it("names a Unix socket whose directory is missing", async () => {
    const directory = join(temporaryDirectory(), "run");
    const path = join(directory, "windbreak.sock");
    expect(await refused(["--policy", policyFile(POLICY), "--listen", `unix:${path}`, "--admin", "off"])).toEqual([
      `unix:${path}: the directory ${directory} does not exist; create it, or choose another path`,
    ]);
  });

  it("names a file that stands where a Unix socket is to be", async () => {
    const path = join(temporaryDirectory(), "windbreak.sock");
    writeFileSync(path, "not a socket");
    expect(await refused(["--policy", policyFile(POLICY), "--listen", `unix:${path}`, "--admin", "off"])).toEqual([
      expect.stringContaining(`unix:${path}: a file that is no socket stands there`),
    ]);
  });

  it("names faults of the policy and of the addresses together", async () => {
    const file = policyFile(FAULTY);
    const port = await takenPort();
    const path = join(temporaryDirectory(), "run", "windbreak.sock");
    const listen = ["--listen", `127.0.0.1:${port}`, "--listen", `unix:${path}`];
    const lines = await refused(["--policy", file, ...listen, "--admin", "off"]);
    expect(lines.map((line) => line.slice(0, line.indexOf(": ")))).toEqual([
      `${file}:3:35`,
      `${file}:5:20`,
      `127.0.0.1:${port}`,
      `unix:${path}`,
    ]);
  });

  it("leaves no socket behind where another address cannot be had", async () => {
    const path = join(temporaryDirectory(), "windbreak.sock");
    const flags = ["--listen", `unix:${path}`, "--listen", `127.0.0.1:${await takenPort()}`, "--admin", "off"];
    await refused(["--policy", policyFile(POLICY), ...flags]);
    // A directory takes the name only where nothing else has it.
    mkdirSync(path);
  });
});

describe("a start with settings that cannot be", () => {
  it.each([
    ["an unknown flag", ["--bogus"], "unknown option '--bogus'; see windbreak --help"],
    ["a misspelt flag", ["--polcy", "x"], "unknown option '--polcy'; did you mean --policy?"],
    ["no policy", anywhere, "--policy: missing; give --policy FILE, or set WINDBREAK_POLICY"],
  ])("refuses %s", async (_, flags, line) => {
    expect(await refused(flags)).toEqual([line]);
  });

  it("refuses to rotate keys by what is no schedule, or a keys file that it cannot read", async () => {
    const flags = ["--rotate", "daily", "--keys", "/nowhere/keys.yaml", "--state", temporaryDirectory()];
    expect(await refused(["--policy", policyFile(POLICY), ...anywhere, ...flags])).toEqual([
      expect.stringMatching(/^\/nowhere\/keys\.yaml: /),
      "--rotate daily: is no schedule; write minute, hour, day, month and weekday, as 0 3 * * * for 3 o'clock each day",
    ]);
  });

  it("serves no Envoy over a port without proof, and names what it lacks", async () => {
    const flags = ["--listen-envoy", "127.0.0.1:0"];
    expect(await refused(["--policy", policyFile(POLICY), ...anywhere, ...flags])).toEqual([
      expect.stringMatching(
        /^--listen-envoy 127\.0\.0\.1:0: .*give --tls-cert, --tls-key, --tls-client-ca, --envoy-peer too/,
      ),
    ]);
  });

  it("serves no Envoy for a workspace without a key for Mistral, or whose key cannot be read", async () => {
    const listen = [...anywhere, "--listen-envoy", `unix:${join(temporaryDirectory(), "e.sock")}`];
    const [keyless] = await refused(["--policy", policyFile(POLICY), ...listen]);
    expect(keyless).toMatch(/workspaces: .* without upstream_key, but --listen-envoy .*; add upstream_key: /);
    const unread = POLICY.replace('dev: { models: ["*"]', 'dev: { models: ["*"], upstream_key: { file: /nowhere/key }');
    const [lost] = await refused(["--policy", policyFile(unread), ...listen]);
    expect(lost).toMatch(/upstream_key: .*\/nowhere\/key/);
  });

  it("takes no password of Redis from its arguments, and does not repeat it", async () => {
    const flags = ["--redis", "redis://:secret@127.0.0.1"];
    const [line, ...more] = await refused(["--policy", policyFile(POLICY), ...anywhere, ...flags]);
    expect(more).toEqual([]);
    expect(line).toMatch(/^--redis: holds a password, .*; set WINDBREAK_REDIS/);
    expect(line).not.toContain("secret");
  });

  it("takes callers at their word on this machine only", async () => {
    const flags = ["--listen", "0.0.0.0:0", "--admin", "off"];
    const [line, ...more] = await refused(["--policy", policyFile(POLICY), ...flags]);
    expect(more).toEqual([]);
    expect(line).toMatch(/^--listen 0\.0\.0\.0:0: whoever reaches this address could claim to be any principal; /);
    expect(line).toMatch(/Unix socket or loopback.*--identity credential or fixed:ID.*--insecure-declared-identity/);
  });

  it("refuses a fixed principal whom the policy does not list", async () => {
    const file = policyFile(POLICY);
    expect(await refused(["--policy", file, ...anywhere, "--identity", "fixed:rabbit"])).toEqual([
      expect.stringMatching(`${file}: principals: rabbit is not listed, .+; .+`),
    ]);
  });
});

describe("a start", () => {
  it("takes callers at their word anywhere once that is accepted, and warns", async () => {
    const flags = ["--insecure-declared-identity"];
    const { address, line } = await startProcess(POLICY, { listen: "0.0.0.0:0", flags });
    await line(/ warn +callers are taken at their word/);
    const client = connect(address.replace("0.0.0.0", "127.0.0.1"));
    expect(await client.checkBudget({ principal: { id: "ann", role: "crew", workspace: "dev" } })).toMatchObject({
      principal: { id: "ann" },
    });
  });

  it("goes on without the admin port where the default one is in use, and warns", async () => {
    try {
      await takenPort(9090);
    } catch (error) {
      // Taken by somebody else is taken too.
      expect(error).toMatchObject({ code: "EADDRINUSE" });
    }
    const { client, lines } = await startProcess(POLICY, { admin: "" });
    expect(lines.join("\n")).toContain("serving without an admin port: 127.0.0.1:9090: already in use");
    expect(await client.checkBudget({ principal: { id: "robot" } })).toMatchObject({ principal: { role: "crew" } });
  });
});
