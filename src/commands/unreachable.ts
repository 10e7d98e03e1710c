const REASONS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "nothing listens there"],
  ["ENOENT", "no such socket"],
  ["EACCES", "this process may not connect to the socket"],
  ["ENOTFOUND", "no such host"],
  ["Name resolution failed", "no such host"],
  ["Protocol error", "what listens there speaks no gRPC"],
]);

/** Say in plain words why a connection failed. @param error the system's text, with its code in it. */
export function whyUnreachable(error: string): string {
  for (const [code, reason] of REASONS) if (error.includes(code)) return reason;
  return error;
}
