/** What Mistral bills for a month, of one workspace or of all. */
export interface Bill {
  /** As "USD"; undefined: not said. */
  readonly currency: string | undefined;
  /** Of calls that Windbreak decides, in billionths of the currency. */
  readonly cost: number;
  /** Input, cached and output tokens of those calls, those that cost nothing too. */
  readonly tokens: number;
  /** Of all else, such as connectors and fine-tuning, in billionths of the currency. */
  readonly costElsewhere: number;
  /** What was used of it has no price in the bill, and is not in `cost`. */
  readonly unpriced: readonly string[];
}

/** What Mistral itself lets the organization spend in a month, in its currency. */
export interface SpendLimit {
  readonly currency: string | undefined;
  readonly used: number | undefined;
  /** undefined: there is none. */
  readonly limit: number | undefined;
  readonly isReached: boolean;
}
