import type { PolicyWords } from "../../support/policy-words.js";
import type { Stage } from "../../support/stage.js";

/** Set up an empty store under a policy, at an instant; noon UTC of Tuesday 2026-03-10 unless said otherwise. */
export type StageOf = (words: PolicyWords, start?: string) => Promise<Stage>;
