import { Option, type Command as Program } from "commander";
import { ENDPOINTS } from "../domain/model.js";
import type { Flags } from "../settings/given.js";
import { LOG_FORMATS, LOG_LEVELS } from "../settings.js";

/** Add the flags of `serve`. */
export function withServeFlags(command: Program): Program {
  return command
    .option("--policy <file>", "the policy file")
    .addOption(
      repeatable("--listen <address>", "where callers connect: unix:PATH, or IP:PORT (default: 127.0.0.1:50051)"),
    )
    .addOption(
      repeatable("--listen-envoy <address>", "where Envoy asks: unix:PATH, or IP:PORT with TLS (default: nowhere)"),
    )
    .option("--tls-cert <file>", "certificate chain, PEM: every listener on TCP, loopback too, speaks TLS alone")
    .option("--tls-key <file>", "its private key")
    .option("--tls-client-ca <file>", "whoever connects on TCP must show a certificate that this authority signed")
    .addOption(repeatable("--envoy-peer <id>", "the SPIFFE id in Envoy's certificate"))
    .option("--socket-mode <mode>", "of Unix sockets of --listen and --listen-envoy: 0600, 0660 (default), 0666")
    .option("--socket-owner <user>", "their user, by name or number; needs CAP_CHOWN (default: that of this process)")
    .option("--socket-group <group>", "their group, by name or number (default: that of this process)")
    .option("--admin <address>", "where operators connect, or off (default: 127.0.0.1:9090)")
    .option("--admin-token-file <file>", "a file with the token that they must show; needed beyond this machine")
    .option("--identity <mode>", "who callers are: declared, credential (proved), or fixed:ID (default: declared)")
    .option("--insecure-declared-identity", "let declared callers connect from other machines")
    .option("--state <directory>", "where counters outlive a restart (default: they do not)")
    .option("--redis <url>", "where replicas share counters: redis://HOST:6379/0; a password only in the variable")
    .option("--redis-file <file>", "a file that holds this URL, with its password")
    .option(
      "--rotate <cron>",
      "when Mistral's keys are rotated that are due, as 0 3 * * *; needs --keys (default: never)",
    )
    .option("--keys <file>", "the keys file: which keys are rotated, and where they are kept")
    .option("--store-timeout <duration>", "how long the counter store may take (default: 50ms)")
    .option("--max-connections <n>", "that each listener takes at once (default: 10000)")
    .option("--max-calls <n>", "that callers have open at once, and as many Envoys (default: 8192)")
    .option("--drain-grace <duration>", "how long calls in flight may take at the end (default: 30s)")
    .option("--drain-delay <duration>", "how long calls are still taken at the end (default: 0s)")
    .option(
      "--decision-log <file>",
      "where decisions and settlements are written: stdout, otlp (a collector), or a file (default: nowhere)",
    )
    .option("--decision-log-sample <share>", "which share of allowed decisions is written, 0 to 1 (default: 1)")
    .option("--decision-log-max-bytes <n>", "how large the file may grow before it is set aside (default: 104857600)")
    .option("--decision-log-files <n>", "how many are kept aside (default: 5)")
    .option("--log-format <format>", `${LOG_FORMATS.join(" or ")} (default: text on a terminal, else json)`)
    .option("--log-level <level>", `${LOG_LEVELS.join(", ")} (default: info)`);
}

/** Add where a running server is found, and how its answer is written. */
export function withServerFlags(
  command: Program,
  server = "where the server listens (default: 127.0.0.1:50051)",
): Program {
  return command
    .option("--server <address>", server)
    .option("--tls-ca <file>", "who signs the server's certificate, PEM: ask by TLS")
    .option("--tls-cert <file>", "the certificate to show to it, PEM")
    .option("--tls-key <file>", "its private key")
    .option("--tls-server-name <name>", "the name in the server's certificate (default: the host of --server)")
    .option("--credential-file <file>", "a file with the API key or the token to show to it")
    .option("--timeout <duration>", "how long the answer may take (default: 2s)")
    .option("--json", "write JSON, with the names of the proto");
}

