import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { ModelListProbe } from "../../../src/keys/model-list-probe.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Try a key at a Mistral that answers by a status; 0: by hanging up. */
async function tried(status: number, body = '{"object":"list","data":[]}') {
  const asked: unknown[] = [];
  const mistral = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.authorization]);
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  server = mistral;
  await new Promise<void>((resolve) => mistral.listen(0, "127.0.0.1", resolve));
  const address = mistral.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const apiUrl = `http://127.0.0.1:${port}`;
  const said = await new ModelListProbe({ apiUrl, timeoutMs: 5_000 }).verify("SECRETKEY");
  return { said, asked, where: `GET ${apiUrl}/v1/models` };
}

test("a key works that lists models", async () => {
  const { said, asked } = await tried(200);
  expect([said, asked]).toEqual([{ kind: "works" }, [["GET", "/v1/models", "Bearer SECRETKEY"]]]);
});

test("a key works though the list is of a form that nobody knows", async () => {
  expect((await tried(200, '{"models":[]}')).said).toEqual({ kind: "works" });
});

test.each([401, 403])("a key is rejected by %i", async (status) => {
  const { said, where } = await tried(status, '{"message":"SECRETKEY"}');
  expect(said).toEqual({ kind: "rejected", why: `${where} was answered by HTTP ${status}` });
});

test.each([
  [429, "was answered by HTTP 429"],
  [500, "was answered by HTTP 500"],
  [0, "had no answer (ConnectionError)"],
])("nobody knows after %i, which is asked once", async (status, why) => {
  const { said, asked, where } = await tried(status, '{"message":"SECRETKEY"}');
  expect([said, asked.length]).toEqual([{ kind: "unknown", why: `${where} ${why}` }, 1]);
});
