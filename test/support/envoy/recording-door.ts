import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/gen/grpc/health/v1/health.js";
import { askUntil } from "../redis/deadlines.js";
import { endAfterwards } from "../redis/ending.js";
import { envoyMethods } from "./envoy-protos.js";

const DEADLINE_MS = 15_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const { check, process } = envoyMethods({ keepCase: true, longs: String, enums: String });

/** One call of Envoy's to ext_proc: what came, in order, and how it ended. */
export interface Watching {
  readonly messages: ProcMessage[];
  /** `end`: Envoy closed its side; `cancelled`: it broke off. Undefined while it lasts. */
  ended: "end" | "cancelled" | undefined;
}

/** A message to ext_proc. What it holds besides its kind is as Envoy's protos name it. */
export interface ProcMessage {
  readonly request: string;
  readonly metadata_context: { readonly filter_metadata: Readonly<Record<string, unknown>> } | null;
  readonly observability_mode: boolean;
  readonly [field: string]: unknown;
}

/** A question to ext_authz, as Envoy's protos name it. */
export interface CheckRequest {
  readonly attributes: {
    readonly source: { readonly principal: string };
    readonly context_extensions: Readonly<Record<string, string>>;
    readonly request: {
      readonly http: {
        readonly headers: Readonly<Record<string, string>>;
        readonly path: string;
        readonly body: string;
        readonly raw_body: Buffer;
      };
    };
  };
}

/** Where a door listens, and what it answers. */
export interface DoorOptions {
  /** `unix:/path`, or `127.0.0.1:0` for a free port. */
  readonly at: string;
  readonly credentials?: ServerCredentials;
  /** A CheckResponse as Envoy's protos name it, or "silence": no answer at all. Asked for each Check. */
  readonly answer: (request: CheckRequest) => object | "silence";
}

/** Stands where Windbreak's door for Envoy is, answers what it is told, and keeps all that Envoy says. */
export class RecordingDoor {
  /** Where it listens, as Envoy's cluster needs it: a path or `host:port`. */
  readonly port: number;
  readonly checks: readonly CheckRequest[];
  readonly watchings: readonly Watching[];

  private constructor(port: number, checks: readonly CheckRequest[], watchings: readonly Watching[]) {
    this.port = port;
    this.checks = checks;
    this.watchings = watchings;
  }

  /** Open one; it closes after the test, or after the file where no test runs. */
  static async open({ at, credentials = ServerCredentials.createInsecure(), answer }: DoorOptions) {
    const server = new Server({ "grpc.max_receive_message_length": MAX_MESSAGE_BYTES });
    const checks: CheckRequest[] = [];
    const watchings: Watching[] = [];
    server.addService(HealthService, {
      check: (_: unknown, reply: sendUnaryData<object>) => reply(null, { status: ServingStatus.SERVING }),
    });
    server.addService(
      { Check: check },
      {
        Check(call: ServerUnaryCall<CheckRequest, object>, reply: sendUnaryData<object>) {
          checks.push(call.request);
          const answered = answer(call.request);
          if (answered !== "silence") reply(null, answered);
        },
      },
    );
    server.addService(
      { Process: process },
      {
        Process: (call: ServerDuplexStream<ProcMessage, object>) => void watchings.push(watched(call)),
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(at, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    endAfterwards(async () => server.forceShutdown());
    return new RecordingDoor(port, checks, watchings);
  }

  /** Wait until a call is watched to its end. @throws Error with what came, where it does not end. */
  async watched(index: number): Promise<Watching> {
    const look = async () => this.watchings[index];
    const watching = await askUntil(DEADLINE_MS, look, (found) => found?.ended !== undefined);
    if (watching === undefined) throw new Error(`call ${index} was not watched`);
    return watching;
  }
}

/** An answer that lets a call through, with headers for Mistral and dynamic metadata. */
export function allowed(headers: Readonly<Record<string, string>>, metadata: Readonly<Record<string, string>>): object {
  return {
    status: { code: 0 },
    ok_response: {
      headers: Object.entries(headers).map(([key, value]) => ({ header: { key, value }, append: { value: false } })),
    },
    dynamic_metadata: structOf(metadata),
  };
}

/** An answer that refuses a call, with a JSON body. */
export function denied(code: number, body: unknown, metadata: Readonly<Record<string, string>>): object {
  return {
    status: { code: 7 },
    denied_response: {
      status: { code },
      headers: [{ header: { key: "content-type", value: "application/json" }, append: { value: false } }],
      body: JSON.stringify(body),
    },
    dynamic_metadata: structOf(metadata),
  };
}

/** Camel case inside a Struct, whatever the loader is told: proto-loader takes it from protobuf.js as it is there. */
function structOf(values: Readonly<Record<string, string>>) {
  const fields = Object.entries(values).map(([key, stringValue]) => [key, { stringValue }] as const);
  return { fields: Object.fromEntries(fields) };
}

function watched(call: ServerDuplexStream<ProcMessage, object>): Watching {
  const watching: Watching = { messages: [], ended: undefined };
  call.on("data", (message: ProcMessage) => void watching.messages.push(message));
  call.on("end", () => {
    watching.ended ??= call.cancelled ? "cancelled" : "end";
    call.end();
  });
  call.on("cancelled", () => {
    watching.ended ??= "cancelled";
  });
  // A stream that is broken off ends by an error too.
  call.on("error", () => {});
  return watching;
}
