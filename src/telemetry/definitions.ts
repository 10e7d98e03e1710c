/** What a metric is called, and what it says. Its unit is the end of its name: nothing adds one. */
export interface Definition {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
}

/** Every metric that is ever shown, in the order in which it is. */
export const DEFINITIONS = {
  decisions: {
    name: "windbreak_decisions_total",
    kind: "counter",
    help: "Decisions by reason, model and workspace; dry runs apart.",
  },
  dryRuns: {
    name: "windbreak_dry_runs_total",
    kind: "counter",
    help: "Decisions that reserved nothing because the caller asked for a dry run.",
  },
  degradedDecisions: {
    name: "windbreak_degraded_decisions_total",
    kind: "counter",
    help: "Decisions made without the store, as on_store_failure says; dry runs included.",
  },
  shadowDenials: {
    name: "windbreak_shadow_denials_total",
    kind: "counter",
    help: "Decisions that a limit in shadow would have denied, by limit; dry runs aside.",
  },
  unauthenticated: {
    name: "windbreak_unauthenticated_total",
    kind: "counter",
    help: "Calls refused for who makes them, by the door they came to and by why.",
  },
  decisionDuration: {
    name: "windbreak_decision_duration_seconds",
    kind: "histogram",
    help: "Time from a decoded question to its answer, the store included.",
  },
  settlements: {
    name: "windbreak_settlements_total",
    kind: "counter",
    help: "Usage recorded; unreserved: no open reservation stood behind it.",
  },
  settledInputTokens: {
    name: "windbreak_settled_input_tokens_total",
    kind: "counter",
    help: "Input tokens of recorded usage, cached ones included.",
  },
  settledOutputTokens: {
    name: "windbreak_settled_output_tokens_total",
    kind: "counter",
    help: "Output tokens of recorded usage.",
  },
  settledCost: {
    name: "windbreak_settled_cost_usd_total",
    kind: "counter",
    help: "Cost of recorded usage in USD.",
  },
  storeUp: {
    name: "windbreak_store_up",
    kind: "gauge",
    help: "1 while the store of counters answers, 0 while it does not.",
  },
  reservationsOpen: {
    name: "windbreak_reservations_open",
    kind: "gauge",
    help: "Reservations that are neither settled, expired nor released.",
  },
  reservationsExpired: {
    name: "windbreak_reservations_expired_total",
    kind: "counter",
    help: "Reservations that expired unsettled.",
  },
  rememberedRecords: {
    name: "windbreak_remembered_records",
    kind: "gauge",
    help: "Reservations and unreserved usage that are open or still remembered.",
  },
  countersHeld: {
    name: "windbreak_counters_held",
    kind: "gauge",
    help: "Counters that the store holds.",
  },
  storeDown: {
    name: "windbreak_store_down_total",
    kind: "counter",
    help: "How often a shared store of counters went away.",
  },
  storeEmptied: {
    name: "windbreak_store_emptied_total",
    kind: "counter",
    help: "How often a shared store of counters was found to have lost all that it held.",
  },
  storeFailed: {
    name: "windbreak_store_failed_calls_total",
    kind: "counter",
    help: "Calls that a shared store of counters could not carry out though it was there.",
  },
  driftedLots: {
    name: "windbreak_store_drift_lots_total",
    kind: "counter",
    help: "Parts of counters that differed from what open reservations hold, and were mended.",
  },
  refusedHere: {
    name: "windbreak_store_refusals_remembered_total",
    kind: "counter",
    help: "Calls refused because what was settled left no room a moment ago, without asking a shared store.",
  },
  refusalsShared: {
    name: "windbreak_store_refusals_shared_total",
    kind: "counter",
    help: "Calls refused by a shared store's answer to another call of the same caller.",
  },
  inDoubt: {
    name: "windbreak_reservations_in_doubt",
    kind: "gauge",
    help: "Reservations that may have been made though their callers were told otherwise, and are to be given back.",
  },
  inDoubtDropped: {
    name: "windbreak_reservations_in_doubt_dropped_total",
    kind: "counter",
    help: "Reservations in doubt beyond what can be remembered: they end by unsettled.",
  },
  pendingWaiting: {
    name: "windbreak_usage_pending",
    kind: "gauge",
    help: "Reports of usage that wait until the store answers.",
  },
  pendingSent: {
    name: "windbreak_usage_pending_sent_total",
    kind: "counter",
    help: "Reports of usage that waited, and that the store took or refused for good in the end.",
  },
  pendingDropped: {
    name: "windbreak_usage_pending_dropped_total",
    kind: "counter",
    help: "Reports of usage that there was no room to keep, or that could not be sent: their reservations end by unsettled.",
  },
  limitUsed: {
    name: "windbreak_limit_used",
    kind: "gauge",
    help: "What a limit has counted as used, in its metric's unit, money in USD.",
  },
  limitReserved: {
    name: "windbreak_limit_reserved",
    kind: "gauge",
    help: "What open reservations hold of a limit, in its metric's unit, money in USD.",
  },
  limitCeiling: {
    name: "windbreak_limit_ceiling",
    kind: "gauge",
    help: "A limit's ceiling in force, in its metric's unit, money in USD.",
  },
  limitsNotShown: {
    name: "windbreak_limits_not_shown",
    kind: "gauge",
    help: "Limits left out of windbreak_limit_* because there are too many.",
  },
  alerts: {
    name: "windbreak_alerts_total",
    kind: "counter",
    help: "Alerts by target: told (sent), or tried in vain (failed), which is tried again after a minute.",
  },
  keyRotations: {
    name: "windbreak_key_rotations_total",
    kind: "counter",
    help: "Rotations of Mistral's keys that this process saw end: replaced (done), taken back (undone), or left to a person (stuck).",
  },
  keyAge: {
    name: "windbreak_key_age_seconds",
    kind: "gauge",
    help: "Age of a workspace's Mistral key; while it is being replaced, of the one before.",
  },
  keyRotationWaiting: {
    name: "windbreak_key_rotation_waiting",
    kind: "gauge",
    help: "1, labelled with the step that the rotation of a workspace's key waits in.",
  },
  policyInfo: {
    name: "windbreak_policy_info",
    kind: "gauge",
    help: "1, labelled with the revision of the policy in force.",
  },
  policyReloads: {
    name: "windbreak_policy_reloads_total",
    kind: "counter",
    help: "Changes of the policy file since the start: put in force (ok), or refused (failed).",
  },
  policyStale: {
    name: "windbreak_policy_stale",
    kind: "gauge",
    help: "1 while the policy file is at fault and an earlier one is in force, else 0.",
  },
  catalogueAge: {
    name: "windbreak_catalogue_age_days",
    kind: "gauge",
    help: "Days since the built-in prices were last held against Mistral's.",
  },
  connectionsOpen: {
    name: "windbreak_connections_open",
    kind: "gauge",
    help: "Connections of callers and of Envoy that are open.",
  },
  peersCut: {
    name: "windbreak_peers_cut_total",
    kind: "counter",
    help: "Connections or calls of peers that went beyond a bound and were cut off, by reason.",
  },
  certificateExpiry: {
    name: "windbreak_tls_certificate_expiry_seconds",
    kind: "gauge",
    help: "When the certificate that listeners show expires, in seconds since 1970.",
  },
  refusedConnections: {
    name: "windbreak_tls_refused_connections_total",
    kind: "counter",
    help: "TLS connections that were not let in: their handshake failed, or they proved to be somebody else.",
  },
  decisionLogLines: {
    name: "windbreak_decision_log_lines_total",
    kind: "counter",
    help: "Lines of the decision log that were written.",
  },
  decisionLogWaiting: {
    name: "windbreak_decision_log_waiting",
    kind: "gauge",
    help: "Entries of the decision log that are not written yet.",
  },
  decisionLogDropped: {
    name: "windbreak_decision_log_dropped_total",
    kind: "counter",
    help: "Entries of the decision log that are lost: there was no room to keep them (queue_full), or no writing (write_failed).",
  },
  scrapeErrors: {
    name: "windbreak_scrape_errors_total",
    kind: "counter",
    help: "Reads for a scrape that failed or took too long, by what was read.",
  },
  buildInfo: {
    name: "windbreak_build_info",
    kind: "gauge",
    help: "1, labelled with the version that runs.",
  },
  eventLoopLag: {
    name: "windbreak_event_loop_lag_seconds",
    kind: "histogram",
    help: "How late the event loop ran a timer, sampled 50 times a second.",
  },
  eventLoopActive: {
    name: "windbreak_event_loop_active_seconds_total",
    kind: "counter",
    help: "Time that the event loop was not idle; its rate is the share of a core's time in use.",
  },
  residentMemory: {
    name: "process_resident_memory_bytes",
    kind: "gauge",
    help: "Resident memory.",
  },
  cpuSeconds: {
    name: "process_cpu_seconds_total",
    kind: "counter",
    help: "CPU time, user and system, of all threads.",
  },
  startTime: {
    name: "process_start_time_seconds",
    kind: "gauge",
    help: "When the process started, in seconds since 1970.",
  },
} as const satisfies Readonly<Record<string, Definition>>;