/** Add where a running server's admin port is found, and how its answer is written. */
export function withAdminFlags(command: Program): Program {
  return withAdminAddress(command)
    .option("--timeout <duration>", "how long the answer may take (default: 2s)")
    .option("--json", "write JSON, with the names of the proto");
}

/** Add where a running server's admin port is found, and what to show there. */
export function withAdminAddress(command: Program): Program {
  return command
    .option("--admin-server <address>", "where its admin port listens (default: 127.0.0.1:9090)")
    .option("--admin-token-file <file>", "a file with the token to show there");
}

/** Add which cases of suites are run, and how their results are written. */
export function withTestFlags(command: Program): Program {
  return command
    .option("--run <pattern>", "only cases whose names hold this; * stands for any characters")
    .option("--junit <file>", "write the results there too, as JUnit's XML")
    .option("--json", "write JSON");
}

/** Add how a comparison is told. */
export function withDiffFlags(command: Program): Program {
  return command.option("--exit-code", "exit with 1 where the policies differ").option("--json", "write JSON");
}

/** Add which log is decided again, and how the outcome is told. */
export function withReplayFlags(command: Program): Program {
  return command
    .addOption(
      repeatable(
        "--log <file>",
        "a decision log, packed by gzip or not, or - for standard input",
      ).makeOptionMandatory(),
    )
    .option("--top <n>", "rows of each table (default: 10)")
    .option("--show <n>", "examples of each kind (default: 10)")
    .option("--exit-code", "exit with 1 where a decision turns")
    .option("--json", "write JSON");
}

/** Add which schema is meant. */
export function withSchemaFlags(command: Program): Program {
  return command
    .option("--suite", "the schema of suites, which windbreak policy test runs")
    .option("--keys", "the schema of keys files, which windbreak keys reads");
}

/** Add who calls. */
export function withPrincipalFlags(command: Program): Program {
  return command
    .option("--principal <id>", "who calls")
    .option("--role <name>", "its role; a principal that the policy lists needs none")
    .option("--workspace <name>", "its workspace; a principal that the policy lists needs none");
}

/** Add whose totals are shown, and of when. */
export function withTotalsFlags(command: Program): Program {
  return command
    .option("--top [n]", "show who spent most instead, so many of them (default: 10)")
    .option("--by <what>", "principal, workspace or model (default: principal)")
    .option("--day <date>", "today, yesterday or a date as 2026-03-10 (default: today)")
    .option("--month <month>", "a month as 2026-03");
}

/** Add what Mistral's bill is held against. */
export function withReconcileFlags(command: Program): Program {
  return command
    .option("--reconcile", "hold Mistral's bill of a month against what was counted; exits with 1 where they drift")
    .option("--keys <file>", "for --reconcile: the keys file, with the Admin API; its variable is WINDBREAK_KEYS")
    .option("--tolerance <share>", "for --reconcile: how far apart they may be (default: 5%)");
}

/** Add what a caller asks. */
export function withQuestionFlags(command: Program): Program {
  return withPrincipalFlags(command)
    .option("--model <name>", "a model's id or alias")
    .option("--endpoint <name>", `${ENDPOINTS.join(", ")} (default: the model's first)`)
    .option("--input-tokens <n>", "tokens that the call sends")
    .option("--max-output-tokens <n>", "tokens that it may get back (default: what the limits leave)")
    .option("--pages <n>", "pages, for ocr")
    .option("--audio-seconds <n>", "seconds of audio, for audio_transcriptions")
    .option("--annotated-pages", "the pages are annotated, which costs more");
}

