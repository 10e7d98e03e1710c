import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** A key that an issuer signs by. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly private: CryptoKey;
  readonly public: JWK;
}

/** Make a key pair. @param kid what the issuer calls it. */
export async function signingKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, private: pair.privateKey, public: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" } };
}

/** What a token has besides its claims. */
export interface TokenHead {
  /** Left out of the header where it is null. */
  readonly kid?: string | null;
  /** In seconds since 1970; left out where it is null, in an hour where it is left out here. */
  readonly exp?: number | null;
}

/** Sign claims as an issuer does. */
export function signToken(key: SigningKey, claims: object, { kid = key.kid, exp }: TokenHead = {}): Promise<string> {
  const expires = exp === undefined ? Math.floor(Date.now() / 1000) + 3_600 : exp;
  return new SignJWT({ ...claims, ...(expires === null ? {} : { exp: expires }) })
    .setProtectedHeader({ alg: key.alg, ...(kid === null ? {} : { kid }) })
    .sign(key.private);
}

/** Write a token by hand, with a signature that is none or whatever is given. */
export function forgedToken(header: object, claims: object, signature = ""): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server on loopback that publishes keys, and can be made to fail. */
export class KeyServer {
  /** How often the keys were asked for. */
  asked = 0;
  #answer: Answering = () => {};
  readonly #server = createServer((request, response) => {
    this.asked += 1;
    this.#answer(request, response);
  });

  /** Listen on a free port. */
  static async start(...keys: readonly SigningKey[]): Promise<KeyServer> {
    const started = new KeyServer();
    started.publish(...keys);
    await new Promise<void>((resolve) => started.#server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`;
  }

  publish(...keys: readonly SigningKey[]): void {
    this.#answer = (_, response) => response.end(JSON.stringify({ keys: keys.map((key) => key.public) }));
  }

  /** Answer otherwise from now on. */
  behave(answer: Answering): void {
    this.#answer = answer;
  }

  /** Be away: every connection is cut. */
  fail(): void {
    this.#answer = (request) => request.socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
