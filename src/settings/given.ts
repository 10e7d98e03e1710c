import { resolve } from "node:path";
import { parseDuration } from "../domain/duration.js";
import { printable } from "../domain/printable.js";
import type { Millis } from "../domain/units.js";
import { type Address, formatAddress, parseAddress } from "../transport/address.js";

/** Something wrong with a flag or a variable. */
export interface SettingFault {
  readonly what: string;
  /** The flag or the variable, with its value where that helps. */
  readonly where: string;
  readonly remedy: string;
}

/** All settings, frozen, or everything that is wrong with them. */
export type SettingsRead<T> =
  | { readonly kind: "read"; readonly settings: T }
  | { readonly kind: "faulty"; readonly faults: readonly SettingFault[] };

/** Flags by their names without the dashes, `store-timeout`; one that was not given is left out. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Write a fault on one line, whatever is in it: `WHERE: what; remedy`. */
export function formatSettingFault({ where, what, remedy }: SettingFault): string {
  return printable(`${where}: ${what}; ${remedy}`);
}

/** Where settings come from, a flag before its variable, and what was found wrong with them so far. */
export interface Reader {
  readonly flags: Flags;
  readonly env: Environment;
  readonly faults: SettingFault[];
}

/** One value of a setting. */
export interface Given {
  readonly text: string;
  /** The flag or the variable that says so. */
  readonly where: string;
}

/** One address of a setting. */
export interface GivenAddress {
  readonly address: Address;
  readonly where: string;
}

/** Freeze what was read, unless something is wrong with it. */
export function finish<T>({ faults }: Reader, settings: T): SettingsRead<T> {
  return faults.length > 0 ? { kind: "faulty", faults } : { kind: "read", settings: Object.freeze(settings) };
}

/** Find what was given for a setting: by flags, or else by its variable, of which an empty one is as good as none. */
export function given({ flags, env }: Reader, name: string): readonly Given[] {
  const flag = flags[name];
  if (flag !== undefined) {
    const texts = typeof flag === "object" ? flag : [String(flag)];
    return texts.map((text) => ({ text, where: `--${name}` }));
  }
  const variable = variableOf(name);
  const text = env[variable]?.trim() ?? "";
  if (text === "") return [];
  const texts = LISTS.has(name) ? text.split(",").map((part) => part.trim()) : [text];
  return texts.filter((part) => part !== "").map((part) => ({ text: part, where: variable }));
}

const LISTS: ReadonlySet<string> = new Set(["listen", "listen-envoy", "envoy-peer"]);

function variableOf(name: string): string {
  return `WINDBREAK_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Read addresses to listen on. Those that cannot be read are left out, as faults. */
export function addressesGiven(reader: Reader, name: string, otherwise: string): readonly GivenAddress[] {
  const texts = given(reader, name);
  const asked = texts.length > 0 ? texts : [{ text: otherwise, where: `--${name}` }];
  return asked.flatMap(({ text, where }) => {
    const address = parseAddress(text);
    if (address.kind !== "fault") return [{ address, where }];
    reader.faults.push({ where: `${where} ${text}`, what: address.what, remedy: address.remedy });
    return [];
  });
}

/** Find addresses that are there more than once. */
export function refuseTwice({ faults }: Reader, addresses: readonly GivenAddress[]): void {
  const seen = new Map<string, string>();
  for (const { address, where } of addresses) {
    // Each port 0 becomes another one.
    if (address.kind === "tcp" && address.port === 0) continue;
    const name = address.kind === "unix" ? resolve(address.path) : formatAddress(address);
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, where);
      continue;
    }
    const what = first === where ? "given twice" : `also given by ${first}`;
    faults.push({ where: `${where} ${formatAddress(address)}`, what, remedy: "give it once" });
  }
}

/** Timers hold more, but nothing here is meant to take longer. */
const DAY_MS = 86_400_000;

/** Read a duration of `leastMs` to a day. */
export function durationGiven(reader: Reader, name: string, otherwise: string, leastMs: Millis): Millis {
  const { text, where } = given(reader, name).at(-1) ?? { text: otherwise, where: `--${name}` };
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= leastMs && ms <= DAY_MS) return ms;
  reader.faults.push({
    where: `${where} ${text}`,
    what: ms === undefined ? "no duration" : `not from ${leastMs}ms to 24h`,
    remedy: "write it as 50ms, 2s, 15m or 1h30m",
  });
  return 0;
}

/** More than any process can hold, and less than a slip of the finger. */
const MOST_COUNTED = 1_000_000;

/** Read how many there may be, from 1 to a million. */
export function countGiven(reader: Reader, name: string, otherwise: string): number {
  const { text, where } = given(reader, name).at(-1) ?? { text: otherwise, where: `--${name}` };
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_COUNTED) return count;
  reader.faults.push({ where: `${where} ${text}`, what: "no count", remedy: "give a number from 1 to 1000000" });
  return 0;
}

/** Read one word of several. */
export function choiceGiven<const T extends string>(
  reader: Reader,
  name: string,
  choices: readonly T[],
  otherwise: T,
): T {
  const asked = given(reader, name).at(-1);
  if (!asked) return otherwise;
  const chosen = choices.find((choice) => choice === asked.text);
  if (chosen !== undefined) return chosen;
  const where = `${asked.where} ${asked.text}`;
  reader.faults.push({ where, what: "no choice", remedy: `choose ${choices.join(", ")}` });
  return otherwise;
}

/** Read a flag that takes no value; its variable says true or false. */
export function isOn(reader: Reader, name: string): boolean {
  const chosen = choiceGiven(reader, name, ["true", "false", "1", "0"], "false");
  return chosen === "true" || chosen === "1";
}

/** Read the address of a server, which, unlike a listener's, may hold a host's name. */
export function serverGiven(reader: Reader, name: string, otherwise: string): GivenAddress {
  const { text, where } = given(reader, name).at(-1) ?? { text: otherwise, where: `--${name}` };
  const named = /^(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9.])?):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(named?.["port"]);
  const address = parseAddress(text);
  if (address.kind === "unix" || (address.kind === "tcp" && address.port > 0)) return { address, where };
  if (named?.["host"] && port > 0 && port <= MAX_PORT) {
    return { address: { kind: "tcp", host: named["host"], port }, where };
  }
  const remedy = `write it as ${otherwise}, HOST:PORT or unix:/run/windbreak.sock`;
  reader.faults.push({ where: `${where} ${text}`, what: "no address of a server", remedy });
  return { address: { kind: "tcp", host: "", port: 0 }, where };
}

const MAX_PORT = 65_535;
