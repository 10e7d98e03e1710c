import { z } from "zod";
import { formatSpan, formatUsd } from "../domain/explain.js";
import { printable } from "../domain/printable.js";
import type { EpochMs } from "../domain/units.js";
import { readAskSettings } from "../settings.js";
import { askAdmin, askPages, refusal } from "./ask-admin.js";
import { type Context, EXIT, fail, failUsage, failure, isGiven } from "./context.js";
import { type Column, formatTable } from "./table.js";

const NOT_FOUND = 404;

const pageSchema = z.object({
  reservations: z.array(
    z.looseObject({
      reservation_id: z.string(),
      principal: z.string(),
      workspace: z.string(),
      model: z.string(),
      estimated_cost_nano_usd: z.string().regex(/^\d+$/),
      reservation_expires_at: z.iso.datetime(),
    }),
  ),
  next: z.string().optional(),
});
type Reservation = z.output<typeof pageSchema>["reservations"][number];

/** List the open reservations of a running server. */
export async function listReservations(context: Context): Promise<number> {
  const { io, flags } = context;
  const read = readAskSettings(context);
  if (read.kind === "faulty") return failUsage(io, read.faults);
  const pages = await askPages(read.settings, "/v1/reservations", (body) => pageSchema.safeParse(body).data);
  if ("kind" in pages) return fail(io, pages);
  const found = pages.flatMap(({ reservations }) => reservations);
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify({ reservations: found }, undefined, 2)}\n`);
  else io.stdout.write(found.length > 0 ? reservationTable(found, io.now()) : "no reservation is open\n");
  return EXIT.done;
}

/** Give back all that one reservation holds. @returns 1 where no open one has this id. */
export async function releaseReservation(context: Context): Promise<number> {
  const { io, flags, args } = context;
  const read = readAskSettings(context);
  if (read.kind === "faulty") return failUsage(io, read.faults);
  const [id = ""] = args;
  const answer = await askAdmin(read.settings, "/v1/reservations/release", { reservation_id: id });
  if (answer.kind === "failure") return fail(io, answer);
  if (answer.status === NOT_FOUND) {
    return fail(io, failure(EXIT.no, `${id}: no open reservation has this id; see windbreak reservations list`));
  }
  if (answer.status !== 200) return fail(io, refusal(read.settings, answer));
  io.stdout.write(
    isGiven(flags, "json") ? `${JSON.stringify(answer.body, undefined, 2)}\n` : `released ${printable(id)}\n`,
  );
  return EXIT.done;
}

const COLUMNS: readonly Column[] = [
  { title: "RESERVATION", align: "left" },
  { title: "PRINCIPAL", align: "left" },
  { title: "WORKSPACE", align: "left" },
  { title: "MODEL", align: "left" },
  { title: "AT MOST", align: "right" },
  { title: "EXPIRES IN", align: "right" },
];

function reservationTable(found: readonly Reservation[], now: EpochMs): string {
  const rows = found.map((reservation) => [
    reservation.reservation_id,
    reservation.principal,
    reservation.workspace,
    reservation.model,
    formatUsd(Number(reservation.estimated_cost_nano_usd)),
    formatSpan(Math.max(0, Date.parse(reservation.reservation_expires_at) - now)),
  ]);
  return formatTable(COLUMNS, rows);
}
