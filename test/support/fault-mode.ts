/** How a connection is cut: as a peer that crashed, or as one that closed. */
export type Cut = "rst" | "fin";

/** What the proxy does to the connections that go through it. */
export type Mode =
  | { readonly kind: "pass" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }
  | { readonly kind: "cut_after"; readonly bytes: number; readonly by: Cut; readonly isOnce: boolean }
  | { readonly kind: "half_open" };
