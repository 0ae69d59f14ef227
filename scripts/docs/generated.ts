// SPDX-License-Identifier: Apache-2.0
// The documents that are wholly generated, by path.
import { policyJsonSchema } from "../../packages/core/src/policy/policy-schema.ts";
import { errorsDocument } from "./errors.ts";
import { faultsDocument } from "./faults.ts";

export function generatedDocuments(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/errors.md", errorsDocument()],
    ["docs/reference/faults.md", faultsDocument()],
    ["docs/reference/policy.schema.json", `${JSON.stringify(policyJsonSchema(), undefined, 2)}\n`],
  ]);
}
