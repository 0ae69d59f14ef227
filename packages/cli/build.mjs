// SPDX-License-Identifier: Apache-2.0
// Bundles src/bin.ts and what it imports lazily into DIRECTORY/*.mjs (default: dist): what the stub bin/kiteseal.mjs runs.
// Types and lint are tsc's and oxlint's; this only writes the program.
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const out = resolve(process.argv[2] ?? join(root, "dist"));
for (const name of await readdir(out).catch(() => [])) {
  if (/\.mjs(?:\.LEGAL\.txt)?$/.test(name)) await rm(join(out, name));
}
// Its default entry is CommonJS, whose names a dynamic import in a bundle does not have.
const yaml = fileURLToPath(new URL("../browser/index.js", import.meta.resolve("yaml")));
// Threads run these; they lie beside the chunks that start them and share the others.
const core = import.meta.resolve("@kiteseal/core");
const worker = fileURLToPath(new URL("worker.js", core));
const hashWorker = fileURLToPath(new URL("artifact/hash-worker.js", core));
await build({
  entryPoints: { bin: "src/bin.ts", worker, "hash-worker": hashWorker },
  absWorkingDir: root,
  outdir: out,
  outExtension: { ".js": ".mjs" },
  chunkNames: "[name]-[hash]",
  alias: { yaml },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  legalComments: "linked",
  logLevel: "warning",
  banner: {
    // CommonJS dependencies call it.
    js: 'import { createRequire as kitesealRequire } from "node:module"; const require = kitesealRequire(import.meta.url);',
  },
});