/** Add what a caller would prove itself by. */
export function withProofFlags(command: Program): Program {
  return command
    .option("--api-key-file <file>", "a file with the API key that the caller shows")
    .option("--claims <json>", "the claims of the token that it shows, as JSON or a file with it; nothing is verified")
    .option("--spiffe <id>", "the SPIFFE id in its certificate");
}

/** Add whose keys are meant, and where what is said of them lies. */
function withKeyFlags(command: Program): Program {
  return command
    .option("--callers", "keys that prove callers to Windbreak")
    .option("--upstream", "keys of Mistral's")
    .option("--keys <file>", "the keys file, for --upstream; its variable is WINDBREAK_KEYS")
    .option("--policy <file>", "the policy; for --upstream, what the keys file is held against");
}

/** Add where a running server is asked for the last use of keys. */
function withSeenFlags(command: Program): Program {
  return withAdminAddress(withKeyFlags(command)).option(
    "--timeout <duration>",
    "how long its answer may take (default: 2s)",
  );
}

/** Add which keys are listed, and how. */
export function withKeyListFlags(command: Program): Program {
  return withSeenFlags(command).option("--json", "write JSON").option("--csv", "write CSV");
}

/** Add which keys are audited, and by what. */
export function withKeyAuditFlags(command: Program): Program {
  return withKeyListFlags(command).option(
    "--unused <span>",
    "how long a key may go without use (default: 30d, or as the keys file says)",
  );
}

/** Add whose key is revoked. */
export function withKeyRevokeFlags(command: Program): Program {
  return withSeenFlags(command).option("--yes", "also where calls are sent with the key");
}

/** Add whose keys are rotated, and how far. */
export function withKeyRotateFlags(command: Program): Program {
  return withSeenFlags(command)
    .addOption(repeatable("--workspace <name>", "rotate its key alone (default: those of the whole keys file)"))
    .option("--state <directory>", "where it is written how far a rotation has come; that of windbreak serve")
    .option("--redis <url>", "or the Redis of windbreak serve; needs --policy; a password only in the variable")
    .option("--redis-file <file>", "a file that holds this URL, with its password")
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--due-only", "begin only with keys that are as old as rotation.every of the keys file")
    .option("--wait", "go on until all is done, which may take more than a day (default: as far as can be gone now)")
    .option("--old-key <id>", "the key that is in use, where Windbreak cannot tell; none: leave it alone")
    .option("--retire-anyway", "revoke the keys before, whoever may still use them")
    .option("--abandon", "end a rotation that is under way, and leave all keys as they are")
    .option("--principal <id>", "for --callers: whose key")
    .option("--json", "write JSON");
}

/** Add whose keys are meant, and what to issue. */
export function withIssueFlags(command: Program): Program {
  return withKeyFlags(command)
    .option("--principal <id>", "the principal that a caller's key is for: its place in the policy is written too")
    .option("--workspace <name>", "the workspace that a key of Mistral's is for; it goes where the keys file says")
    .option("--show", "write a key of Mistral's on stdout instead, once")
    .option("--yes", "also where a key is there already, in whose place this one is put")
    .option("--json", "write JSON on stdout");
}

/** Add what only a running server makes something of. */
export function withRequestFlags(command: Program): Program {
  return command
    .option("--request-id <id>", "names the call: asked again, it gets the same answer")
    .addOption(repeatable("--label <key=value>", "goes to the log"))
    .option("--dry-run", "reserve nothing")
    .option("--include-limits", "show every limit, not only those that refuse");
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser((value: string, before: unknown) => [
    ...(Array.isArray(before) ? before : []),
    value,
  ]);
}

/** Take the flags that a command was called with. */
export function flagsOf(command: Program): Flags {
  const given = command.options.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    return isFlagValue(value) ? [[option.name(), value] as const] : [];
  });
  return Object.fromEntries(given);
}

function isFlagValue(value: unknown): value is string | boolean | readonly string[] {
  return typeof value === "string" || typeof value === "boolean" || Array.isArray(value);
}
