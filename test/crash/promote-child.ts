// SPDX-License-Identifier: Apache-2.0
// Run by promote.test.ts in a process of its own: one promotion to a store whose every call is counted, and before or after
// one of which the process kills itself. argv: source folder, destination folder, trusted root, the moment to die at
// (0: never). Moments are numbered: 2n-1 before the n-th call, 2n after it. Prints how many there were.
import { argv, kill, pid, stdout } from "node:process";
import * as core from "@kiteseal/core";
import { KeptEvidence, promote } from "@kiteseal/core/operations";
import type { Store } from "@kiteseal/core/store";
import { runPromotion } from "../attacks/promotion.ts";

const [source = "", destination = "", trustedRoot = "", dieAt = "0"] = argv.slice(2);
let moments = 0;

function moment(): void {
  moments += 1;
  if (moments === Number(dieAt)) kill(pid, "SIGKILL");
}

async function counted<T>(call: () => Promise<T>): Promise<T> {
  moment();
  const result = await call();
  moment();
  return result;
}

function watched(store: Store): Store {
  return {
    ...store,
    put: (...args) => counted(() => store.put(...args)),
    head: (...args) => counted(() => store.head(...args)),
    copy: (...args) => counted(() => store.copy(...args)),
  };
}

const library = { ...core, KeptEvidence, promote };
await runPromotion({ destinationStore: watched, sidecar: true }, { library, source, destination }, { trustedRoot });
stdout.write(String(moments));
