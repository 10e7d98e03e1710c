import type { Endpoint } from "../domain/model.js";
import type { Outcome, Usage } from "../domain/settlement.js";
import type { Labels, PrincipalName } from "./forms.js";

/** What a call used, as a door reads it from its caller. */
export interface RecordUsageCall {
  readonly reservationId: string;
  readonly requestId: string;
  readonly principal: PrincipalName;
  readonly model: string;
  readonly endpoint: Endpoint | undefined;
  readonly usage: Usage | undefined;
  readonly outcome: Outcome;
  readonly labels: Labels;
  readonly includeLimits: boolean;
}
