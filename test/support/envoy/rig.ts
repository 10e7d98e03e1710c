import { ServerCredentials } from "@grpc/grpc-js";
import type { ReplayServer } from "../mistral/replay-server.js";
import { allowed, type DoorOptions, denied, RecordingDoor } from "./recording-door.js";
import { envoyAmong, type Surroundings, surroundings } from "./stage.js";

/** An Envoy between a door that records and a Mistral that replays. */
export interface Rig {
  readonly door: RecordingDoor;
  /** Of Envoy's listener. */
  readonly port: number;
  readonly mistral: ReplayServer;
  readonly around: Surroundings;
}

type Answer = DoorOptions["answer"];

/** Let every call through, with a key for Mistral and the reservation `r-1`. */
export const allow: Answer = () =>
  allowed({ authorization: "Bearer of-mistral" }, { windbreak_reason: "ALLOWED", windbreak_reservation_id: "r-1" });

/** Refuse every call by this status. */
export function refuse(status: number): Answer {
  return () => denied(status, { object: "error", message: "said by Windbreak" }, { windbreak_reason: "RATE_LIMITED" });
}

/** Start deploy/envoy/sidecar.yaml. `around`: surroundings of the test's own. */
export async function sidecar(version: string, answer: Answer, around?: Surroundings): Promise<Rig> {
  const all = around ?? (await surroundings());
  const door = await RecordingDoor.open({ at: `unix:${all.socket}`, answer });
  const { port } = await envoyAmong(all, { version, bootstrap: "sidecar", windbreak: all.socket });
  return { door, port, mistral: all.mistral, around: all };
}

/** Start deploy/envoy/gateway.yaml, with a door that takes clients with a certificate alone. */
export async function gateway(version: string, answer: Answer): Promise<Rig> {
  const around = await surroundings();
  const { windbreak } = around.certificates;
  const pair = { cert_chain: Buffer.from(windbreak.certificate), private_key: Buffer.from(windbreak.key) };
  const root = Buffer.from(around.authority.root.certificate);
  const credentials = ServerCredentials.createSsl(root, [pair], true);
  const door = await RecordingDoor.open({ at: "127.0.0.1:0", credentials, answer });
  const { port } = await envoyAmong(around, { version, bootstrap: "gateway", windbreak: `127.0.0.1:${door.port}` });
  return { door, port, mistral: around.mistral, around };
}
