import type { Command as Program } from "commander";
import type { Command } from "./context.js";
import {
  withAdminAddress,
  withAdminFlags,
  withDiffFlags,
  withIssueFlags,
  withKeyAuditFlags,
  withKeyListFlags,
  withKeyRevokeFlags,
  withKeyRotateFlags,
  withPrincipalFlags,
  withProofFlags,
  withQuestionFlags,
  withReconcileFlags,
  withReplayFlags,
  withRequestFlags,
  withSchemaFlags,
  withServeFlags,
  withServerFlags,
  withTestFlags,
  withTotalsFlags,
} from "./flags.js";

/** What the command line tells of a command, and what it calls. */
export interface CommandText {
  /** With its arguments. */
  readonly name: string;
  readonly about: string;
  /** Imports the command: what one command needs, the others do not wait for. */
  readonly load: () => Promise<Command>;
  readonly flags?: (command: Program) => Program;
  /** Command lines that work, the plainest first. */
  readonly examples: readonly string[];
}

const ADA = "--principal ada --role senior --workspace ml-workspace";

export const SERVE: CommandText = {
  name: "serve",
  about: "run the service; each flag has a variable too, such as WINDBREAK_POLICY",
  load: async () => (await import("./run-serve.js")).runServe,
  flags: withServeFlags,
  examples: [
    "windbreak serve --policy policy.yaml",
    "windbreak serve --policy policy.yaml --listen unix:/run/windbreak.sock --admin off",
    "windbreak serve --policy policy.yaml --listen 0.0.0.0:50051 --identity fixed:search-service --tls-cert windbreak.crt --tls-key windbreak.key",
  ],
};

export const POLICY: readonly CommandText[] = [
  {
    name: "check <file>",
    about: "find everything that is wrong with a policy file",
    load: async () => (await import("./policy-check.js")).checkPolicy,
    examples: ["windbreak policy check policy.yaml", "windbreak policy check deploy/policy.yaml"],
  },
  {
    name: "schema",
    about: "print the JSON Schema of the policy file, of a suite or of a keys file, which editors complete from",
    load: async () => (await import("./policy-schema.js")).printPolicySchema,
    flags: withSchemaFlags,
    examples: [
      "windbreak policy schema",
      "windbreak policy schema > policy.schema.json",
      "windbreak policy schema --keys > keys.schema.json",
    ],
  },
  {
    name: "test <file...>",
    about: "run suites of cases: what a policy must come to; exits with 1 where a case fails",
    load: async () => (await import("./policy-test.js")).testPolicy,
    flags: withTestFlags,
    examples: [
      "windbreak policy test policy.test.yaml",
      "windbreak policy test policy.test.yaml --run juniors",
      "windbreak policy test policy.test.yaml other.test.yaml --junit results.xml",
    ],
  },
  {
    name: "diff <old> <new>",
    about: "say who gains, who loses and which ceilings move between two policies; - reads one from standard input",
    load: async () => (await import("./policy-diff.js")).diffPolicies,
    flags: withDiffFlags,
    examples: ["windbreak policy diff policy.yaml new-policy.yaml", "windbreak policy diff policy.yaml - --exit-code"],
  },
  {
    name: "replay <new>",
    about: "decide a log of decisions again by another policy: which turn, for whom, and what that saves or costs",
    load: async () => (await import("./policy-replay.js")).replayPolicy,
    flags: withReplayFlags,
    examples: [
      "windbreak policy replay --log decisions.log new-policy.yaml",
      "windbreak policy replay --log decisions.log.1 --log decisions.log new-policy.yaml --exit-code",
      "docker logs windbreak | windbreak policy replay --log - new-policy.yaml --json",
    ],
  },
  {
    name: "explain <file>",
    about: "say why a call is decided as it is, and what would pass; on fresh counters, or on a server's (--server)",
    load: async () => (await import("./policy-explain.js")).explainPolicy,
    flags: (command) => withServerFlags(withProofFlags(withQuestionFlags(command)), "take the counters of this server"),
    examples: [
      "windbreak policy explain policy.yaml --principal search-service --model mistral-embed --input-tokens 800",
      `windbreak policy explain policy.yaml ${ADA} --model codestral-latest --max-output-tokens 5000`,
      "windbreak policy explain policy.yaml --spiffe spiffe://acme/ns/search/sa/default --model mistral-embed",
    ],
  },
];

