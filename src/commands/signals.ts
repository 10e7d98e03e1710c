import { constants } from "node:os";

type EndSignal = "SIGTERM" | "SIGINT";

interface TerminateOptions {
  /** Begin to end. Called once, at the first signal. */
  readonly drain: (signal: EndSignal) => void;
  /** End at once: somebody asked twice. Gets the exit code by which a shell knows the signal, such as 143. */
  readonly exit: (code: number) => void;
  /** Where signals arrive; the process when left out. */
  readonly signals?: SignalSource;
}

interface SignalSource {
  on(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
  off(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
}

/**
 * Drain at the first SIGTERM or SIGINT and end at once at the next of either.
 *
 * The second signal is not left to the system: process 1 of a container has no default action for it.
 *
 * @returns a function that stops listening.
 */
export function onTerminate({ drain, exit, signals = process }: TerminateOptions): () => void {
  let asked = false;
  const receive = (signal: EndSignal): void => {
    if (asked) {
      exit(128 + constants.signals[signal]);
      return;
    }
    asked = true;
    drain(signal);
  };
  signals.on("SIGTERM", receive);
  signals.on("SIGINT", receive);
  return () => {
    signals.off("SIGTERM", receive);
    signals.off("SIGINT", receive);
  };
}
