import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { onTerminate } from "../../../src/commands/signals.js";

function start() {
  const signals = new EventEmitter();
  const seen: (string | number)[] = [];
  const stop = onTerminate({
    signals,
    drain: (signal) => seen.push(signal),
    exit: (code) => seen.push(code),
  });
  return { signals, seen, stop };
}

describe("a signal to end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s drains the first time", (signal) => {
    const { signals, seen } = start();
    signals.emit(signal, signal);
    expect(seen).toEqual([signal]);
  });

  test.each([
    ["SIGTERM", "SIGTERM", 143],
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGINT", 130],
    ["SIGINT", "SIGTERM", 143],
  ] as const)("%s then %s ends at once with code %i", (first, second, code) => {
    const { signals, seen } = start();
    signals.emit(first, first);
    signals.emit(second, second);
    expect(seen).toEqual([first, code]);
  });

  test("is left alone once nobody listens for it", () => {
    const { signals, seen, stop } = start();
    stop();
    expect(signals.emit("SIGTERM", "SIGTERM")).toBe(false);
    expect(signals.emit("SIGINT", "SIGINT")).toBe(false);
    expect(seen).toEqual([]);
  });
});
