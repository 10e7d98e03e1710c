import { expect, it } from "vitest";
import { startService } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_day: 1000 } } }
roles: { crew: { models: ["*"], limits: { tokens_per_day: 1_000_000 } } }
`;
const ADMIN = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
/** For the answer to any cursor: nothing on the way to it may depend on how large a number the cursor holds. */
const AT_ONCE_MS = 2_000;

const NUMBERS = [
  "-Infinity",
  "Infinity",
  "NaN",
  "1e15",
  "1e308",
  "-1",
  "1.5",
  "0x10",
  "9007199254740993",
  "0".repeat(60),
];
const LONG = ["9".repeat(65), "9".repeat(1024), "9".repeat(4096), "x".repeat(8000)];

async function start() {
  const { client, lines } = await startService(POLICY, { admin: ADMIN });
  const principal = { id: "ann", role: "crew", workspace: "dev" };
  const call = { principal, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
  expect(await client.authorize(call)).toMatchObject({ allowed: true });
  const where = lines.map((line) => /admin port on (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
  return async (path: string, after: string) => {
    const asked = `${where}${path}?${new URLSearchParams({ after })}`;
    const response = await fetch(asked, { signal: AbortSignal.timeout(AT_ONCE_MS) });
    const body: unknown = await response.json();
    return { status: response.status, body };
  };
}

it("a hostile cursor of /v1/limits is refused at once", async () => {
  const get = await start();
  for (const cursor of [...NUMBERS, ...LONG].flatMap((one) => [one, `listed-${one}`, `counted-${one}`])) {
    if (/^(listed|counted)-\d{1,20}$/.test(cursor)) continue;
    expect([cursor, (await get("/v1/limits", cursor)).status]).toEqual([cursor, 400]);
  }
  for (const cursor of ["listed-999999999999999", "counted-999999999999999"]) {
    const { status, body } = await get("/v1/limits", cursor);
    expect([cursor, status]).toEqual([cursor, 200]);
    expect(body).toMatchObject({ limits: [] });
  }
});

it("a hostile cursor of /v1/reservations is answered at once", async () => {
  const get = await start();
  for (const cursor of NUMBERS.filter((one) => !one.includes("."))) {
    expect([cursor, (await get("/v1/reservations", cursor)).status]).toEqual([cursor, 200]);
  }
  for (const cursor of ["1.5", "+1", "1,5", ...LONG]) {
    expect([cursor, (await get("/v1/reservations", cursor)).status]).toEqual([cursor, 400]);
  }
});
