// SPDX-License-Identifier: Apache-2.0
import { describeRoots } from "./scenario.ts";
import { REMOTE_KINDS } from "./store.ts";

for (const kind of REMOTE_KINDS) describeRoots(kind);
