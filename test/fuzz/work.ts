/** What the thread is told. */
export interface Work {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  /** Where the input that is tried now stands: how many were before it, its length, its bytes. */
  readonly now: SharedArrayBuffer;
}

/** What it tells. */
export interface Told {
  readonly tried: number;
  readonly pool: number;
  readonly blocks: number;
  readonly found?: { readonly input: Uint8Array; readonly cause: string };
}

/** So many bytes stand before the input itself. */
export const HEAD_BYTES = 8;
