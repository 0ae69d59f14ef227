// SPDX-License-Identifier: Apache-2.0
// The program that transfers without signing, as one bundle.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** As the command is bundled: what loading sources one by one costs is not what is measured. */
export async function bundleChild(directory: string): Promise<string> {
  await build({
    entryPoints: {
      child: new URL("child.ts", import.meta.url).pathname,
      "hash-worker": fileURLToPath(new URL("artifact/hash-worker.js", import.meta.resolve("@kiteseal/core"))),
    },
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return join(directory, "child.mjs");
}
