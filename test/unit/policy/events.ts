/** Lines as they come in, to be awaited rather than waited for. */
export class Events {
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  add(line: string): void {
    this.lines.push(line);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves with the first line, from the given one on, that holds the text; fails after five seconds. */
  async until(text: string, from = 0): Promise<string> {
    const deadline = Date.now() + 5_000;
    for (;;) {
      const found = this.lines.slice(from).find((line) => line.includes(text));
      if (found !== undefined) return found;
      await this.#next(deadline, text);
    }
  }

  async #next(deadline: number, text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`no line with "${text}" came; there were: ${JSON.stringify(this.lines)}`));
      const timer = setTimeout(fail, deadline - Date.now());
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
