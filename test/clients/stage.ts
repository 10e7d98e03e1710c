import { join } from "node:path";
import { type RunningProcess, startProcess } from "../integration/running-process.js";
import { temporaryDirectory } from "../integration/running-service.js";
import { ANSWERS, COMPLETION, SERVER_ERROR, STREAM } from "../support/mistral/answers.js";
import type { Exchange, SeenRequest } from "../support/mistral/exchange.js";
import { ReplayServer } from "../support/mistral/replay-server.js";

const POLICY = `
version: 1
organization: acme
workspaces:
  dev: { models: [mistral-small-latest, mistral-embed] }
roles:
  crew: { models: ["*"], limits: { tokens_per_request: 2000, requests_per_day: 1000, usd_per_day: 1 } }
  hasty: { models: ["*"], limits: { requests_per_minute: 1 } }
  poor: { models: ["*"], limits: { usd_per_day: 0.00005 } }
`;

/** Generous to a busy machine; the programs' own is 100 ms. */
const DEADLINE_MS = 10_000;
const CHAT = "POST /v1/chat/completions";

/** The built service, one whose Redis is down, and a replaying Mistral that counts to a million piece by piece. */
export async function stage(doors: "unix" | "tcp") {
  const room = temporaryDirectory();
  const listen = (name: string) => (doors === "unix" ? `unix:${join(room, `${name}.sock`)}` : "127.0.0.1:0");
  const nobody = doors === "unix" ? listen("nobody") : "127.0.0.1:1";
  const mistral = await ReplayServer.start({ answers: { ...ANSWERS, [CHAT]: completions() } });
  const [windbreak, blind] = await Promise.all([
    startProcess(POLICY, { listen: listen("windbreak") }),
    startProcess(POLICY, { listen: listen("blind"), flags: ["--redis", "redis://127.0.0.1:1"] }),
  ]);
  return {
    mistral,
    env: {
      WINDBREAK: windbreak.address,
      WINDBREAK_STORE_AWAY: blind.address,
      WINDBREAK_AWAY: nobody,
      WINDBREAK_DEADLINE_MS: String(DEADLINE_MS),
      MISTRAL_URL: mistral.url,
    },
    /** Start the service where nobody was. */
    comeBack: () => startProcess(POLICY, { listen: nobody }),
    standing: (of: RunningProcess = windbreak) => standing(of),
  };
}

/** What ada has used and holds, by limit: used/reserved. */
async function standing({ client }: RunningProcess): Promise<Readonly<Record<string, string>>> {
  const { limits } = await client.checkBudget({ principal: ADA });
  return Object.fromEntries(limits.map((one: Limit) => [one.name, `${one.used}/${one.reserved}`]));
}

export type Stage = Awaited<ReturnType<typeof stage>>;

const ADA = { id: "ada", role: "crew", workspace: "dev" };

type Limit = { readonly name: string; readonly used: number; readonly reserved: number };

/** Answers by what is asked: held piece by piece, with a fault the first time, or at once. */
function completions() {
  let faults = 1;
  return ({ body }: SeenRequest) => {
    const text = body.toString();
    if (text.includes("Break off")) return { kind: "cut" } as const;
    if (text.includes("Say nothing")) return { kind: "stall" } as const;
    if (/a million|midway|Slowly/.test(text)) return { ...STREAM, held: true };
    if (text.includes("Flaky") && faults-- > 0) return SERVER_ERROR;
    return /"stream"\s*:\s*true/.test(text) ? STREAM : COMPLETION;
  };
}

/** The next call of Mistral whose question holds these words. */
export async function arrivalOf({ mistral }: Stage, words: string): Promise<Exchange> {
  for (;;) {
    const exchange = await mistral.arrived();
    if (exchange.request.body.includes(words)) return exchange;
  }
}
