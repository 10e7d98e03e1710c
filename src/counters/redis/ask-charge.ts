import type { Away, CallerName, Charge, ChargeResult } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import { onceKey } from "../memory/charged-once.js";
import { nameOf } from "../memory/owner.js";
import type { Answered, Gather } from "./gather.js";
import { writeWindows } from "./open-windows.js";
import type { RedisAccount } from "./redis-account.js";
import { timeIn } from "./replies.js";

const HEAD_BYTES = 26;
const AT_BYTES = 6;

/** What was charged without a reservation. */
export interface ChargedRecord {
  readonly caller: CallerName;
  readonly amounts: Amounts;
  readonly model: string;
}

/** Charge by one script call; by two where the windows turned on the way. */
export async function askCharge(gather: Gather, charge: Charge, account: RedisAccount): Promise<ChargeResult> {
  const first = await ask(gather, charge, account, charge.now);
  if (first.kind === "away") return first;
  const turned = String(first.reply) === "T";
  const answer = turned ? await ask(gather, charge, account, timeIn(first.head)) : first;
  if (answer.kind === "away") return answer;
  const { reply } = answer;
  if (Array.isArray(reply) && Buffer.isBuffer(reply[1])) {
    return { kind: "charged", cost: readCharged(reply[1]).amounts.cost, already: true };
  }
  if (String(reply) === "C") return { kind: "charged", cost: charge.amounts.cost, already: false };
  return { kind: "away", cause: new Error("the store's clock moved a window on twice in one call") };
}

function ask(gather: Gather, charge: Charge, account: RedisAccount, now: EpochMs): Promise<Answered | Away> {
  const { amounts, plan, key, calendar } = charge;
  const caller = nameOf(account.caller);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(account.sharedCount, 0);
  head.writeUInt8(account.ownCount, 1);
  head.writeDoubleLE(amounts.inputTokens, 2);
  head.writeDoubleLE(amounts.outputTokens, 10);
  head.writeDoubleLE(amounts.cost, 18);
  const once = onceKey("reservationId" in key ? key : { ...caller, ...key });
  return gather.ask(account.keys.shared, {
    keys: [account.ownKey, account.keys.once(once)],
    args: [
      head,
      writeWindows(calendar.at(now)),
      account.limits,
      writeCharged({ caller, amounts, model: plan.model?.id ?? "" }),
      ...account.fields,
    ],
  });
}

function writeCharged({ caller, amounts, model }: ChargedRecord): string {
  const { inputTokens, outputTokens, cost } = amounts;
  return [caller.principal, caller.role, caller.workspace, inputTokens, outputTokens, cost, model].join(" ");
}

/** Read what is remembered of usage that was charged without a reservation. */
export function readCharged(record: Buffer): ChargedRecord {
  const [principal = "", role = "", workspace = "", input, output, cost, model = ""] = record
    .toString("latin1", AT_BYTES)
    .split(" ");
  return {
    caller: { principal, role, workspace },
    amounts: { inputTokens: Number(input), outputTokens: Number(output), cost: Number(cost) },
    model,
  };
}
