import { defineConfig } from "vitest/config";

const isLong = process.env["WINDBREAK_LONG_TESTS"] === "1";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "test/support/redis/global-setup.ts",
      "test/support/envoy/global-setup.ts",
      "test/support/clients/global-setup.ts",
      "test/support/browser/global-setup.ts",
      "test/support/deploy/global-setup.ts",
    ],
    setupFiles: ["test/support/long-runs.ts"],
    // Most tests wait for servers more than they compute. Those that measure times do so in long runs, one file at a time.
    maxWorkers: isLong ? 1 : 2,
    testTimeout: isLong ? 600_000 : 20_000,
    hookTimeout: 30_000,
  },
});
