import { setMaxListeners } from "node:events";

/** Tells those who hold streams open that the server wants to end. */
export interface Draining {
  /** Aborted once no more calls are taken: finish what was asked, then end. */
  readonly signal: AbortSignal;
}

/** Make the one that says when. Its signal bears a listener for each open stream without a warning. */
export function createDraining(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A stream that the server can end. */
interface Endable {
  end(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** End a stream when the server drains. For streams that only their client would end. */
export function endWhenDraining(call: Endable, { signal }: Draining): void {
  if (signal.aborted) {
    call.end();
    return;
  }
  const end = () => call.end();
  signal.addEventListener("abort", end, { once: true });
  call.once("close", () => signal.removeEventListener("abort", end));
}
