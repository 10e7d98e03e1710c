import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { FollowedCalls } from "../app/ports.js";

/** Where ioredis tells of a command as it is written out. */
const CHANNEL = "tracing:ioredis:command:start";

export interface CommandSpansOptions {
  readonly tracer: Tracer;
  /** The span of what the store is asked for at this moment. */
  readonly current: () => Span | undefined;
  /** Whether the client knows which server it writes to: behind Sentinel it tells of another. */
  readonly knowsServer: boolean;
}

/**
 * Spans of the commands that ioredis sends for calls that are followed, by what it tells itself on its diagnostics channel.
 *
 * Listens only while such a command is handed over: a listener that stays would make the library describe every command,
 * those of calls that nobody follows too. A command that many calls share is below the first of them and linked to the
 * others.
 */
export class CommandSpans implements FollowedCalls {
  readonly #options: CommandSpansOptions;

  constructor(options: CommandSpansOptions) {
    this.#options = options;
  }

  current(): FollowedCall | undefined {
    const span = this.#options.current();
    return span && new FollowedCall(span);
  }

  sendFor<T>(calls: readonly object[], send: () => Promise<T>): Promise<T> {
    let span: Span | undefined;
    const begin = (message: unknown) => {
      span ??= this.#begin(calls, message);
    };
    subscribe(CHANNEL, begin);
    let sent: Promise<T>;
    try {
      sent = send();
    } finally {
      unsubscribe(CHANNEL, begin);
    }
    sent.then(
      () => span?.end(),
      (cause: unknown) => {
        const type = cause instanceof Error ? cause.name : "_OTHER";
        span?.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR }).end();
      },
    );
    return sent;
  }

  #begin(calls: readonly object[], message: unknown): Span | undefined {
    const [first, ...others] = calls.filter((call) => call instanceof FollowedCall).map((call) => call.span);
    if (!first) return undefined;
    const { tracer, knowsServer } = this.#options;
    const attributes = attributesOf(message, knowsServer);
    const span = tracer.startSpan(
      String(attributes["db.operation.name"] ?? "redis"),
      { kind: SpanKind.CLIENT, attributes, links: others.map((other) => ({ context: other.spanContext() })) },
      trace.setSpan(ROOT_CONTEXT, first),
    );
    if (others.length > 0) span.setAttribute("windbreak.followed_calls", calls.length);
    return span;
  }
}

class FollowedCall {
  readonly span: Span;

  constructor(span: Span) {
    this.span = span;
  }
}

/** Not the arguments: they name principals, and hold what is binary. */
function attributesOf(message: unknown, knowsServer: boolean): Attributes {
  if (typeof message !== "object" || message === null) return { "db.system.name": "redis" };
  const command = "command" in message ? String(message.command).toUpperCase() : undefined;
  const database = "database" in message ? String(message.database) : undefined;
  const address = "serverAddress" in message && knowsServer ? String(message.serverAddress) : undefined;
  const port = "serverPort" in message && knowsServer ? Number(message.serverPort) : undefined;
  return {
    "db.system.name": "redis",
    ...(command !== undefined && { "db.operation.name": command }),
    ...(database !== undefined && { "db.namespace": database }),
    ...(address !== undefined && { "server.address": address }),
    ...(port !== undefined && Number.isInteger(port) && { "server.port": port }),
  };
}
