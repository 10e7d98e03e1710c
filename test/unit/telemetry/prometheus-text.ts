/** One line of a scrape. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A scrape, read by the rules of Prometheus's text format 0.0.4. Throws for a line that they do not allow. */
export interface Scrape {
  readonly series: readonly Series[];
  /** What each metric says it is. */
  readonly types: ReadonlyMap<string, string>;
}

/** Read a scrape; refuses what Prometheus would refuse: an unreadable line, and a series that is there twice. */
export function parseScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const series = new Map<string, Series>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type?.[1] && type[2]) types.set(type[1], type[2]);
    if (line === "" || line.startsWith("#")) continue;
    const found = parseLine(line);
    const identity = JSON.stringify([found.name, Object.entries(found.labels).sort()]);
    if (series.has(identity)) throw new Error(`twice in one scrape: ${line}`);
    series.set(identity, found);
  }
  return { series: [...series.values()], types };
}

/** The series of a metric whose labels hold these. */
export function select(scrape: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): Series[] {
  return scrape.series.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );
}

/** The value of the one series that is meant; undefined where there is none. */
export function sampleOf(scrape: Scrape, name: string, labels: Readonly<Record<string, string>> = {}) {
  const found = select(scrape, name, labels);
  if (found.length > 1) throw new Error(`${found.length} series of ${name} fit`);
  return found[0]?.value;
}

function parseLine(line: string): Series {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (!match?.[1] || !match[3]) throw new Error(`no sample: ${line}`);
  return { name: match[1], labels: parseLabels(match[2] ?? ""), value: parseValue(match[3]) };
}

function parseLabels(source: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = source;
  while (rest !== "") {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/.exec(rest);
    if (!match?.[1] || match[1] in labels) throw new Error(`no labels: ${source}`);
    labels[match[1]] = (match[2] ?? "").replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
    rest = rest.slice(match[0].length);
  }
  return labels;
}

function parseValue(source: string): number {
  if (source === "+Inf") return Number.POSITIVE_INFINITY;
  const value = Number(source);
  if (Number.isNaN(value)) throw new Error(`no number: ${source}`);
  return value;
}
