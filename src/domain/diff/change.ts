/** Whether those concerned may do more than before, less, or something else. */
export type Effect = "gains" | "loses" | "changes";

/** A value for a person, and as data. */
export interface Shown {
  readonly text: string;
  readonly value: unknown;
}

/** What of a policy a change is about, in the order in which they are told. */
export const SECTIONS = ["models", "limits", "principals", "identity", "settings", "catalogue"] as const;
export type Section = (typeof SECTIONS)[number];

/** Whom or what a change concerns. */
export type Concerned =
  /** `organization`, `workspaces.dev`, `models.mistral-small-2603`; several where one change is the same for all. */
  | { readonly kind: "named"; readonly names: readonly string[]; readonly of: string; readonly isEvery: boolean }
  /** Everyone with one of these roles in one of these workspaces. */
  | PairsConcerned
  /** Listed principals, by id. Their roles and workspaces are those of the new policy, or of the old where removed. */
  | {
      readonly kind: "principals";
      readonly ids: readonly string[];
      readonly roles: readonly string[];
      readonly workspaces: readonly string[];
    };

export interface PairsConcerned {
  readonly kind: "pairs";
  readonly roles: readonly string[];
  readonly workspaces: readonly string[];
  readonly isEveryRole: boolean;
  readonly isEveryWorkspace: boolean;
  /** How many listed principals are among them. */
  readonly listed: number;
}

/** One thing that two policies differ in. */
export interface Change {
  readonly section: Section;
  readonly effect: Effect;
  readonly who: Concerned;
  /** A model, the key of a limit, the name of a setting. */
  readonly what: string;
  /** undefined: it was not there. */
  readonly from: Shown | undefined;
  /** undefined: it is there no more. */
  readonly to: Shown | undefined;
}

/** What a change is, whomever it concerns. */
export type Difference = Pick<Change, "section" | "effect" | "what" | "from" | "to">;

/** One name that a change concerns. */
export function named(name: string): Concerned {
  return { kind: "named", names: [name], of: "", isEvery: false };
}

/** A value that is its own text. */
export function shown(value: string | number | boolean): Shown {
  return { text: String(value), value };
}

/** A list of names, as a text and as data; a list of none is `none`. */
export function shownList(names: Iterable<string>): Shown {
  const value = [...names].sort();
  return { text: value.join(", ") || "none", value };
}

/** The difference of a setting; none where both are alike. */
export function settingDifference(
  section: Section,
  what: string,
  from: Shown | undefined,
  to: Shown | undefined,
): readonly Difference[] {
  return from?.text === to?.text ? [] : [{ section, effect: "changes", what, from, to }];
}

/** A text that is the same for differences that are alike. */
export function keyOf({ section, effect, what, from, to }: Difference): string {
  return JSON.stringify([section, effect, what, from?.value ?? null, to?.value ?? null]);
}
