import { within } from "./running-process.js";
import type { Answer } from "./running-service.js";
import { afterwards, type connect } from "./running-service.js";

/** One answer to a call that was made under load. */
export interface Sample {
  /** Which of the callers got it. Each asks again only once it has its answer, so its samples are in order. */
  readonly caller: number;
  readonly revision: string;
  readonly allowed: boolean;
  readonly tookMs: number;
}

const CALLERS = 4;

/**
 * Ask the same question without a pause: four callers by unary calls, one more on a stream.
 *
 * A call without a decision counts as failed, whatever the fault.
 */
export function keepAsking(client: ReturnType<typeof connect>, question: object) {
  const samples: Sample[] = [];
  const failures: unknown[] = [];
  const waiting = new Set<() => void>();
  let going = true;
  const take = (caller: number, begun: number, answer: Answer) => {
    const tookMs = performance.now() - begun;
    samples.push({ caller, revision: answer.policy_revision, allowed: answer.allowed, tookMs });
    for (const tell of waiting) tell();
  };

  async function askUnary(caller: number): Promise<void> {
    while (going) {
      const begun = performance.now();
      await client.authorize(question).then(
        (answer) => take(caller, begun, answer),
        (error: unknown) => failures.push(error),
      );
    }
  }

  function askOnStream(caller: number): Promise<void> {
    const stream = client.authorizeStream();
    let begun = 0;
    let asked = 0;
    const ask = () => {
      begun = performance.now();
      asked += 1;
      stream.write({ request: { ...question, request_id: `stream-${asked}` } });
    };
    stream.on("data", ({ response, error }: Answer) => {
      if (response) take(caller, begun, response);
      else failures.push(error);
      if (going) ask();
      else stream.end();
    });
    stream.on("error", (error) => failures.push(error));
    ask();
    return new Promise((resolve) => stream.on("status", () => resolve()));
  }

  const loops = Promise.all([
    ...Array.from({ length: CALLERS }, (_, caller) => askUnary(caller)),
    askOnStream(CALLERS),
  ]);
  const stop = async () => {
    going = false;
    await within(15_000, "the last answers", loops);
  };
  afterwards(stop);

  return {
    samples,
    failures,
    stop,
    /** Wait until every caller has had an answer by this revision. */
    everyCallerSees: (revision: string, ms: number) => {
      const seen = new Promise<void>((resolve) => {
        const callers = new Set<number>();
        let read = 0;
        const look = () => {
          for (; read < samples.length; read++) {
            const sample = samples[read];
            if (sample?.revision === revision) callers.add(sample.caller);
          }
          if (callers.size <= CALLERS) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
      return within(ms, `an answer by revision ${revision} to every caller`, seen);
    },
  };
}

/** The revisions that each caller met, in order, each turn of them once. */
export function revisionsMet(samples: readonly Sample[]): readonly (readonly string[])[] {
  const met: string[][] = [];
  for (const { caller, revision } of samples) {
    const before = met[caller] ?? [];
    if (before.at(-1) !== revision) before.push(revision);
    met[caller] = before;
  }
  return met;
}
