import { env } from "node:process";
import { defineConfig } from "vitest/config";

/** Where to leave totals for a machine, beside what is shown (.ci/run). */
const totals = env["VITEST_JSON"];

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    // Real servers, which are installed apart: `npm run test:peers`.
    exclude: env["KITESEAL_PEERS_DIR"] === undefined ? ["test/peers/**", "**/node_modules/**"] : ["**/node_modules/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    ...(totals === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: totals } }),
  },
});
