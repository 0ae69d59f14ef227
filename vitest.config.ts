import { env } from "node:process";
import { defineConfig } from "vitest/config";

/** Where to leave totals for a machine, beside what is shown (.ci/run). */
const totals = env["VITEST_JSON"];

/** Real servers, which are installed apart (`npm run test:peers`), and the services themselves, where an address names one. */
const clouds = ["S3", "GS", "AZURE", "RT"].some((store) => (env[`KITESEAL_TEST_${store}_URL`] ?? "") !== "");
const peers = (env["KITESEAL_PEERS_DIR"] ?? "") !== "";
const elsewhere = [
  ...(peers ? [] : ["test/peers/!(clouds).test.ts"]),
  ...(clouds ? [] : ["test/peers/clouds.test.ts"]),
];

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...elsewhere],
    globalSetup: ["test/support/process-watch.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    ...(totals === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: totals } }),
  },
});
