/** Gives unguessable whole numbers below 2^24. */
export type Random24 = () => number;

/**
 * The words of an id: a slot, two words that make the request_id the server's own, and three that only who was told the
 * reservation_id knows. 72 bits that cannot be guessed keep strangers from settling what is not theirs.
 */
export interface IdWords {
  readonly slot: number;
  /** Two words of 24 bits for a request_id, five for a reservation_id. */
  readonly words: readonly number[];
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTERS = Buffer.from(ALPHABET, "latin1");
const DIGITS: ReadonlyMap<string, number> = new Map(Array.from(ALPHABET, (letter, digit) => [letter, digit]));

const SLOT_LETTERS = 6;
const WORD_LETTERS = 4;
const REQUEST_WORDS = 2;
const RESERVATION_WORDS = 5;

const RESERVATION_LETTERS = SLOT_LETTERS + RESERVATION_WORDS * WORD_LETTERS;
/** Written and read within one call. Making one flat string of it costs a third of joining its parts. */
const scratch = Buffer.alloc(RESERVATION_LETTERS);

/** Write the reservation_id of a slot and its five words. */
export function writeReservationId(slot: number, a: number, b: number, c: number, d: number, e: number): string {
  putLetters(0, Math.floor(slot / 2 ** 24), 2);
  putLetters(2, slot % 2 ** 24, WORD_LETTERS);
  putLetters(6, a, WORD_LETTERS);
  putLetters(10, b, WORD_LETTERS);
  putLetters(14, c, WORD_LETTERS);
  putLetters(18, d, WORD_LETTERS);
  putLetters(22, e, WORD_LETTERS);
  return scratch.toString("latin1");
}

/** The request_id of the server's own for a reservation: the part of its id that is no secret. */
export function requestIdIn(reservationId: string): string {
  return reservationId.slice(0, SLOT_LETTERS + REQUEST_WORDS * WORD_LETTERS);
}

function putLetters(at: number, bits: number, count: number): void {
  for (let letter = at + count - 1, left = bits; letter >= at; letter--, left >>>= 6) {
    scratch[letter] = LETTERS[left & 63] ?? 0;
  }
}

/** Make a request_id for a call that reserves nothing. */
export function inventRequestId(random: Random24): string {
  return requestIdIn(writeReservationId(random(), random(), random(), 0, 0, 0));
}

/** Read an id that `writeReservationId` or `requestIdIn` gave; undefined for any other text. */
export function readId(text: string): IdWords | undefined {
  const count = (text.length - SLOT_LETTERS) / WORD_LETTERS;
  if (count !== REQUEST_WORDS && count !== RESERVATION_WORDS) return undefined;
  const slot = readLetters(text, 0, SLOT_LETTERS);
  const words = Array.from({ length: count }, (_, word) =>
    readLetters(text, SLOT_LETTERS + word * WORD_LETTERS, WORD_LETTERS),
  );
  return Number.isNaN(slot) || words.some(Number.isNaN) ? undefined : { slot, words };
}

function readLetters(text: string, start: number, length: number): number {
  let value = 0;
  for (let at = start; at < start + length; at++) value = value * 64 + (DIGITS.get(text.charAt(at)) ?? Number.NaN);
  return value;
}
