import { afterEach, beforeEach, vi } from "vitest";
import type { PendingCall } from "../../../../src/app/pending-usage.js";
import { PendingQueue, type PendingQueueOptions } from "../../../../src/counters/pending/pending-queue.js";

/** Of the queues that this test has started: each is stopped when it ends. */
export const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
});

/** A queue that has started, before a store that is down and would take all that it is sent. */
export function queueOf(options: Partial<PendingQueueOptions> = {}) {
  const state = { up: false };
  const sent: PendingCall[] = [];
  const failed: Error[] = [];
  const queue = new PendingQueue({
    isUp: () => state.up,
    send: (pending) => {
      sent.push(pending);
      return "done";
    },
    failed: (cause) => failed.push(cause),
    ...options,
  });
  queue.start();
  stops.push(() => queue.stop());
  return {
    queue,
    sent,
    failed,
    comeUp: () => {
      state.up = true;
    },
  };
}

/** What metrics show of a queue. */
export function counts({ size, sent, dropped }: PendingQueue) {
  return { size, sent, dropped };
}

/** Let the time between two looks pass. */
export async function look(times = 1): Promise<void> {
  await vi.advanceTimersByTimeAsync(250 * times);
}
