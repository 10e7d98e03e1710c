import { request } from "node:http";
import { formatSpan } from "../domain/explain.js";
import { readKeyFile } from "../keys/read-key.js";
import type { AdminAskSettings } from "../settings.js";
import { type Address, formatAddress } from "../transport/address.js";
import { EXIT, type Failure, failure } from "./context.js";
import { whyUnreachable } from "./unreachable.js";

/** What the admin port answered, with JSON in its body. */
export interface AdminAnswer {
  readonly kind: "answer";
  readonly status: number;
  readonly body: unknown;
}

const OK = 200;
/** Far above any page that the admin port sends. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Ask the admin port.
 *
 * @param path with its query.
 * @param posted what to POST as JSON; where it is left out, the path is read by GET.
 */
export async function askAdmin(
  settings: AdminAskSettings,
  path: string,
  posted?: object,
): Promise<AdminAnswer | Failure> {
  const token = await shownTo(settings);
  if ("exitCode" in token) return token;
  try {
    const { status, text } = await exchange(settings, path, { ...token, posted });
    const body = parse(text);
    if (body !== undefined) return { kind: "answer", status, body };
    return unreachable(settings, "what listens there is no admin port of Windbreak");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return failureOf(error, settings);
  }
}

/**
 * Read all pages of a path, one after another.
 *
 * @param read makes a page of an answer's body; undefined where it is none.
 */
export async function askPages<Page extends { readonly next?: string | undefined }>(
  settings: AdminAskSettings,
  path: string,
  read: (body: unknown) => Page | undefined,
): Promise<readonly Page[] | Failure> {
  const pages: Page[] = [];
  const asked = new Set<string>();
  for (let after: string | undefined = ""; after !== undefined; after = pages.at(-1)?.next) {
    // A cursor that comes again would be followed for ever.
    if (asked.has(after)) return misfit(settings);
    asked.add(after);
    const query = after === "" ? "" : `?${new URLSearchParams({ after })}`;
    const answer = await askAdmin(settings, `${path}${query}`);
    if (answer.kind === "failure") return answer;
    if (answer.status !== OK) return refusal(settings, answer);
    const page = read(answer.body);
    if (!page) return misfit(settings);
    pages.push(page);
  }
  return pages;
}

/** Say that the admin port answered what nobody asked for, in the words of its `error` where it has one. */
export function refusal({ adminServer }: AdminAskSettings, { status, body }: AdminAnswer): Failure {
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
  const exitCode = status >= 500 ? EXIT.unreachable : EXIT.usage;
  const said = status === UNAUTHORIZED ? WRONG_TOKEN : typeof error === "string" ? error : "no reason given";
  return failure(exitCode, `${formatAddress(adminServer)}: ${said} (HTTP ${status})`);
}

const UNAUTHORIZED = 401;
const WRONG_TOKEN =
  "the admin port asks for its token; give --admin-token-file FILE with the one that the server reads";

/** What the admin port is shown with each request. */
async function shownTo({ adminTokenFile: file }: AdminAskSettings): Promise<{ readonly headers: object } | Failure> {
  if (file === undefined) return { headers: {} };
  const read = await readKeyFile(file);
  if (read.kind === "key") return { headers: { authorization: `Bearer ${read.key}` } };
  return failure(EXIT.usage, `--admin-token-file ${file}: ${read.why}; put the admin port's token there`);
}

/** Say that what was answered is not what this version's admin port answers. */
export function misfit(settings: AdminAskSettings): Failure {
  return unreachable(settings, "the admin port there is of another version");
}

const ELSEWHERE = "start windbreak serve with --admin, or name its address by --admin-server";

function unreachable({ adminServer }: AdminAskSettings, what: string, remedy = ELSEWHERE): Failure {
  return failure(EXIT.unreachable, `${formatAddress(adminServer)}: ${what}; ${remedy}`);
}

interface Exchanged {
  readonly status: number;
  readonly text: string;
}

interface Sent {
  readonly headers: object;
  readonly posted: object | undefined;
}

function exchange(
  { adminServer, timeoutMs }: AdminAskSettings,
  path: string,
  { headers, posted }: Sent,
): Promise<Exchanged> {
  const body = posted && JSON.stringify(posted);
  const options = {
    ...connectionOf(adminServer),
    path,
    method: body === undefined ? "GET" : "POST",
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...headers,
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
  } as const;
  return new Promise((resolve, reject) => {
    const asking = request(options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MOST_BYTES) asking.destroy(new Error(`more than ${MOST_BYTES} bytes in one answer`));
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

function connectionOf(address: Address) {
  return address.kind === "unix"
    ? { socketPath: address.path, host: "localhost" }
    : { host: address.host, port: address.port };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function failureOf(error: Error, settings: AdminAskSettings): Failure {
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    const within = formatSpan(settings.timeoutMs);
    return unreachable(settings, `no answer within ${within}`, "ask again, or allow it more time by --timeout");
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code.startsWith("HPE_")) return unreachable(settings, "what listens there is no admin port of Windbreak");
  return unreachable(settings, `cannot be reached (${whyUnreachable(`${code} ${error.message}`.trim())})`);
}
