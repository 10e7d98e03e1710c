/** Lines for the operator. */
export interface Lines {
  info(line: string): void;
  warn(line: string): void;
  error(line: string, cause?: unknown): void;
}

/** What a journal tells its operator, once for each change of its state. */
export class StateLog {
  readonly #lines: Lines;
  readonly #directory: string;

  constructor(lines: Lines, directory: string) {
    this.#lines = lines;
    this.#directory = directory;
  }

  cannotWrite(cause: Error): void {
    this.#lines.error(
      `${this.#directory}: changes cannot be written, so no call is admitted or recorded until they can; free some space, or mend the disk`,
      cause,
    );
  }

  writesAgain(): void {
    this.#lines.info(`${this.#directory}: changes are written again`);
  }

  cannotSync(cause: Error): void {
    this.#lines.error(
      `${this.#directory}: changes are written but not yet safe from a power cut; mend the disk`,
      cause,
    );
  }

  syncsAgain(): void {
    this.#lines.info(`${this.#directory}: changes are safe from a power cut again`);
  }

  cannotTurn(cause: Error): void {
    this.#lines.error(`${this.#directory}: no new journal can be begun, so the old one grows; free some space`, cause);
  }

  turnsAgain(): void {
    this.#lines.info(`${this.#directory}: a new journal was begun again`);
  }

  /** The last bytes were being written when the process or the machine ended. */
  cut(segment: number, bytes: number, at: number): void {
    this.#lines.warn(`${this.#directory}: journal ${segment} ended in ${bytes} bytes that are no record; cut at ${at}`);
  }

  damaged(segment: number, bytes: number, records: number, aside: string): void {
    this.#lines.error(
      `${this.#directory}: journal ${segment} is damaged: ${bytes} bytes and ${records} records could not be read, so some of what was spent may not be counted; what follows them was read, and the journal is kept as ${aside}`,
    );
  }
}
