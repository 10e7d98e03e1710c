import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SecretPlace } from "../../../../src/domain/secret-place.js";
import { VaultSink } from "../../../../src/keys/sinks/vault-sink.js";
import { Authority } from "../../../support/envoy/certificates.js";
import type { Answer } from "../../../support/mistral/replay-server.js";
import { endAfterwards } from "../../../support/redis/ending.js";
import { errors, VaultApi } from "../../../support/sinks/vault-api.js";

interface Words {
  readonly token?: SecretPlace;
  readonly timeoutMs?: number;
  readonly url?: string;
  readonly ca?: string;
}

function sinkOf(
  api: VaultApi,
  { token = { kind: "env", name: "TOKEN" }, timeoutMs = 5_000, url = api.url, ca }: Words = {},
) {
  const place = { kind: "vault", url, mount: "secret", path: "mistral/dev", field: "api_key", token, ca } as const;
  return new VaultSink(place, { timeoutMs, variable: (name) => (name === "TOKEN" ? api.token : undefined) });
}

describe("a secret of Vault", () => {
  it("is made where there is none, and gives its field back", async () => {
    const api = await VaultApi.start();
    const sink = sinkOf(api);
    expect(await sink.read()).toEqual({ kind: "empty" });
    expect(await sink.store("key-of-dev")).toEqual({ kind: "stored" });
    expect(await sink.read()).toEqual({ kind: "secret", secret: "key-of-dev" });
    expect(api.fields).toEqual({ api_key: "key-of-dev" });
  });

  it("keeps its other fields", async () => {
    const api = await VaultApi.start();
    api.write({ api_key: "old", note: "of the search team", nested: { deep: [1, null] } });
    expect(await sinkOf(api).store("new")).toEqual({ kind: "stored" });
    expect(api.fields).toEqual({ api_key: "new", note: "of the search team", nested: { deep: [1, null] } });
  });

  it("follows a version that was deleted", async () => {
    const api = await VaultApi.start();
    api.write({ api_key: "old" });
    api.write(null);
    expect(await sinkOf(api).read()).toEqual({ kind: "empty" });
    expect(await sinkOf(api).store("new")).toEqual({ kind: "stored" });
    expect([api.fields, api.version]).toEqual([{ api_key: "new" }, 3]);
  });

  it("is read anew where somebody else wrote in between, whose field stays", async () => {
    const api = await VaultApi.start();
    const nothing = () => {};
    api.fail(nothing, () => api.write({ note: "theirs" }));
    expect(await sinkOf(api).store("new")).toEqual({ kind: "stored" });
    expect(api.fields).toEqual({ note: "theirs", api_key: "new" });
  });

  it("is given up where others write all the time", async () => {
    const api = await VaultApi.start();
    const [nothing, write] = [() => {}, () => api.write({ note: String(api.version) })];
    api.fail(nothing, write, nothing, write, nothing, write);
    const stored = await sinkOf(api).store("new");
    expect(stored.kind === "failed" && stored.why).toContain("somebody else wrote it each of 3 times");
    expect(api.fields).toEqual({ note: "2" });
  });

  it("is asked with the token that its file holds at each call", async () => {
    const api = await VaultApi.start();
    const directory = await mkdtemp(join(tmpdir(), "vault-token-"));
    endAfterwards(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, "token");
    const sink = sinkOf(api, { token: { kind: "file", path } });
    await writeFile(path, `${api.token}\n`);
    expect(await sink.store("first")).toEqual({ kind: "stored" });
    api.token = "hvs.renewed";
    await writeFile(path, api.token);
    expect(await sink.store("second")).toEqual({ kind: "stored" });
    await rm(path);
    const stored = await sink.store("third");
    expect(stored.kind === "failed" && stored.why).toContain(`the file ${path} does not exist; put a token`);
  });

  it.each<[string, Answer, string]>([
    [
      "does not let the token do it",
      errors(403, "1 error occurred: permission denied"),
      'path "secret/data/mistral/dev" { capabilities = ["create", "read", "update"] }',
    ],
    ["has no such mount", errors(404, 'no handler for route "secret/data/mistral/dev"'), "the mount of a KV store"],
    ["finds it at fault", errors(400, "missing path"), "check mount, path and field"],
    ["is sealed", errors(503, "Vault is sealed"), "unseal it"],
    [
      "sends elsewhere",
      { kind: "whole", status: 307, headers: { location: "http://127.0.0.1:1/" }, body: "" },
      "active node",
    ],
    ["answers no JSON", { kind: "whole", body: "<html>" }, "answered 200 with no secret"],
    ["is broken", errors(500, "internal error"), "answered 500"],
    ["cuts the connection", { kind: "cut" }, "cut the connection"],
    ["cuts its reply", { kind: "whole", headers: { "content-length": "9000" }, body: "{" }, "cut the connection"],
  ])("is not changed where Vault %s, and the remedy is told", async (_, fault, words) => {
    for (const before of [[], [() => {}]]) {
      const api = await VaultApi.start();
      api.write({ note: "kept" });
      api.fail(...before, fault);
      const stored = await sinkOf(api).store("key-of-dev");
      // A write is taken by its status: what a body of 200 says adds nothing.
      if (stored.kind === "stored") continue;
      expect(stored.why).toContain(words);
      expect(stored.why).toContain("vault secret/mistral/dev api_key: Vault at 127.0.0.1:");
      expect(stored.why).not.toMatch(/key-of-dev|hvs/);
      expect(api.fields).toEqual({ note: "kept" });
    }
  });

  it("goes over TLS to whom the authority of its own vouches for, and to nobody else", async () => {
    const [own, other] = await Promise.all([Authority.create(), Authority.create()]);
    const { certificate, key } = await own.issue({ names: ["IP:127.0.0.1"] });
    const api = await VaultApi.start({ certificate, key });
    const directory = await mkdtemp(join(tmpdir(), "vault-ca-"));
    endAfterwards(() => rm(directory, { recursive: true, force: true }));
    const ca = join(directory, "ca.crt");
    const why = async (words: Words) => {
      const stored = await sinkOf(api, words).store("key-of-dev");
      return stored.kind === "failed" ? stored.why : stored.kind;
    };
    expect(await why({})).toContain("trust its authority by the sink's ca, or mend its url");
    expect(await why({ ca })).toContain(`${ca} does not exist; put the authority of Vault's there`);
    await writeFile(ca, other.root.certificate);
    expect(await why({ ca })).toContain("mend the file with its authority, or mend its url");
    await writeFile(ca, "no certificate");
    expect(await why({ ca })).toContain("Vault at 127.0.0.1:");
    expect(api.requests).toEqual([]);
    await writeFile(ca, own.root.certificate);
    expect(await why({ ca })).toBe("stored");
    expect(api.fields).toEqual({ api_key: "key-of-dev" });
  });

  it("is given up where Vault takes too long", async () => {
    const api = await VaultApi.start();
    api.fail({ kind: "stall" });
    const stored = await sinkOf(api, { timeoutMs: 50 }).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("did not answer within 50 ms");
  });

  it("cannot be kept where nobody listens", async () => {
    const api = await VaultApi.start();
    const stored = await sinkOf(api, { url: "http://127.0.0.1:1/" }).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("could not be reached (ECONNREFUSED)");
  });

  it("is unreadable where its field holds no text, and without a token", async () => {
    const api = await VaultApi.start();
    api.write({ api_key: 7 });
    const found = await sinkOf(api).read();
    expect(found.kind === "unreadable" && found.why).toContain("the field api_key holds no text");
    const keyless = await sinkOf(api, { token: { kind: "env", name: "UNSET" } }).read();
    expect(keyless.kind === "unreadable" && keyless.why).toContain("the variable UNSET is not set");
  });
});
