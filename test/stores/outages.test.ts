// SPDX-License-Identifier: Apache-2.0
import { describeOutages } from "./scenario.ts";
import { REMOTE_KINDS } from "./store.ts";

for (const kind of REMOTE_KINDS) describeOutages(kind);
