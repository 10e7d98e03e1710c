import { describe, expect, it } from "vitest";
import { httpCall } from "../envoy/http-call.js";
import { ANSWERS, COMPLETION, RATE_LIMITED, STREAM } from "./answers.js";
import { valuesOf } from "./exchange.js";
import { ReplayServer } from "./replay-server.js";

const path = "/v1/chat/completions";
const body = { model: "mistral-small-latest", messages: [] };

describe("the replaying Mistral", () => {
  it("keeps a request as it came, with a header that came twice", async () => {
    const { port, requests } = await ReplayServer.start({ answers: ANSWERS });
    const headers = { authorization: "Bearer a", "X-Twice": ["1", "2"] };
    const answer = await httpCall({ port, path: `${path}?q=1`, body, headers });
    expect(JSON.parse(await answer.text())).toEqual(COMPLETION.body);
    expect(requests).toMatchObject([{ method: "POST", url: `${path}?q=1` }]);
    const [request] = requests;
    if (!request) throw new Error("no request");
    expect(JSON.parse(request.body.toString())).toEqual(body);
    expect(valuesOf(request, "x-twice")).toEqual(["1", "2"]);
    expect(valuesOf(request, "authorization")).toEqual(["Bearer a"]);
  });

  it("sends a held chunk when it is let go, and not before", async () => {
    const server = await ReplayServer.start({ answers: { [`POST ${path}`]: { ...STREAM, held: true } } });
    const calling = httpCall({ port: server.port, path, body });
    const exchange = await server.arrived();
    const answer = await calling;
    for (const [index, chunk] of STREAM.chunks.entries()) {
      expect(exchange.sent).toBe(index);
      expect(await exchange.chunk()).toBe(chunk);
      expect(await answer.part()).toBe(chunk);
    }
    await expect(exchange.chunk()).rejects.toThrow("all 4 chunks have been sent");
    exchange.rest();
    expect(await answer.part()).toBeUndefined();
    expect(await exchange.ended()).toBe("whole");
  });

  it.each(["whole", "stream"] as const)("compresses a body when told to: %s", async (kind) => {
    const shape = kind === "whole" ? COMPLETION : STREAM;
    const { port } = await ReplayServer.start({ answers: { [`POST ${path}`]: { ...shape, gzip: true } } });
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: JSON.stringify(body) });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    // What fetch undoes, and would fail to undo were it not so.
    expect(await answer.text()).toBe(kind === "whole" ? JSON.stringify(COMPLETION.body) : STREAM.chunks.join(""));
  });

  it("answers with an error, breaks off, and stalls until the caller hangs up", async () => {
    const server = await ReplayServer.start({ answers: { [`POST ${path}`]: RATE_LIMITED } });
    const { port } = server;
    expect(await httpCall({ port, path, body })).toMatchObject({ status: 429 });
    server.answer({ [`POST ${path}`]: { kind: "cut" } });
    await expect(httpCall({ port, path, body })).rejects.toMatchObject({ code: "ECONNRESET" });
    server.answer({ [`POST ${path}`]: { kind: "stall" } });
    await server.arrived();
    await server.arrived();
    const hangUp = new AbortController();
    const calling = fetch(`${server.url}${path}`, { method: "POST", signal: hangUp.signal });
    const exchange = await server.arrived();
    hangUp.abort();
    await expect(calling).rejects.toMatchObject({ name: "AbortError" });
    expect(await exchange.ended()).toBe("cut");
  });

  it("knows no other path", async () => {
    const { port } = await ReplayServer.start({ answers: ANSWERS });
    expect(await httpCall({ port, path: "/v1/nothing", body })).toMatchObject({ status: 404 });
    expect(await httpCall({ port, path })).toMatchObject({ status: 404 });
  });
});
