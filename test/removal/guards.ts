// SPDX-License-Identifier: Apache-2.0
// All guards. A guard that is not here can be deleted without the script noticing.
import { ASKED_GUARDS, SET_GUARDS } from "./asked.ts";
import { BUNDLE_GUARDS } from "./bundle.ts";
import { EVIDENCE_GUARDS } from "./evidence.ts";
import type { Guard } from "./guard.ts";
import { INPUT_GUARDS } from "./input.ts";
import { RULE_GUARDS } from "./rules.ts";
import { SIGNED_GUARDS } from "./signed.ts";

export const GUARDS: readonly Guard[] = [
  ...BUNDLE_GUARDS,
  ...EVIDENCE_GUARDS,
  ...SIGNED_GUARDS,
  ...RULE_GUARDS,
  ...ASKED_GUARDS,
  ...SET_GUARDS,
  ...INPUT_GUARDS,
];
