/** The sums of one (workspace, model). */
export interface Row {
  readonly workspace: string;
  readonly model: string;
  readonly sums: Float64Array;
  /** 1 where the column is shown: it has been added to, be it 0. */
  readonly shown: Uint8Array;
}

/** The label values under which all is counted that came after the table was full. */
export const OTHER = "other";

/**
 * Sums by workspace, model and column, made for a hot path: two map look-ups, no allocation once a row is known.
 *
 * A row is never dropped, because a counter must not go back; so the number of cells is capped instead. What comes
 * beyond the cap is added to the row of `other`, in its column: totals over a column stay true.
 */
export class LabelledCounts {
  readonly #rows = new Map<string, Map<string, Row>>();
  readonly #columns: number;
  readonly #maxCells: number;
  #cells = 0;

  /** @param maxCells how many cells are shown beside those of `other`. */
  constructor(columns: number, maxCells: number) {
    this.#columns = columns;
    this.#maxCells = maxCells;
  }

  /** The row of a workspace and a model, or that of `other` where the table is full and does not know them. */
  row(workspace: string, model: string): Row {
    const known = this.#rows.get(workspace)?.get(model);
    if (known) return known;
    return this.#cells < this.#maxCells ? this.#addRow(workspace, model) : this.#other();
  }

  /** Add to one column of a row. */
  add(row: Row, column: number, amount: number): void {
    const into = row.shown[column] === 1 ? row : this.#show(row, column);
    into.sums[column] = (into.sums[column] ?? 0) + amount;
  }

  /** Every row, in no order that means anything. */
  *rows(): Iterable<Row> {
    for (const models of this.#rows.values()) yield* models.values();
  }

  #show(row: Row, column: number): Row {
    const isOther = row.workspace === OTHER && row.model === OTHER;
    const into = isOther || this.#cells < this.#maxCells ? row : this.#other();
    if (into === row && !isOther) this.#cells += 1;
    into.shown[column] = 1;
    return into;
  }

  #other(): Row {
    return this.#rows.get(OTHER)?.get(OTHER) ?? this.#addRow(OTHER, OTHER);
  }

  #addRow(workspace: string, model: string): Row {
    const row = { workspace, model, sums: new Float64Array(this.#columns), shown: new Uint8Array(this.#columns) };
    const models = this.#rows.get(workspace) ?? new Map<string, Row>();
    this.#rows.set(workspace, models.set(model, row));
    return row;
  }
}
