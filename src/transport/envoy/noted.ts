import { ENDPOINTS } from "../../domain/model.js";
import type { Reserved } from "../../mistral/settlement.js";

/** What Check noted of the call. */
export interface Noted extends Reserved {
  readonly reservationId: string;
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  readonly model: string;
  /** Admitted without the store, which knows no estimate of it. */
  readonly isDegraded: boolean;
}

/** Read what Check noted, from the metadata that Envoy shows again; undefined where it reserved nothing. */
export function notedIn(metadata: Readonly<Record<string, unknown>> | undefined): Noted | undefined {
  const text = (name: string) => {
    const value = metadata?.[`windbreak_${name}`];
    return typeof value === "string" ? value : "";
  };
  const endpoint = ENDPOINTS.find((one) => one === text("endpoint"));
  const reservationId = text("reservation_id");
  if (reservationId === "" || !endpoint) return undefined;
  return {
    reservationId,
    principal: text("principal"),
    role: text("role"),
    workspace: text("workspace"),
    model: text("model"),
    endpoint,
    inputTokens: Number(text("input_tokens")),
    maxOutputTokens: Number(text("max_output_tokens")),
    audioSeconds: Number(text("audio_seconds")),
    pages: Number(text("pages")),
    streams: text("stream") === "true",
    annotatedPages: text("annotated_pages") === "true",
    isDegraded: text("degraded") === "true",
  };
}
