// SPDX-License-Identifier: Apache-2.0
// Run by faults.test.ts under a limit on the size of files: puts 1 MiB and prints the outcome or the code.
// argv: base directory.
import { argv, stdout } from "node:process";
import { isKitesealError, parseKey } from "@kiteseal/core/store";
import { openStore } from "../index.ts";
import { sourceOf } from "./crash-source.testkit.ts";

const [base = ""] = argv.slice(2);
const { store, prefix } = await openStore(`file://${base}`, { env: {}, now: () => new Date(0) });
try {
  const stored = await store.put(parseKey(`${prefix}d/a`), { source: sourceOf() }, { now: () => new Date() });
  stdout.write(stored.outcome);
} catch (error) {
  if (!isKitesealError(error)) throw error;
  // A full disk is nothing that a retry alone repairs: it has to be said.
  stdout.write(error.hint === undefined ? "no hint" : error.code);
}
