import type { AccessRequest } from "../domain/evaluate.js";

/** What a request to Mistral asks for, as far as it decides. */
export interface MistralCall {
  readonly kind: "call";
  /** As the body names it; the agent's id where an agent stands for it. */
  readonly model: string;
  readonly streams: boolean;
  /** Answers asked for, at least 1. */
  readonly choices: number;
  /** Its input is an upper bound of what Mistral counts, unless `fillsContext`; its output is over all choices. */
  readonly request: AccessRequest;
  /** Nothing in the request bounds its input: the model's context length must stand for it. */
  readonly fillsContext: boolean;
  /** It holds sound of unknown length: as many seconds as the context length has room for. */
  readonly audioFillsContext: boolean;
  readonly needs: ReadonlySet<Need>;
}

/** What a policy must allow besides the model, because its price does not stand in the model's rates. */
export type Need = "priority_tier" | "built_in_tools";

/** A request that Mistral would refuse, or that two programs might read differently. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly status: 400 | 413 | 415;
  readonly message: string;
  /** The field at fault. */
  readonly param: string | undefined;
}

/** It goes on with a stored conversation, whose model is not in the request. */
export interface UnknownModel {
  readonly kind: "unknown_model";
  readonly message: string;
}

/** Say that a body cannot be taken, and which field of it is at fault. */
export function unreadable(message: string, param?: string): Unreadable {
  return { kind: "unreadable", status: 400, message, param };
}
