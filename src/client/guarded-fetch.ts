import { Connection } from "./connection.js";
import { guard, type Send } from "./guard.js";
import type { GuardOptions } from "./options.js";
import { passageBy } from "./passage.js";
import { Settler } from "./settler.js";

/** The books behind a guarded client. */
export interface Windbreak {
  /** Wait until all that was called is settled; while Windbreak is away, until it is back. */
  settled(): Promise<void>;
  /** Wait a few seconds for open settlements, then let go. Calls after this find Windbreak away. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 5_000;

/** A guard before whatever sends a request. */
export interface Guarding extends Windbreak {
  readonly request: (request: Request, send: Send) => Promise<Response>;
}

/** Guard requests to Mistral, whoever sends them. */
export function guarding(options: GuardOptions): Guarding {
  const connection = new Connection(options);
  const settler = new Settler({
    send: (report) => connection.recordUsage(report),
    onSettled: (settled) => options.onSettled?.(settled),
  });
  const desk = { options, connection, settler, passage: passageBy(options.unguarded ?? []) };
  return {
    request: (request, send) => guard(desk, request, send),
    settled: () => settler.settled(),
    close: async () => {
      await settler.close(CLOSE_GRACE_MS);
      connection.close();
    },
  };
}

/**
 * Make a `fetch` that guards what it sends to Mistral, for clients that take one:
 * `new HTTPClient({ fetcher: windbreak.fetch })`.
 */
export function createWindbreakFetch(options: GuardOptions = {}): Windbreak & { readonly fetch: typeof fetch } {
  const { request, settled, close } = guarding(options);
  return {
    fetch: (input, init) => {
      const asked = input instanceof Request && init === undefined ? input : new Request(input, init);
      return request(asked, (allowed) => fetch(allowed));
    },
    settled,
    close,
  };
}
