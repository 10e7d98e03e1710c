import type { ReleaseResult } from "../../app/ports.js";
import type { Gather } from "./gather.js";
import type { Keys } from "./keys.js";
import { readReservationId } from "./reservation-id.js";

/** Give back all that a reservation holds. */
export async function askRelease(
  release: Gather,
  keys: Keys,
  reservationId: string,
  forget: boolean,
): Promise<ReleaseResult> {
  const id = readReservationId(reservationId);
  if (!id) return { kind: "not_open" };
  const answer = await release.ask(keys.shared, {
    keys: [keys.own(id.principal), keys.record(id, id.requestId)],
    args: [Buffer.from([forget ? 1 : 0]), id.secret, id.workspace],
  });
  if (answer.kind === "away") return answer;
  return { kind: String(answer.reply) === "R" ? "released" : "not_open" };
}
