import type { MaybePromise } from "./ports.js";
import type { TraceContext } from "./trace-context.js";

/** What a trace tells, by OpenTelemetry's names; undefined values are left out. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Follows calls through this service, where its operator asked for traces. */
export interface Tracing {
  /** Begin to follow a call; undefined: it is not sampled, and costs nothing more. Never throws. */
  begin(method: string, beginning: Beginning): CallTrace | undefined;
}

/** Where a call comes from. */
export interface Beginning {
  /** undefined: nobody followed it so far. */
  readonly context: TraceContext | undefined;
  /**
   * The context is that of a stream with many calls: each is then a trace of its own, linked to it and sampled by itself,
   * or a stream that is open for days would be one trace, or none.
   */
  readonly isOfStream?: boolean;
  /** By `performance.now()`. */
  readonly begunMs: number;
}

/** A call that is followed. */
export interface CallTrace {
  /** Tell more of the call; a later value takes the place of an earlier one. */
  tell(facts: Facts): void;

  /** Ask the store, as a step of the call. A step that is done at once is not shown. */
  step<T>(name: string, ask: () => MaybePromise<T>): MaybePromise<T>;

  /** The call is over. @param status gRPC's name of how it ended. */
  end(status: string): void;
}
