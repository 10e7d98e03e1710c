import type { Away, Settle, SettleResult } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import { used } from "../../domain/settlement.js";
import { onceKey } from "../memory/charged-once.js";
import { isForeign } from "../memory/owner.js";
import { readCharged } from "./ask-charge.js";
import type { Answered, Gather } from "./gather.js";
import type { Keys } from "./keys.js";
import { readRecord } from "./record.js";
import { readReservationId } from "./reservation-id.js";

const HOW = { usage: 0, estimate: 1, nothing: 2, amounts: 3 } as const;
const HEAD_BYTES = 53;
const NO_SECRET = Buffer.alloc(0);
/** Names no reservation: its parts are empty. */
const NOBODY = { workspaces: [""], principal: "", requestId: "", secret: NO_SECRET };

/** Which reservations may be meant: that of the first workspace in which it is known. */
interface Meant {
  readonly workspaces: readonly string[];
  readonly principal: string;
  readonly requestId: string;
  readonly secret: Buffer;
}

/** Settle by one script call; by two where the cost is above what the script can count exactly. */
export async function askSettle(gather: Gather, keys: Keys, settle: Settle): Promise<SettleResult> {
  const found = meantBy(settle);
  const answer = await ask(gather, keys, settle, found, undefined);
  const large = answer.kind === "away" ? undefined : pricesIn(answer.reply);
  if (!large || !settle.usage) return conclude(settle, found, answer);
  const amounts = used(large, settle.usage);
  if (!amounts) return { kind: "uncountable" };
  return conclude(settle, found, await ask(gather, keys, settle, found, amounts));
}

function meantBy({ name, otherWorkspaces = [] }: Settle): Meant {
  if (!("reservationId" in name)) {
    return { ...name, workspaces: [name.workspace, ...otherWorkspaces], secret: NO_SECRET };
  }
  const id = readReservationId(name.reservationId);
  return id ? { ...id, workspaces: [id.workspace] } : NOBODY;
}

function ask(
  gather: Gather,
  keys: Keys,
  { name, claimant, usage, outcome }: Settle,
  found: Meant,
  amounts: Amounts | undefined,
): Promise<Answered | Away> {
  const { principal, workspace } = claimant;
  const isOthers =
    (principal !== undefined && principal !== found.principal) ||
    (workspace !== undefined && !found.workspaces.includes(workspace));
  const head = Buffer.alloc(HEAD_BYTES);
  const how = amounts ? HOW.amounts : usage ? HOW.usage : outcome === "failed" ? HOW.nothing : HOW.estimate;
  head.writeUInt8(how, 0);
  head.writeUInt8(isOthers ? 1 : 0, 1);
  head.writeUInt8(usage?.annotatedPages ? 1 : 0, 2);
  head.writeUInt16LE(found.workspaces.length, 3);
  head.writeDoubleLE(amounts?.inputTokens ?? usage?.inputTokens ?? 0, 5);
  head.writeDoubleLE(usage?.cachedInputTokens ?? 0, 13);
  head.writeDoubleLE(amounts?.outputTokens ?? usage?.outputTokens ?? 0, 21);
  head.writeDoubleLE(usage?.pages ?? 0, 29);
  head.writeDoubleLE(usage?.audioSeconds ?? 0, 37);
  head.writeDoubleLE(amounts?.cost ?? 0, 45);
  const names = found.workspaces.flatMap((of) => [
    keys.record({ workspace: of, principal: found.principal }, found.requestId),
    keys.once(onceKey("reservationId" in name ? name : { ...name, workspace: of })),
  ]);
  return gather.ask(keys.shared, {
    keys: [keys.own(found.principal), ...names],
    args: [head, found.secret, claimant.role ?? "", ...found.workspaces],
  });
}

/** The reservation whose cost only exact integers can say. */
function pricesIn(reply: unknown) {
  if (!Array.isArray(reply) || String(reply[0]) !== "P" || !Buffer.isBuffer(reply[1])) return undefined;
  return readRecord(reply[1]);
}

function conclude({ claimant }: Settle, { principal }: Meant, answer: Answered | Away): SettleResult {
  if (answer.kind === "away") return answer;
  const { reply } = answer;
  if (Array.isArray(reply) && Buffer.isBuffer(reply[1])) {
    const { caller, amounts, model } = readCharged(reply[1]);
    if (isForeign(claimant, caller)) return { kind: "foreign" };
    return { kind: "settled", cost: amounts.cost, already: true, unreserved: true, caller, amounts, model };
  }
  if (!Buffer.isBuffer(reply)) throw new TypeError("a reply of another form");
  switch (reply.toString("latin1", 0, 1)) {
    case "U":
      return { kind: "unknown" };
    case "F":
      return { kind: "foreign" };
    case "S": {
      const [workspace = "", role = "", model = ""] = reply.toString("latin1", 27).split(" ");
      const amounts = {
        inputTokens: reply.readDoubleLE(3),
        outputTokens: reply.readDoubleLE(11),
        cost: reply.readDoubleLE(19),
      };
      return {
        kind: "settled",
        cost: amounts.cost,
        already: reply.readUInt8(1) === 1,
        unreserved: reply.readUInt8(2) === 1,
        caller: { principal, role, workspace },
        amounts,
        model,
      };
    }
    default:
      throw new TypeError("a reply of another form");
  }
}
