import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { HEAD_BYTES, writeHead } from "../../../../src/counters/durable/segment-head.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { Stage } from "../../../support/stage.js";
import { openState, SaidLines, stateRoot } from "./state-directory.js";

const state = stateRoot();
afterAll(() => state.remove());

const START = "2026-03-10T12:00:00Z";
const limits = {
  "organization.tokens_per_month": 1_000,
  "roles.developer.requests_per_minute": 20,
  "roles.developer.concurrent_requests": 9,
};
const FIRST = "journal-0000000001";

/** What a store answers about everything that it holds. */
async function standOf(directory: string, log = new SaidLines()) {
  const { store } = await openState(directory, { log });
  const stage = new Stage(store, new FakeClock(START), { limits });
  const stand = { ann: await stage.read(), bob: await stage.read({ as: "bob" }), open: await stage.open() };
  store.abandon();
  return stand;
}

/** Change a store step by step. @returns its journal, and how it stood after each length of it. */
async function journalOf() {
  const directory = state.next();
  const { store } = await openState(directory);
  const stage = new Stage(store, new FakeClock(START), { limits });
  const stands: { readonly length: number; readonly stand: unknown }[] = [];
  const note = async () => {
    const length = statSync(join(directory, FIRST)).size;
    const stand = { ann: await stage.read(), bob: await stage.read({ as: "bob" }), open: await stage.open() };
    stands.push({ length, stand });
  };
  await note();
  const one = await stage.admit({ input: 5, output: 6, id: "job-1" });
  await note();
  const two = await stage.admit({ as: "bob", input: 7 });
  await note();
  await stage.record({ reservation: one.grant.reservationId, usage: { inputTokens: 3 } });
  await note();
  await stage.charge({ request: "late", amounts: { inputTokens: 2 } });
  await note();
  await stage.release(two.grant.reservationId);
  await note();
  await stage.admit({ as: "bob", input: 1, output: 1 });
  await note();
  store.abandon();
  return { bytes: readFileSync(join(directory, FIRST)), stands };
}

function directoryWith(bytes: Buffer): string {
  const directory = state.next();
  mkdirSync(directory);
  writeFileSync(join(directory, FIRST), bytes);
  return directory;
}

describe("a journal that was cut short", () => {
  it("at any byte leaves the state after the last change that is whole", async () => {
    const { bytes, stands } = await journalOf();
    expect(stands).toHaveLength(7);
    for (let length = HEAD_BYTES; length <= bytes.length; length++) {
      const expected = stands.findLast((one) => one.length <= length)?.stand ?? stands[0]?.stand;
      expect({ length, stand: await standOf(directoryWith(bytes.subarray(0, length))) }).toEqual({
        length,
        stand: expected,
      });
    }
  });

  it("is cut, and says so once", async () => {
    const { bytes, stands } = await journalOf();
    const directory = directoryWith(bytes.subarray(0, bytes.length - 1));
    const [first, second] = [new SaidLines(), new SaidLines()];
    await standOf(directory, first);
    await standOf(directory, second);
    const whole = stands.at(-2)?.length ?? 0;
    expect(first.lines).toEqual([
      expect.stringMatching(/^warn .*: journal 1 ended in \d+ bytes that are no record; cut at \d+$/),
    ]);
    expect(statSync(join(directory, FIRST)).size).toBeGreaterThanOrEqual(whole);
    expect(second.lines).toEqual([]);
  });

  it("within its head is refused, with a way out", async () => {
    const { bytes } = await journalOf();
    for (let length = 0; length < HEAD_BYTES; length++) {
      await expect(openState(directoryWith(bytes.subarray(0, length)))).rejects.toThrow(
        "journal 1 has no head that can be read, and may hold what was spent; restore it from a copy, or move it away",
      );
    }
  });
});

describe("a journal with damage in the middle", () => {
  /** Ten charges of one token, and where each of their records begins. */
  async function tenCharges() {
    const directory = state.next();
    const { store } = await openState(directory);
    const stage = new Stage(store, new FakeClock(START), { limits });
    const begins: number[] = [];
    for (let i = 0; i < 10; i++) {
      begins.push(statSync(join(directory, FIRST)).size);
      await stage.charge({ request: `r-${i}`, amounts: { inputTokens: 1 } });
    }
    store.abandon();
    return { bytes: readFileSync(join(directory, FIRST)), begins };
  }

  it("loses that change alone, says so, and keeps the journal aside", async () => {
    const { bytes, begins } = await tenCharges();
    const [from = 0, to = 0] = begins.slice(5, 7);
    for (let at = from; at < to; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      const directory = directoryWith(damaged);
      const log = new SaidLines();
      const { ann } = await standOf(directory, log);
      expect(ann["organization.tokens_per_month"]).toMatchObject({ used: 9 });
      expect(log.lines).toEqual([
        expect.stringContaining(`journal 1 is damaged: ${to - from} bytes and 0 records could not be read`),
      ]);
      expect(readFileSync(join(directory, `${FIRST}.damaged`))).toEqual(damaged);
    }
  });

  it("that took a definition away loses no counter, and says what could not be applied", async () => {
    const { bytes, begins } = await tenCharges();
    const damaged = Buffer.from(bytes);
    damaged.fill(0, HEAD_BYTES, (begins[1] ?? 0) - 1);
    const log = new SaidLines();
    await standOf(directoryWith(damaged), log);
    expect(log.lines).toEqual([expect.stringMatching(/is damaged: \d+ bytes and 9 records could not be read/)]);
  });

  it("is kept aside until someone takes it away, also when what lives was carried on", async () => {
    const { bytes, begins } = await tenCharges();
    const damaged = Buffer.from(bytes);
    damaged.fill(0, begins[3], begins[4]);
    const directory = directoryWith(damaged);
    const { store } = await openState(directory);
    const stage = new Stage(store, new FakeClock(START), { limits });
    store.sweep(100, stage.calendar, stage.clock.now());
    await store.close();
    expect(existsSync(join(directory, FIRST))).toBe(false);
    expect(existsSync(join(directory, `${FIRST}.damaged`))).toBe(true);
    expect((await standOf(directory)).ann["organization.tokens_per_month"]).toMatchObject({ used: 9 });
  });
});

it("a journal of a newer version is refused, with a way out", async () => {
  const { bytes } = await journalOf();
  const newer = Buffer.concat([writeHead(1, 3), bytes.subarray(HEAD_BYTES)]);
  await expect(openState(directoryWith(newer))).rejects.toThrow(
    "journal 1 was written by a newer version; start that version, or give another directory",
  );
});
