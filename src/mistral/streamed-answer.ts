import type { Endpoint } from "../domain/model.js";
import type { Usage } from "../domain/settlement.js";
import type { AnswerBody, BodyFacts } from "./answer-body.js";
import { type AnswerEvent, readEvent } from "./answer-event.js";
import { SseReader } from "./sse.js";
import { usageOf } from "./usage.js";

/** Reads the answer of a call that streams, event by event. */
export class StreamedAnswer implements AnswerBody {
  readonly #endpoint: Endpoint;
  readonly #events: SseReader;
  #usage: Usage | undefined;
  #outputBytes = 0;
  #isWhole = false;
  #hasFailed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#events = new SseReader((event) => this.#take(readEvent(endpoint, event)));
  }

  write(bytes: Buffer): void {
    this.#events.write(bytes);
  }

  end(): BodyFacts {
    this.#events.end();
    if (this.#hasFailed) return { usage: undefined, outputBytes: this.#outputBytes, isWhole: false };
    return { usage: this.#usage, outputBytes: this.#outputBytes, isWhole: this.#isWhole };
  }

  #take(event: AnswerEvent): void {
    this.#outputBytes += event.outputBytes;
    this.#hasFailed ||= event.isError;
    if (event.usage !== undefined) this.#usage = usageOf(this.#endpoint, event.usage);
    else if (event.outputBytes > 0) {
      // A usage that came before does not count this, and the one that will has not come.
      this.#usage = undefined;
      this.#isWhole = false;
    }
    this.#isWhole ||= event.isLast;
  }
}
