// SPDX-License-Identifier: Apache-2.0
// moto, a stand-in for AWS of another making; here for its security token service.
import { serve } from "./process.testkit.ts";
import type { Served } from "./process.testkit.ts";
import { peerProgram } from "./programs.ts";

export function moto(): Promise<Served> {
  return serve({
    command: peerProgram("moto"),
    args: (port) => ["--host", "127.0.0.1", "--port", String(port)],
    probe: "/moto-api/data.json",
  });
}
