// What the package shows as `windbreak/client`.
export type { Budget, Decision, LimitStatus, Recorded } from "./answers.js";
export { type Denial, type DenialReason, denialOf } from "./denial.js";
export { createWindbreakFetch, type Windbreak } from "./guarded-fetch.js";
export type {
  Amounts,
  Caller,
  CallToEstimate,
  ConnectionOptions,
  GuardOptions,
  Settled,
  TlsOptions,
  Verdict,
} from "./options.js";
export { createWindbreakClient, type Question, type Report, type WindbreakClient } from "./windbreak-client.js";
export { WindbreakError } from "./windbreak-error.js";
export { withWindbreak } from "./with-windbreak.js";
