import { once } from "node:events";
import { makeGenericClientConstructor, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { beforeAll, describe, expect, it } from "vitest";
import { peerOf } from "../../src/transport/peer.js";
import { createServer, listen } from "../../src/transport/server.js";
import { TlsGate, type TlsGateOptions } from "../../src/transport/tls-gate.js";
import { Authority, type Certificate } from "../support/envoy/certificates.js";
import { afterwards } from "./running-service.js";
import { channelOf, closed, knock, NAMES, shakeHands } from "./tls-stage.js";

const SPIFFE = "spiffe://acme/ns/search/sa/default";

const asIs = (value: Buffer) => value;
const WHO = {
  who: {
    path: "/test.Who/Who",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;
const WhoClient = makeGenericClientConstructor(WHO, "test.Who");

let authority: Authority;
let server: Certificate;
beforeAll(async () => {
  authority = await Authority.create();
  server = await authority.issue({ names: NAMES });
});

/** Serve a call that answers with the names that its peer has proved, behind a gate, on a free port. */
async function start(options: Partial<TlsGateOptions> = {}) {
  const refused: string[] = [];
  let seen: object | undefined;
  const grpc = createServer();
  grpc.addService(WHO, {
    who: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
      const certificate = call.getAuthContext().sslPeerCertificate;
      const isSame = seen !== undefined && seen === certificate;
      seen = certificate;
      reply(null, Buffer.from(JSON.stringify({ peer: peerOf(call), isSame })));
    },
  });
  const certificates = {
    cert: Buffer.from(server.certificate),
    key: Buffer.from(server.key),
    clientCa: Buffer.from(authority.root.certificate),
  };
  const gate = new TlsGate({ certificates, refused: (why) => refused.push(why), ...options });
  const bound = await listen(grpc, { addresses: [{ kind: "tcp", host: "127.0.0.1", port: 0 }], gate });
  if (bound.kind === "refused") throw new Error(JSON.stringify(bound.faults));
  const { listeners } = bound;
  afterwards(async () => {
    for (const listener of listeners) listener.cut();
    await Promise.all(listeners.map((listener) => listener.close()));
    grpc.forceShutdown();
  });
  const [address] = listeners.map((listener) => listener.address);
  const port = address?.kind === "tcp" ? address.port : 0;
  const clientFor = (shown?: Certificate) => {
    const client = new WhoClient(`dns:127.0.0.1:${port}`, channelOf(authority, shown));
    afterwards(() => client.close());
    return () =>
      new Promise<unknown>((resolve, reject) => {
        client["who"]?.(Buffer.alloc(0), (error: Error | null, answer?: Buffer) =>
          error ? reject(error) : resolve(JSON.parse(String(answer))),
        );
      });
  };
  return { port, refused, clientFor, certificates };
}

describe("the peer of a call", () => {
  it("is named by the URIs of the certificate that it has proved, read once for its connection", async () => {
    const { clientFor } = await start();
    const ask = clientFor(await authority.issue({ names: [`URI:${SPIFFE}`, "DNS:search"] }));
    expect(await ask()).toEqual({ peer: [SPIFFE], isSame: false });
    expect(await ask()).toEqual({ peer: [SPIFFE], isSame: true });
  });

  it("is each connection's own", async () => {
    const { clientFor } = await start();
    const one = clientFor(await authority.issue({ names: [`URI:${SPIFFE}/one`] }));
    const two = clientFor(await authority.issue({ names: [`URI:${SPIFFE}/two`] }));
    await one();
    await two();
    expect(await one()).toMatchObject({ peer: [`${SPIFFE}/one`] });
    expect(await two()).toMatchObject({ peer: [`${SPIFFE}/two`] });
  });

  it("has no name where its certificate has none, or one that would look like two", async () => {
    const { clientFor } = await start();
    expect(await clientFor(await authority.issue({ names: ["DNS:spiffe.acme"] }))()).toMatchObject({ peer: [] });
    const twofold = await authority.issue({ names: [`URI:${SPIFFE}`], commonName: `URI:${SPIFFE}/admin` });
    expect(await clientFor(twofold)()).toMatchObject({ peer: [SPIFFE] });
  });

  it("has no name where nobody asked for its certificate", async () => {
    const { clientFor } = await start({
      certificates: { cert: Buffer.from(server.certificate), key: Buffer.from(server.key), clientCa: undefined },
    });
    const shown = await authority.issue({ names: [`URI:${SPIFFE}`] });
    expect(await clientFor(shown)()).toMatchObject({ peer: [] });
  });
});

describe("handshakes", () => {
  it("may take so long and no longer, also where a byte comes now and then", async () => {
    const { port, refused } = await start({ handshakeMs: 300 });
    const silent = await knock(port);
    const dripping = await knock(port);
    const drip = setInterval(() => dripping.write(Buffer.from([0x16])), 20);
    afterwards(() => clearInterval(drip));
    await Promise.all([closed(silent), closed(dripping)]);
    expect(refused.filter((why) => why === "no handshake within 300 ms").length).toBeGreaterThanOrEqual(1);
    expect(refused).toHaveLength(2);
  });

  it("give way, the oldest first, where there are too many: who is honest gets in", async () => {
    const { port, refused, clientFor } = await start({ mostHandshakes: 3, handshakeMs: 60_000 });
    const idle = [await knock(port), await knock(port), await knock(port)];
    expect(refused).toEqual([]);
    const ask = clientFor(await authority.issue({ names: [`URI:${SPIFFE}`] }));
    expect(await ask()).toMatchObject({ peer: [SPIFFE] });
    const [oldest, ...others] = idle;
    if (oldest) await closed(oldest);
    expect(others.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    expect(refused).toEqual(["more than 3 handshakes at once"]);
  });

  it("that are over count no more", async () => {
    const { port, refused, clientFor } = await start({ mostHandshakes: 1 });
    const shown = await authority.issue({ names: [`URI:${SPIFFE}`] });
    const first = clientFor(shown);
    await first();
    await clientFor(shown)();
    expect(await first()).toMatchObject({ peer: [SPIFFE] });
    const gone = await knock(port);
    gone.resetAndDestroy();
    await once(gone, "close");
    expect(await clientFor(shown)()).toMatchObject({ peer: [SPIFFE] });
    expect(refused.filter((why) => !why.includes("at once"))).toEqual([]);
  });

  it("that a client breaks off are nobody's fault and end nothing", async () => {
    const { port, refused, clientFor } = await start();
    for (let nth = 0; nth < 20; nth += 1) {
      const socket = await knock(port);
      socket.write(Buffer.from([0x16, 0x03, 0x01, 0x01, 0x00]));
      socket.resetAndDestroy();
    }
    const made = await shakeHands(port, { ca: authority.root.certificate });
    if (typeof made !== "string") await closed(made);
    expect(await clientFor(await authority.issue({ names: [`URI:${SPIFFE}`] }))()).toMatchObject({ peer: [SPIFFE] });
    expect(refused).toEqual(["it showed no certificate"]);
  });
});
