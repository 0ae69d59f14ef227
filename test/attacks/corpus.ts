// SPDX-License-Identifier: Apache-2.0
// All attacks, by name. A list that is not here is not run; a test holds that names are unique and counts suffice.
import { AGREEMENT_ATTACKS } from "./agreement.ts";
import { BUNDLE_ATTACKS } from "./bundle.ts";
import { CERTIFICATE_ATTACKS } from "./certificate.ts";
import { EXCEPTION_ATTACKS, EXCEPTION_OUTCOME_ATTACKS, SET_ATTACKS } from "./exceptions.ts";
import { IDENTITY_ATTACKS } from "./identity.ts";
import { NO_RULE_ATTACKS, POLICY_ATTACKS, ROOT_ATTACKS } from "./input.ts";
import { FILE_ATTACKS, LIMIT_ATTACKS } from "./limits.ts";
import { LOG_ATTACKS } from "./log.ts";
import { COMBINED_ATTACKS, NO_ROW_ATTACKS, STORE_BUNDLE_ATTACKS } from "./lookup.ts";
import { PREDICATE_ATTACKS } from "./predicate.ts";
import { MAX_AGE_ATTACKS, ORGANIZATION_ID_ATTACKS, PIPELINE_ID_ATTACKS, REPOSITORY_ATTACKS } from "./rules-claimed.ts";
import { BUILD_ATTACKS, COMMIT_ATTACKS, RUNNER_ATTACKS, TRIGGER_ATTACKS } from "./rules-proven.ts";
import { ALSO_REQUIRED_ATTACKS, DEPENDENCIES_ATTACKS, LOGS_ATTACKS, TIMESTAMPS_ATTACKS } from "./rules-evidence.ts";
import { SCT_ATTACKS } from "./sct.ts";
import { SIGNATURE_ATTACKS } from "./signature.ts";
import {
  BLOB_SIGNATURE_ATTACKS,
  BLOB_SUBJECT_ATTACKS,
  CONTENT_ATTACKS,
  KEY_LOG_ATTACKS,
  OLD_STATEMENT_ATTACKS,
  SIGNER_ATTACKS,
  UNASKED_ATTACKS,
} from "./signers.ts";
import { SIGNER_POLICY_ATTACKS } from "./signers-input.ts";
import type { Attack } from "./spec.ts";
import { STATEMENT_ATTACKS } from "./statement.ts";
import { SUBJECT_ATTACKS } from "./subject.ts";
import { TIME_ATTACKS } from "./time.ts";

/** Policies and trusted roots are refused as input, with no verdict. */
const INPUT_ATTACKS: readonly Attack[] = [...POLICY_ATTACKS, ...SIGNER_POLICY_ATTACKS, ...ROOT_ATTACKS].map(
  (attack) => ({
    ...attack,
    outcome: "input",
  }),
);

export const ATTACKS: readonly Attack[] = [
  ...LIMIT_ATTACKS,
  ...BUNDLE_ATTACKS,
  ...TIME_ATTACKS,
  ...CERTIFICATE_ATTACKS,
  ...SCT_ATTACKS,
  ...LOG_ATTACKS,
  ...SIGNATURE_ATTACKS,
  ...STATEMENT_ATTACKS,
  ...AGREEMENT_ATTACKS,
  ...SUBJECT_ATTACKS,
  ...IDENTITY_ATTACKS,
  ...PREDICATE_ATTACKS,
  ...BUILD_ATTACKS,
  ...TRIGGER_ATTACKS,
  ...RUNNER_ATTACKS,
  ...COMMIT_ATTACKS,
  ...REPOSITORY_ATTACKS,
  ...ORGANIZATION_ID_ATTACKS,
  ...PIPELINE_ID_ATTACKS,
  ...MAX_AGE_ATTACKS,
  ...LOGS_ATTACKS,
  ...TIMESTAMPS_ATTACKS,
  ...DEPENDENCIES_ATTACKS,
  ...ALSO_REQUIRED_ATTACKS,
  ...UNASKED_ATTACKS,
  ...KEY_LOG_ATTACKS,
  ...BLOB_SIGNATURE_ATTACKS,
  ...BLOB_SUBJECT_ATTACKS,
  ...CONTENT_ATTACKS,
  ...SIGNER_ATTACKS,
  ...OLD_STATEMENT_ATTACKS,
  ...EXCEPTION_ATTACKS,
  ...EXCEPTION_OUTCOME_ATTACKS,
  ...SET_ATTACKS,
  ...STORE_BUNDLE_ATTACKS,
  ...COMBINED_ATTACKS,
  ...NO_ROW_ATTACKS,
  ...NO_RULE_ATTACKS,
  ...FILE_ATTACKS,
  ...INPUT_ATTACKS,
];
