import { getEventListeners, once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { createDraining, endWhenDraining } from "../../../src/transport/draining.js";

describe("a stream that only its client would end", () => {
  test("ends when the server drains", async () => {
    const draining = createDraining();
    const stream = new PassThrough();
    endWhenDraining(stream, draining);
    expect(stream.writableEnded).toBe(false);

    draining.abort();

    await once(stream.resume(), "end");
  });

  test("ends at once when the server already drains", () => {
    const draining = createDraining();
    draining.abort();
    const stream = new PassThrough();

    endWhenDraining(stream, draining);

    expect(stream.writableEnded).toBe(true);
  });

  test("is forgotten once it is closed", async () => {
    const draining = createDraining();
    const stream = new PassThrough();
    endWhenDraining(stream, draining);
    expect(getEventListeners(draining.signal, "abort")).toHaveLength(1);

    await once(stream.destroy(), "close");

    expect(getEventListeners(draining.signal, "abort")).toHaveLength(0);
  });

  test("is no cause of warning where there are many", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    const draining = createDraining();
    for (let i = 0; i < 100; i++) endWhenDraining(new PassThrough(), draining);

    // Warnings are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);

    expect(warnings).toEqual([]);
  });
});
