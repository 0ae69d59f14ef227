// SPDX-License-Identifier: Apache-2.0
// Run by promote.test.ts in a process of its own: one promotion to a store whose every call is counted, and before or after
// one of which the process kills itself. argv: source folder, destination folder, trusted root, the moment to die at
// (0: never). Prints how many there were.
import { argv, stdout } from "node:process";
import * as core from "@kiteseal/core";
import { KeptEvidence, promote } from "@kiteseal/core/operations";
import { runPromotion } from "../attacks/promotion.ts";
import { createMoments } from "./moments.ts";

const [source = "", destination = "", trustedRoot = "", dieAt = "0"] = argv.slice(2);
const moments = createMoments(Number(dieAt));
const library = { ...core, KeptEvidence, promote };
await runPromotion(
  { destinationStore: moments.watched, sidecar: true },
  { library, source, destination },
  { trustedRoot },
);
stdout.write(String(moments.count()));
