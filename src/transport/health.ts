import { type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health.js";
import { type Draining, endWhenDraining } from "./draining.js";

/**
 * What `grpc.health.v1.Health` answers. All names share one state: a policy is in force and the server takes calls, or not.
 *
 * Source of the rules: https://github.com/grpc/grpc/blob/master/doc/health-checking.md.
 */
export class Health {
  readonly #names: ReadonlySet<string>;
  readonly #draining: Draining;
  readonly #watches = new Set<ServerWritableStream<HealthCheckRequest, HealthCheckResponse>>();
  #status = ServingStatus.NOT_SERVING;
  #ending = false;

  /** @param services full names that may be asked for; the server as a whole, "", always may. */
  constructor(services: readonly string[], draining: Draining) {
    this.#names = new Set(["", ...services]);
    this.#draining = draining;
  }

  /** Say SERVING: a policy is in force. Changes nothing once the server drains. */
  serve(): void {
    if (!this.#ending) this.#become(ServingStatus.SERVING);
  }

  /** Say NOT_SERVING for good. */
  drain(): void {
    this.#ending = true;
    this.#become(ServingStatus.NOT_SERVING);
  }

  /** The handlers, for `Server.addService`. */
  readonly handlers: HealthServer = {
    check: (call, respond) => {
      if (this.#names.has(call.request.service)) return respond(null, { status: this.#status });
      respond({ code: status.NOT_FOUND, details: `service is none of ${JSON.stringify([...this.#names])}` });
    },

    watch: (call) => {
      endWhenDraining(call, this.#draining);
      if (!this.#names.has(call.request.service)) {
        call.write({ status: ServingStatus.SERVICE_UNKNOWN });
        return;
      }
      this.#watches.add(call);
      call.once("close", () => this.#watches.delete(call));
      call.write({ status: this.#status });
    },
  };

  #become(next: ServingStatus): void {
    if (next === this.#status) return;
    this.#status = next;
    for (const call of this.#watches) call.write({ status: next });
  }
}
