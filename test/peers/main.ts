// SPDX-License-Identifier: Apache-2.0
// npm run test:peers -- [ARGUMENTS OF VITEST]: installs the real servers where they are missing, then runs test/peers
// against them. What cannot be installed is a failure.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { argv, env, execPath } from "node:process";
import { ROOT } from "../support/sources.ts";
import { installPeers, peersDirectory } from "./programs.ts";

const directory = peersDirectory();
console.error(`the real servers are in ${directory}`);
await installPeers((text) => console.error(text));

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
const given = argv.slice(2);
const paths = given.some((argument) => !argument.startsWith("-")) ? given : ["test/peers", ...given];
const { status } = spawnSync(execPath, [vitest, "run", ...paths], {
  cwd: ROOT,
  env: { ...env, KITESEAL_PEERS_DIR: directory },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