export const ASKING: readonly CommandText[] = [
  {
    name: "authorize",
    about: "ask a running server to decide one call; exits with 1 where it is denied",
    load: async () => (await import("./authorize.js")).authorize,
    flags: (command) => withServerFlags(withRequestFlags(withQuestionFlags(command))),
    examples: [
      "windbreak authorize --principal search-service --model mistral-embed --input-tokens 800 --dry-run",
      `windbreak authorize ${ADA} --model codestral-latest --input-tokens 800 --include-limits`,
      "windbreak authorize --principal search-service --model mistral-embed --label case=42 --json",
    ],
  },
  {
    name: "usage",
    about:
      "show what a principal has left; without one, every limit; with --top, who spent most; with --reconcile, Mistral's bill",
    load: async () => (await import("./usage.js")).usage,
    flags: (command) =>
      withServerFlags(
        withAdminAddress(
          withReconcileFlags(
            withTotalsFlags(
              withPrincipalFlags(command).option(
                "--model <name>",
                "show too whether the principal may use it, and its prices",
              ),
            ),
          ),
        ),
      ),
    examples: [
      "windbreak usage --top 3 --by workspace --month 2026-03",
      "windbreak usage --reconcile --month 2026-03 --keys keys.yaml",
      "windbreak usage --principal search-service --model mistral-embed",
    ],
  },
  {
    name: "health",
    about: "ask a running server whether it serves; exits with 1 where it does not",
    load: async () => (await import("./health.js")).health,
    flags: withServerFlags,
    examples: [
      "windbreak health",
      "windbreak health --server unix:/run/windbreak.sock --timeout 500ms",
      "windbreak health --server windbreak.acme.example:50051 --tls-ca ca.crt",
    ],
  },
];

export const RESERVATIONS: readonly CommandText[] = [
  {
    name: "list",
    about: "list the reservations that are open",
    load: async () => (await import("./reservations.js")).listReservations,
    flags: withAdminFlags,
    examples: ["windbreak reservations list", "windbreak reservations list --admin-server 127.0.0.1:9091 --json"],
  },
  {
    name: "release <id>",
    about: "give back all that a reservation holds; exits with 1 where no open one has this id",
    load: async () => (await import("./reservations.js")).releaseReservation,
    flags: withAdminFlags,
    examples: [
      "windbreak reservations release AAAAAB3kq0ZrZ1b4nJ5k1mQz2w",
      "windbreak reservations release AAAAAB3kq0ZrZ1b4nJ5k1mQz2w --json",
    ],
  },
];

export const KEYS: readonly CommandText[] = [
  {
    name: "list",
    about: "list Mistral's keys, or those of Windbreak's callers, with their last use",
    load: async () => (await import("./keys-list.js")).listKeys,
    flags: withKeyListFlags,
    examples: [
      "windbreak keys list --upstream --keys keys.yaml",
      "windbreak keys list --callers --policy policy.yaml --json",
    ],
  },
  {
    name: "audit",
    about: "find keys that are unused, too old, about to end or unknown; exits with 1 where there are any",
    load: async () => (await import("./keys-list.js")).auditKeys,
    flags: withKeyAuditFlags,
    examples: [
      "windbreak keys audit --upstream --keys keys.yaml",
      "windbreak keys audit --upstream --keys keys.yaml --unused 60d --csv > keys.csv",
      "windbreak keys audit --callers --policy policy.yaml",
    ],
  },
  {
    name: "issue",
    about: "make a key: a caller's is written once, on stdout; Mistral's goes where its workspace's key is kept",
    load: async () => (await import("./keys-issue.js")).issueKey,
    flags: withIssueFlags,
    examples: [
      "windbreak keys issue --callers > search.key",
      "windbreak keys issue --callers --principal search-service > search.key",
      "windbreak keys issue --upstream --keys keys.yaml --workspace dev-workspace",
    ],
  },
  {
    name: "rotate",
    about: "replace a key of Mistral's step by step, so that no call lacks one; of a caller's, say the steps",
    load: async () => (await import("./keys-rotate.js")).rotateKeys,
    flags: withKeyRotateFlags,
    examples: [
      "windbreak keys rotate --upstream --keys keys.yaml --state state --dry-run",
      "windbreak keys rotate --upstream --keys keys.yaml --state state --workspace dev-workspace --wait",
      "windbreak keys rotate --callers --policy policy.yaml --principal search-service > search.key",
    ],
  },
  {
    name: "revoke <id>",
    about: "revoke a key of Mistral's; of a caller's, say which line of the policy to take out",
    load: async () => (await import("./keys-revoke.js")).revokeKey,
    flags: withKeyRevokeFlags,
    examples: [
      "windbreak keys revoke --upstream --keys keys.yaml 0b0c5b1e-7d0e-4c55-9c55-0d4a3d9f7a11",
      "windbreak keys revoke --callers --policy policy.yaml 3fK9mQ2x",
    ],
  },
];
