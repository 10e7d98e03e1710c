import { connect as connectTcp } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { askUntil } from "../support/redis/deadlines.js";
import { seededRandom24 } from "../support/seeded-random.js";
import type { RunningProcess } from "./running-process.js";
import type { Answer } from "./running-service.js";

const CALLERS = 16;
/** Steady, and not all that the machine can do: it is time that a soak is about. */
const BETWEEN_CALLS_MS = 4;
const MOST_INPUT = 200;
const MOST_OUTPUT = 100;
const SMALL = { model: "mistral-small-latest", input_tokens: MOST_INPUT, max_output_tokens: MOST_OUTPUT };
const DENIED = { ...SMALL, model: "mistral-large-latest" };

/** How long a store is waited for that a busy machine keeps from answering. */
const AWAY_MS = 30_000;
const UNAVAILABLE = 14;

/** What one principal was charged, as the answers said. */
export interface Charged {
  readonly principal: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_nano_usd: string;
}

/** One principal that goes on calling, in all the ways in which calls begin and end. */
class Caller {
  readonly principal: { readonly id: string; readonly role: string; readonly workspace: string };
  readonly #running: RunningProcess;
  readonly #random: () => number;
  #calls = 0;
  #input = 0;
  #output = 0;
  #cost = 0;

  constructor(running: RunningProcess, number: number) {
    this.#running = running;
    this.principal = { id: `caller-${number}`, role: "crew", workspace: "dev" };
    this.#random = seededRandom24(number);
  }

  get calls(): number {
    return this.#calls;
  }

  get charged(): Charged {
    return {
      principal: this.principal.id,
      input_tokens: String(this.#input),
      output_tokens: String(this.#output),
      cost_nano_usd: String(this.#cost),
    };
  }

  async callUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#call(this.#random() % 100);
      this.#calls++;
      await pause(BETWEEN_CALLS_MS);
    }
  }

  /** Most calls leave nothing behind, so that what leaks by the call stands out from what is kept of reservations. */
  async #call(chance: number): Promise<void> {
    const { client, address } = this.#running;
    const { principal } = this;
    if (chance < 40) await this.#ask({ ...DENIED, principal }, false);
    else if (chance < 60) await this.#ask({ ...SMALL, principal, dry_run: true });
    else if (chance < 70) await insist(() => client.checkBudget({ principal }));
    else if (chance < 74) await this.#askOnStream();
    else if (chance < 76) await goAway(address);
    else if (chance < 78) await this.#giveUp();
    else if (chance < 79) await this.#ask({ ...SMALL, principal });
    else if (chance < 84) await this.#fail();
    else await this.#settle();
  }

  async #ask(question: object, isDue = true): Promise<Answer> {
    const answer = await insist(() => this.#running.client.authorize(question));
    if (answer.allowed !== isDue) throw new Error(`allowed: ${answer.allowed}, ${answer.message}`);
    return answer;
  }

  #record(report: object): Promise<Answer> {
    return insist(() => this.#running.client.recordUsage({ ...report, principal: this.principal }));
  }

  /** Authorize and record, either of them now and then twice, as who did not hear the answer does. */
  async #settle(): Promise<void> {
    const { principal } = this;
    const question = { ...SMALL, principal, request_id: `${principal.id}-${this.#calls}` };
    const { reservation_id } = await this.#ask(question);
    if (this.#random() % 8 === 0) await this.#ask(question);
    const usage = { input_tokens: this.#random() % MOST_INPUT, output_tokens: this.#random() % MOST_OUTPUT };
    const { cost_nano_usd } = await this.#record({ reservation_id, usage });
    if (this.#random() % 8 === 0) await this.#record({ reservation_id, usage });
    this.#input += usage.input_tokens;
    this.#output += usage.output_tokens;
    this.#cost += cost_nano_usd;
  }

  async #fail(): Promise<void> {
    const { reservation_id } = await this.#ask({ ...SMALL, principal: this.principal });
    await this.#record({ reservation_id, outcome: "OUTCOME_FAILED" });
  }

  /** Cancel a call that is under way. Whether it was admitted nobody learns. */
  async #giveUp(): Promise<void> {
    const { answer, cancel } = this.#running.client.authorizeCall({ ...SMALL, principal: this.principal });
    cancel();
    await answer.catch(() => undefined);
  }

  #askOnStream(): Promise<void> {
    const stream = this.#running.client.authorizeStream();
    return new Promise((resolve, reject) => {
      stream.on("data", () => stream.end());
      stream.on("error", reject);
      stream.on("status", () => resolve());
      stream.write({ request: { ...DENIED, principal: this.principal, request_id: "on-stream" } });
    });
  }
}

/** Make a call again while the store is away, as a caller does who was told so. */
function insist(call: () => Promise<Answer>): Promise<Answer> {
  const unlessAway = () =>
    call().catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === UNAVAILABLE) return { http_status: 503 };
      throw error;
    });
  return askUntil(AWAY_MS, unlessAway, ({ http_status }) => http_status !== 503);
}

/** Connect, and go away without a word. */
function goAway(address: string): Promise<void> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  return new Promise((resolve, reject) => {
    const socket = connectTcp(Number(port), host, () => socket.destroy());
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

/** Load a service until it is told to stop. @throws Error, from `lasts` and `stop`, where an answer was not the one due. */
export function soak(running: RunningProcess) {
  let isOver = false;
  const callers = Array.from({ length: CALLERS }, (_, number) => new Caller(running, number));
  const calling = Promise.all(callers.map((caller) => caller.callUntil(() => isOver))).finally(() => {
    isOver = true;
  });
  calling.catch(() => undefined);
  return {
    isOver: () => isOver,
    lasts: (ms: number) => Promise.race([pause(ms), calling]),
    calls: () => callers.reduce((sum, { calls }) => sum + calls, 0),
    charged: () => callers.map(({ charged }) => charged),
    stop: async () => {
      isOver = true;
      await calling;
    },
  };
}
