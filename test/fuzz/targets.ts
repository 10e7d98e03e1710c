import type { Target } from "./target.js";
import { ADMIN } from "./targets/admin.js";
import { BILLS } from "./targets/bills.js";
import { ENVOY } from "./targets/envoy.js";
import { IDENTITY } from "./targets/identity.js";
import { JOURNAL } from "./targets/journal.js";
import { KEYS } from "./targets/keys.js";
import { MESSAGES } from "./targets/messages.js";
import { MISTRAL_ANSWERS } from "./targets/mistral-answers.js";
import { MISTRAL_REQUESTS } from "./targets/mistral-requests.js";
import { PENDING } from "./targets/pending.js";
import { POLICY } from "./targets/policy.js";
import { REDIS } from "./targets/redis.js";
import { SETTINGS } from "./targets/settings.js";

/** Every reader of what comes from outside. */
export const TARGETS: readonly Target[] = [
  ...MESSAGES,
  ...ENVOY,
  ...POLICY,
  ...MISTRAL_REQUESTS,
  ...MISTRAL_ANSWERS,
  ...JOURNAL,
  ...PENDING,
  ...REDIS,
  ...IDENTITY,
  ...KEYS,
  ...ADMIN,
  ...BILLS,
  ...SETTINGS,
];
